"""Every type of page, and how a reader comes to it."""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tests.browser.visits import Visit
from tests.servers import ROOT

FALLBACK = "guide/article/bicycles/"
ARTICLE = "guide/article/rubbish/"
LAST_FISCAL_YEAR = (datetime.date.today() - datetime.timedelta(days=90)).year - 1  # noqa: DTZ011  a year that is over


@dataclass(frozen=True)
class PageType:
    """One type of page. `come` brings a visit there; `status` is what it must answer with.

    `resident`: in all ten languages; else it is for staff or for people who build, in their languages.
    `at`: the illness of the portal that shows it.
    """

    come: Callable[[Visit], object]
    status: int = 200
    resident: bool = True
    at: str = ""
    choose: bool = True


def _path(path: str) -> Callable[[Visit], object]:
    return lambda visit: visit.open(path)


def _as(role: str, path: str) -> Callable[[Visit], object]:
    def come(visit: Visit):
        visit.sign_in_as(role)
        return visit.open(path)

    return come


def _send(visit: Visit, form: str, **fields: str):
    for name, value in fields.items():
        visit.page.locator(f"{form} [name={name}]").fill(value)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(f"{form} button[type=submit]").first.click()
    return navigation.value


def wrong_sign_in(visit: Visit):
    """A password that nobody has."""
    visit.open("me/login/")
    visit.fold_out("summary:not(header *)")
    return _send(visit, "form:has([name=login])", login="nobody@example.org", password="not-a-password")


def wrong_sign_up(visit: Visit):
    """A name that cannot be seen, an address that is none, a password that is too short."""
    visit.open("me/signup/")
    return _send(visit, "main form", name="\u200b", email="me@here", password1="short")


def ask_for_a_code(visit: Visit, address: str = ""):
    """A code by mail, for an address that nobody has used: one address may ask three times a minute."""
    visit.open("me/login/")
    return _send(visit, "form:has([name=email])", email=address or f"{uuid.uuid4().hex}@example.org")


def wrong_code(visit: Visit):
    """A code that was never sent."""
    ask_for_a_code(visit)
    return _send(visit, "form:has([name=code])", code="ZZZ-ZZZ")


def too_many_codes(visit: Visit):
    """One code for a new password more than one address may ask for in a minute (ACCOUNT_RATE_LIMITS)."""
    visit.open("me/password/reset/")
    form = {"email": f"{uuid.uuid4().hex}@example.org"}
    form["csrfmiddlewaretoken"] = visit.page.locator("main [name=csrfmiddlewaretoken]").get_attribute("value")
    for _time in range(5):
        visit.page.request.post(visit.page.url, form=form)
    return _send(visit, "main form", email=form["email"])


def stale_form(visit: Visit):
    """A form whose cookie is gone, with something typed into it."""
    visit.open("me/signup/")
    visit.page.context.clear_cookies(name="csrf")
    return _send(visit, "main form", name="Sita", email="sita@example.org", password1="a-long-enough-password")


def app_set_up(visit: Visit):
    """The page with the picture for the code app; it asks for the password first."""
    return _confirmed(visit, "me/second-factor/app/activate/")


def _confirmed(visit: Visit, path: str):
    visit.sign_in_as("adviser")
    visit.open(path)
    return _send(visit, "form:has([name=password])", password="tabunka-demo-2026")


