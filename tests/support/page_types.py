"""Every type of page, and how a reader gets to it."""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.servers import ROOT
from tests.support.visits import Visit

FALLBACK = "guide/article/bicycles/"


ARTICLE = "guide/article/rubbish/"


LAST_FISCAL_YEAR = (datetime.date.today() - datetime.timedelta(days=90)).year - 1  # noqa: DTZ011  a completed year


@dataclass(frozen=True)
class PageType:
    """A type of page. `come` takes a visit there; `status` is the expected response status.

    `resident`: in all ten languages; otherwise it is for staff or developers, in their languages.
    `at`: the fault of the portal that causes the page.
    """

    come: Callable[[Visit], object]
    status: int = 200
    resident: bool = True
    at: str = ""
    choose: bool = True


@dataclass(frozen=True)
class Address:
    """A page with a URL of its own, opened by an anonymous reader or as one of the demo's people."""

    path: str
    role: str = ""

    def __call__(self, visit: Visit):
        """Open the page."""
        if self.role:
            visit.be(self.role)
        return visit.open(self.path)


def _send(visit: Visit, form: str, **fields: str):
    for name, value in fields.items():
        visit.page.locator(f"{form} [name={name}]").fill(value)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(f"{form} button[type=submit]").first.click()
    return navigation.value


def wrong_sign_in(visit: Visit):
    """Enter a wrong password for an unused email address: each address may fail ten times a minute."""
    visit.open("me/login/")
    visit.fold_out("summary:not(header *)")
    return _send(visit, "form:has([name=login])", login=f"{uuid.uuid4().hex}@example.org", password="no")


def wrong_sign_up(visit: Visit):
    """Sign up with an invisible name, an invalid email address and a password that is too short."""
    visit.open("me/signup/")
    return _send(visit, "main form", name="\u200b", email="me@here", password1="short")


def ask_for_a_code(visit: Visit, address: str = ""):
    """Ask for a code by email, for an unused address: each address may ask three times a minute."""
    visit.open("me/login/")
    return _send(visit, "form:has([name=email])", email=address or f"{uuid.uuid4().hex}@example.org")


def wrong_code(visit: Visit):
    """Enter a code that was never sent."""
    ask_for_a_code(visit)
    return _send(visit, "form:has([name=code])", code="ZZZ-ZZZ")


def too_many_codes(visit: Visit):
    """Ask for one more password reset code than an address may in a minute (ACCOUNT_RATE_LIMITS)."""
    visit.open("me/password/reset/")
    form = {"email": f"{uuid.uuid4().hex}@example.org"}
    form["csrfmiddlewaretoken"] = visit.page.locator("main [name=csrfmiddlewaretoken]").get_attribute("value")
    for _time in range(5):
        visit.page.request.post(visit.page.url, form=form)
    return _send(visit, "main form", email=form["email"])


def stale_form(visit: Visit):
    """Send a filled-in form after its CSRF cookie has gone."""
    visit.open("me/signup/")
    visit.page.context.clear_cookies(name="csrf")
    return _send(visit, "main form", name="Sita", email="sita@example.org", password1="a-long-enough-password")


def app_set_up(visit: Visit):
    """The page with the QR code for the code app; it asks for the password first."""
    return _confirmed(visit, "me/second-factor/app/activate/")


def _confirmed(visit: Visit, path: str):
    visit.sign_in_as("adviser")  # a new session: an existing one remembers that the password was entered
    visit.open(path)
    return _send(visit, "form:has([name=password])", password="tabunka-demo-2026")


def next_week(visit: Visit):
    """The desk's page for next week."""
    visit.open("consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".week-head a").click()
    return navigation.value


def hours(visit: Visit):
    """The form in which the coordinator edits the desk's first opening hours."""
    visit.be("manager")
    visit.open("staff/desk/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#hours + .list a").first.click()
    return navigation.value


def wrong_hours(visit: Visit):
    """Submit new opening hours that end before they begin."""
    visit.be("manager")
    visit.open("staff/desk/hours/new/")
    return _send(visit, "form.ticks", begins="17:00", ends="10:00")


TIMES = "consultations/appointments/lawyer/"


def choose_time(visit: Visit, *, taken: bool = False):
    """Choose a free time with the lawyer, or one that is taken and has a waiting list."""
    visit.open(TIMES)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(f".day-times a{'' if taken else ':not('}.taken{'' if taken else ')'}").last.click()
    return navigation.value


def wait_for_time(visit: Visit):
    """Choose a time that is already taken."""
    return choose_time(visit, taken=True)


def wrong_booking(visit: Visit):
    """Book without a name and with an invalid email address."""
    choose_time(visit)
    return _send(visit, "form.ticks", address="me@here")


def booking_in_words(visit: Visit):
    """The summary before a booking is confirmed."""
    choose_time(visit)
    return _send(visit, "form.ticks", name="Sita", address=f"{uuid.uuid4().hex}@example.org")


def booked(visit: Visit):
    """A confirmed booking; each visit takes a different time."""
    booking_in_words(visit)
    return _send(visit, "form:has([name=sure])")


def my_appointment(visit: Visit):
    """The page of the resident's own appointment."""
    visit.be("resident")
    visit.open("me/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#my-appointments + .list a").click()
    return navigation.value


def another_time(visit: Visit):
    """Other times for the resident's appointment."""
    my_appointment(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("main a[href*=another]").click()
    return navigation.value


def changed_time(visit: Visit):
    """The summary before a change of time is confirmed."""
    another_time(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".day-times a").first.click()
    return navigation.value


def case(visit: Visit):
    """The newest case of an adviser; in the demo it is the restricted one."""
    visit.be("adviser")
    visit.open("staff/cases/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".cases th a").first.click()
    return navigation.value


def person(visit: Visit):
    """The person whom the newest case is about."""
    case(visit)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("a[href$='/person/']").click()
    return navigation.value


def same_person(visit: Visit):
    """The comparison of two records that may be of the same person."""
    visit.be("adviser")
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
    """Submit an empty referral."""
    case(visit)
    visit.page.locator("a[href$='/referral/']").click()
    return _send(visit, "form.narrow", what="")


def consent(visit: Visit):
    """A pending consent, in the person's language."""
    visit.be("adviser")
    visit.open("staff/cases/?show=waiting")
    visit.page.locator(".cases th a").first.click()
    visit.page.locator("#referrals + .list a").click()
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("a[href*='/consent/']").click()
    return navigation.value


def wrong_entry(visit: Visit):
    """Submit a consultation without a topic, on a future day."""
    visit.be("adviser")
    visit.open("staff/consultations/new/")
    visit.page.locator("[name=day]").evaluate("day => { day.closest('details').open = true; }")
    return _send(visit, "form.log", day="2090-01-01")


def one_consultation(visit: Visit):
    """The newest consultation that the adviser may read."""
    visit.be("adviser")
    visit.open("staff/consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".log-rows tbody a").first.click()
    return navigation.value


def somebody_elses(visit: Visit):
    """A consultation of which the manager may only see the facts."""
    visit.be("manager")
    visit.open("staff/consultations/")
    with visit.page.expect_navigation() as navigation:
        visit.page.locator(".log-rows tbody a").first.click()
    return navigation.value


def nobodys_code(visit: Visit):
    """Look up a person's code that does not exist."""
    visit.be("adviser")
    visit.open("staff/consultations/")
    return _send(visit, "form:has([name=code])", code="2222-2222")


def _uploaded(visit: Visit, text: str):
    visit.be("manager")
    visit.open("staff/consultations/import/")
    file = {"name": "log.csv", "mimeType": "text/csv", "buffer": text.encode()}
    visit.page.locator("[name=file]").set_input_files(file)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("form.stack button[type=submit]").click()
    return navigation.value


def columns(visit: Visit):
    """The form for the meaning of a past log's columns."""
    return _uploaded(visit, (ROOT / "docs" / "past-log.csv").read_text("utf-8"))


def no_table(visit: Visit):
    """Upload a file without rows."""
    return _uploaded(visit, "")


def wrong_cells(visit: Visit):
    """Import a past log with an invalid date."""
    _uploaded(visit, (ROOT / "docs" / "past-log.csv").read_text("utf-8").replace("令和8年3月1日", "いつか"))
    visit.page.locator("[name=adviser]").select_option(index=1)
    with visit.page.expect_navigation() as navigation:
        visit.page.locator("#plan button[value=try]").click()
    return navigation.value


def wrong_wishes(visit: Visit):
    """Subscribe without a topic and with an invalid email address."""
    visit.open("notices/subscribe/")
    return _send(visit, "form:has([name=address])", address="me@here")


PAGES = {
    "first visit": PageType(Address(""), choose=False),
    "home": PageType(Address("")),
    "guide": PageType(Address("guide/")),
    "category": PageType(Address("guide/transport/")),
    "article": PageType(Address(ARTICLE)),
    "fallback": PageType(Address(FALLBACK)),
    "search": PageType(Address("search/")),
    "search found": PageType(Address("search/?q=1")),
    "search found nothing": PageType(Address("search/?q=xyzxyz")),
    "search refused": PageType(Address("search/?q=%E2%80%AEabc")),
    "emergency": PageType(Address("emergency/")),
    "programme": PageType(Address("classes/")),
    "desk": PageType(Address("consultations/")),
    "desk, next week": PageType(next_week),
    "appointments": PageType(Address("consultations/appointments/")),
    "times": PageType(Address(TIMES)),
    "appointment": PageType(choose_time),
    "appointment, waiting": PageType(wait_for_time),
    "appointment, wrong": PageType(wrong_booking, 400),
    "appointment, in words": PageType(booking_in_words),
    "appointment, made": PageType(booked),
    "my appointment": PageType(my_appointment),
    "another time": PageType(another_time),
    "another time, in words": PageType(changed_time),
    "registration, old link": PageType(Address("registrations/no-such-token/"), 410),
    "desk in figures": PageType(Address("consultations/figures/")),
    "notices": PageType(Address("notices/")),
    "notice": PageType(Address("notices/demo-disaster-drill/")),
    "notice, past": PageType(Address("notices/demo-past-typhoon/")),
    "notices, past": PageType(Address("notices/archive/")),
    "subscribe": PageType(Address("notices/subscribe/")),
    "subscribe, wrong": PageType(wrong_wishes, 400),
    "subscribe, asked": PageType(Address("notices/subscribe/asked/")),
    "old link": PageType(Address("notices/subscription/leave/no-such-token/"), 410),
    "sign in": PageType(Address("me/login/")),
    "sign in, wrong": PageType(wrong_sign_in),
    "ask for a code": PageType(Address("me/login/code/")),
    "code": PageType(ask_for_a_code),
    "code, wrong": PageType(wrong_code),
    "sign up": PageType(Address("me/signup/")),
    "sign up, wrong": PageType(wrong_sign_up),
    "password forgotten": PageType(Address("me/password/reset/")),
    "my page": PageType(Address("me/", "resident")),
    "messages": PageType(Address("me/messages/", "resident")),
    "addresses": PageType(Address("me/email/", "resident")),
    "password": PageType(Address("me/password/change/", "resident")),
    "sign out": PageType(Address("me/logout/", "resident")),
    "is it you": PageType(Address("me/second-factor/app/activate/", "adviser"), resident=False),
    "code app": PageType(app_set_up, resident=False),
    "second factor": PageType(Address("me/second-factor/", "adviser"), resident=False),
    "newsroom": PageType(Address("staff/notices/", "editor"), resident=False),
    "composer": PageType(Address("staff/notices/demo-draft/edit/", "editor"), resident=False),
    "notice to approve": PageType(Address("staff/notices/demo-waiting/", "manager"), resident=False),
    "notice, preview": PageType(Address("staff/notices/demo-waiting/preview/ne/", "manager"), resident=False),
    "patterns": PageType(Address("staff/notices/emergency/", "manager"), resident=False),
    "ledger": PageType(Address("staff/notices/messages/", "administrator"), resident=False),
    "desk's timetable": PageType(Address("staff/desk/", "manager"), resident=False),
    "desk's appointments": PageType(Address("staff/desk/appointments/", "manager"), resident=False),
    "desk's closed days": PageType(Address("staff/desk/closed-days/", "manager"), resident=False),
    "desk's booking": PageType(Address("staff/desk/appointments/new/", "manager"), resident=False),
    "hours": PageType(hours, resident=False),
    "new hours, wrong": PageType(wrong_hours, 400, resident=False),
    "new duty": PageType(Address("staff/desk/shifts/new/", "manager"), resident=False),
    "cases": PageType(Address("staff/cases/", "adviser"), resident=False),
    "follow-ups": PageType(Address("staff/cases/today/", "adviser"), resident=False),
    "case": PageType(case, resident=False),
    "person of a case": PageType(person, resident=False),
    "one person, two records": PageType(same_person, resident=False),
    "referral": PageType(referral, resident=False),
    "new referral, wrong": PageType(wrong_referral, 400, resident=False),
    "consent": PageType(consent, resident=False),
    "logging": PageType(Address("staff/consultations/new/", "adviser"), resident=False),
    "logging, wrong": PageType(wrong_entry, 400, resident=False),
    "consultations": PageType(Address("staff/consultations/", "adviser"), resident=False),
    "consultation": PageType(one_consultation, resident=False),
    "consultation, facts": PageType(somebody_elses, resident=False),
    "nobody's code": PageType(nobodys_code, resident=False),
    "import": PageType(Address("staff/consultations/import/", "manager"), resident=False),
    "import, no table": PageType(no_table, 400, resident=False),
    "import, columns": PageType(columns, resident=False),
    "import, wrong": PageType(wrong_cells, 400, resident=False),
    "figures": PageType(Address("staff/statistics/", "manager"), resident=False),
    "figures of a month": PageType(Address("staff/statistics/?month=2026-06", "adviser"), resident=False),
    "hours of advisers": PageType(Address("staff/statistics/hours/", "manager"), resident=False),
    "national report": PageType(Address("staff/statistics/report/", "manager"), resident=False),
    "closing months": PageType(Address(f"staff/statistics/months/?year={LAST_FISCAL_YEAR}", "manager"), resident=False),
    "board": PageType(Address("staff/", "administrator"), resident=False),
    "demo": PageType(Address("demo/"), resident=False),
    "styleguide": PageType(Address("styleguide/"), resident=False),
    "400": PageType(Address("search/?q=%00"), 400),
    "403": PageType(Address("staff/", "resident"), 403),
    "404": PageType(Address("guide/article/no-such-article/"), 404),
    "429": PageType(too_many_codes, 429),
    "csrf": PageType(stale_form, 403),
    "500": PageType(Address(""), 500, at="no database"),
    "503": PageType(Address(""), 503, at="no tables"),
}


def come_to(name: str, language: str, visitor, ill_portal, **options) -> tuple[Visit, object]:
    """Take a new reader of the language to a page of this type; return the visit and the portal's response."""
    kind = PAGES[name]
    visit = visitor(language, at=ill_portal(kind.at) if kind.at else None, **options)
    if kind.choose:
        visit.page.context.add_cookies([{"name": "language", "value": language, "url": visit.address}])
    return visit, kind.come(visit)


LANGUAGES = ("ja-simple", "ne", "ar")