def next_week(visit: Visit):
    """The desk's page a week on."""
    visit.open("consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".week-head a").click()
    return navigation.value


def hours(visit: Visit):
    """The first hours of the desk, as the coordinator edits them."""
    visit.sign_in_as("manager")
    visit.open("staff/desk/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#hours + .list a").first.click()
    return navigation.value


def wrong_hours(visit: Visit):
    """New hours of nothing."""
    visit.sign_in_as("manager")
    visit.open("staff/desk/hours/new/")
    return _send(visit, "form.ticks", begins="17:00", ends="10:00")


TIMES = "consultations/appointments/lawyer/"


def choose_time(visit: Visit, *, taken: bool = False):
    """A time with the lawyer that is free, or one that can only be waited for."""
    visit.open(TIMES)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(f".day-times a{'' if taken else ':not('}.taken{'' if taken else ')'}").last.click()
    return navigation.value


def wait_for_time(visit: Visit):
    """A time that somebody has."""
    return choose_time(visit, taken=True)


def wrong_booking(visit: Visit):
    """No name, and an address that is none."""
    choose_time(visit)
    return _send(visit, "form.ticks", address="me@here")


def booking_in_words(visit: Visit):
    """Everything once more before the button."""
    choose_time(visit)
    return _send(visit, "form.ticks", name="Sita", address=f"{uuid.uuid4().hex}@example.org")


def booked(visit: Visit):
    """A time that is kept now; each visit takes one of its own."""
    booking_in_words(visit)
    return _send(visit, "form:has([name=sure])")


def my_appointment(visit: Visit):
    """The page of one's own appointment."""
    visit.sign_in_as("resident")
    visit.open("me/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#my-appointments + .list a").click()
    return navigation.value


def another_time(visit: Visit):
    """Other times for one's appointment."""
    my_appointment(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("main a[href*=another]").click()
    return navigation.value


def changed_time(visit: Visit):
    """From one time to another, before the button."""
    another_time(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".day-times a").first.click()
    return navigation.value


def case(visit: Visit):
    """The newest case of an adviser; in the demo it is the restricted one."""
    visit.sign_in_as("adviser")
    visit.open("staff/cases/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".cases th a").first.click()
    return navigation.value


def person(visit: Visit):
    """Who that case is about."""
    case(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("a[href$='/person/']").click()
    return navigation.value


def same_person(visit: Visit):
    """Two records beside each other that may be of one person."""
    visit.sign_in_as("adviser")
    visit.open("staff/cases/")
    first, second = visit.page.locator(".cases th a:has(bdi)").all()[1:3]
    code = second.inner_text()
    first.click()
    visit.page.locator("a[href$='/person/']").click()
    visit.page.locator("#id_code").fill(code)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("form[action$='/same/'] button").click()
    return navigation.value


def referral(visit: Visit):
    """A draft of a referral."""
    case(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#referrals + .list a").click()
    return navigation.value


def wrong_referral(visit: Visit):
    """A referral that says nothing."""
    case(visit)
    visit.page.locator("a[href$='/referral/']").click()
    return _send(visit, "form.narrow", what="")


def consent(visit: Visit):
    """A consent that waits, in the language of the person."""
    visit.sign_in_as("adviser")
    visit.open("staff/cases/?show=waiting")
    visit.page.locator(".cases th a").first.click()
    visit.page.locator("#referrals + .list a").click()
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("a[href*='/consent/']").click()
    return navigation.value


def wrong_entry(visit: Visit):
    """A consultation about nothing, on a day to come."""
    visit.sign_in_as("adviser")
    visit.open("staff/consultations/new/")
    visit.page.locator("[name=day]").evaluate("day => { day.closest('details').open = true; }")
    return _send(visit, "form.log", day="2090-01-01")


def one_consultation(visit: Visit):
    """The newest consultation that the adviser may read."""
    visit.sign_in_as("adviser")
    visit.open("staff/consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".log-rows tbody a").first.click()
    return navigation.value


def somebody_elses(visit: Visit):
    """One that the manager may only count."""
    visit.sign_in_as("manager")
    visit.open("staff/consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".log-rows tbody a").first.click()
    return navigation.value


def nobodys_code(visit: Visit):
    """A person's code that is none."""
    visit.sign_in_as("adviser")
    visit.open("staff/consultations/")
    return _send(visit, "form:has([name=code])", code="2222-2222")


def _uploaded(visit: Visit, text: str):
    visit.sign_in_as("manager")
    visit.open("staff/consultations/import/")
    file = {"name": "log.csv", "mimeType": "text/csv", "buffer": text.encode()}
    visit.page.locator("[name=file]").set_input_files(file)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("form.stack button[type=submit]").click()
    return navigation.value


def columns(visit: Visit):
    """What the columns of a past log are."""
    return _uploaded(visit, (ROOT / "docs" / "past-log.csv").read_text("utf-8"))


def no_table(visit: Visit):
    """A file without rows."""
    return _uploaded(visit, "")


def wrong_cells(visit: Visit):
    """A past log that does not fit."""
    _uploaded(visit, (ROOT / "docs" / "past-log.csv").read_text("utf-8").replace("令和8年3月1日", "いつか"))
    visit.page.locator("[name=adviser]").select_option(index=1)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#plan button[value=try]").click()
    return navigation.value


def wrong_wishes(visit: Visit):
    """No topic, and an address that is none."""
    visit.open("notices/subscribe/")
    return _send(visit, "form:has([name=address])", address="me@here")


PAGES = {
    "first visit": PageType(_path(""), choose=False),
    "home": PageType(_path("")),
    "guide": PageType(_path("guide/")),
    "category": PageType(_path("guide/transport/")),
    "article": PageType(_path(ARTICLE)),
    "fallback": PageType(_path(FALLBACK)),
    "search": PageType(_path("search/")),
    "search found": PageType(_path("search/?q=1")),
    "search found nothing": PageType(_path("search/?q=xyzxyz")),
    "search refused": PageType(_path("search/?q=%E2%80%AEabc")),
    "emergency": PageType(_path("emergency/")),
    "programme": PageType(_path("classes/")),
    "desk": PageType(_path("consultations/")),
    "desk, next week": PageType(next_week),
    "appointments": PageType(_path("consultations/appointments/")),
    "times": PageType(_path(TIMES)),
    "appointment": PageType(choose_time),
    "appointment, waiting": PageType(wait_for_time),
    "appointment, wrong": PageType(wrong_booking, 400),
    "appointment, in words": PageType(booking_in_words),
    "appointment, made": PageType(booked),
    "my appointment": PageType(my_appointment),
    "another time": PageType(another_time),
    "another time, in words": PageType(changed_time),
    "registration, old link": PageType(_path("registrations/no-such-token/"), 410),
    "desk in figures": PageType(_path("consultations/figures/")),
    "notices": PageType(_path("notices/")),
    "notice": PageType(_path("notices/demo-disaster-drill/")),
    "notice, past": PageType(_path("notices/demo-past-typhoon/")),
    "notices, past": PageType(_path("notices/archive/")),
    "subscribe": PageType(_path("notices/subscribe/")),
    "subscribe, wrong": PageType(wrong_wishes, 400),
    "subscribe, asked": PageType(_path("notices/subscribe/asked/")),
    "old link": PageType(_path("notices/subscription/leave/no-such-token/"), 410),
    "sign in": PageType(_path("me/login/")),
    "sign in, wrong": PageType(wrong_sign_in),
    "ask for a code": PageType(_path("me/login/code/")),
    "code": PageType(ask_for_a_code),
    "code, wrong": PageType(wrong_code),
    "sign up": PageType(_path("me/signup/")),
    "sign up, wrong": PageType(wrong_sign_up),
    "password forgotten": PageType(_path("me/password/reset/")),
    "my page": PageType(_as("resident", "me/")),
    "messages": PageType(_as("resident", "me/messages/")),
    "addresses": PageType(_as("resident", "me/email/")),
    "password": PageType(_as("resident", "me/password/change/")),
    "sign out": PageType(_as("resident", "me/logout/")),
    "is it you": PageType(_as("adviser", "me/second-factor/app/activate/"), resident=False),
    "code app": PageType(app_set_up, resident=False),
    "second factor": PageType(_as("adviser", "me/second-factor/"), resident=False),
    "newsroom": PageType(_as("editor", "staff/notices/"), resident=False),
    "composer": PageType(_as("editor", "staff/notices/demo-draft/edit/"), resident=False),
    "notice to approve": PageType(_as("manager", "staff/notices/demo-waiting/"), resident=False),
    "notice, preview": PageType(_as("manager", "staff/notices/demo-waiting/preview/ne/"), resident=False),
    "patterns": PageType(_as("manager", "staff/notices/emergency/"), resident=False),
    "ledger": PageType(_as("administrator", "staff/notices/messages/"), resident=False),
    "desk's timetable": PageType(_as("manager", "staff/desk/"), resident=False),
    "desk's appointments": PageType(_as("manager", "staff/desk/appointments/"), resident=False),
    "desk's booking": PageType(_as("manager", "staff/desk/appointments/new/"), resident=False),
    "hours": PageType(hours, resident=False),
    "new hours, wrong": PageType(wrong_hours, 400, resident=False),
    "new duty": PageType(_as("manager", "staff/desk/duties/new/"), resident=False),
    "cases": PageType(_as("adviser", "staff/cases/"), resident=False),
    "follow-ups": PageType(_as("adviser", "staff/cases/today/"), resident=False),
    "case": PageType(case, resident=False),
    "person of a case": PageType(person, resident=False),
    "one person, two records": PageType(same_person, resident=False),
    "referral": PageType(referral, resident=False),
    "new referral, wrong": PageType(wrong_referral, 400, resident=False),
    "consent": PageType(consent, resident=False),
    "logging": PageType(_as("adviser", "staff/consultations/new/"), resident=False),
    "logging, wrong": PageType(wrong_entry, 400, resident=False),
    "consultations": PageType(_as("adviser", "staff/consultations/"), resident=False),
    "consultation": PageType(one_consultation, resident=False),
    "consultation, facts": PageType(somebody_elses, resident=False),
    "nobody's code": PageType(nobodys_code, resident=False),
    "import": PageType(_as("manager", "staff/consultations/import/"), resident=False),
    "import, no table": PageType(no_table, 400, resident=False),
    "import, columns": PageType(columns, resident=False),
    "import, wrong": PageType(wrong_cells, 400, resident=False),
    "figures": PageType(_as("manager", "staff/statistics/"), resident=False),
    "figures of a month": PageType(_as("adviser", "staff/statistics/?month=2026-06"), resident=False),
    "hours of advisers": PageType(_as("manager", "staff/statistics/hours/"), resident=False),
    "national report": PageType(_as("manager", "staff/statistics/report/"), resident=False),
    "closing months": PageType(_as("manager", f"staff/statistics/months/?year={LAST_FISCAL_YEAR}"), resident=False),
    "board": PageType(_as("administrator", "staff/"), resident=False),
    "demo": PageType(_path("demo/"), resident=False),
    "styleguide": PageType(_path("styleguide/"), resident=False),
    "400": PageType(_path("search/?q=%00"), 400),
    "403": PageType(_as("resident", "staff/"), 403),
    "404": PageType(_path("guide/article/no-such-article/"), 404),
    "429": PageType(too_many_codes, 429),
    "csrf": PageType(stale_form, 403),
    "500": PageType(_path(""), 500, at="no database"),
    "503": PageType(_path(""), 503, at="no tables"),
}


def come_to(name: str, language: str, visitor, ill_portal, **options) -> tuple[Visit, object]:
    """A new reader of the language on a page of this type, and what the portal answered."""
    kind = PAGES[name]
    visit = visitor(language, at=ill_portal(kind.at) if kind.at else None, **options)
    if kind.choose:
        visit.page.context.add_cookies([{"name": "language", "value": language, "url": visit.address}])
    return visit, kind.come(visit)
