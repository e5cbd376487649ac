"""The log's pages: input is saved or refused with a reason; for people who may not read it, a page does not exist."""

import datetime
import json
import re
import time
from urllib.parse import quote

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.log.actions import amend, assign, break_the_glass, entry_of, log
from consultations.models import Client, Consultation, ConsultationDraft, Outcome, ReadGrant
from consultations.records.contact_methods import contact_methods
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.public_ids import public_id
from services.figures.periods import fiscal_year_of
from services.messaging.models import Message
from tests.factories import (
    ArticleFactory,
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    DeskShiftFactory,
    UserFactory,
)
from tests.factories.accounts import PASSWORD
from tests.factories.log_entries import new_log_entry
from tests.support.nasty_texts import TEXT, every_nasty_text, sendable

pytestmark = pytest.mark.django_db
LOG = "/en/staff/consultations/"
REASON = "The client stands at the counter"


@pytest.fixture
def adviser(client):
    user = UserFactory(roles=["adviser"], name="Maricel")
    client.force_login(user)
    return user


@pytest.fixture
def manager(new_client):
    user = UserFactory(roles=["manager"], name="Ken")
    user.browser = new_client()
    user.browser.force_login(user)
    return user


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def typed(**more) -> dict:
    """Return an ordinary consultation as the form sends it."""
    now = timezone.localtime()
    usual = {
        "key": public_id(),
        "started_at": (now - datetime.timedelta(minutes=12)).isoformat(),
        "topics": "gomi, tax",
        "language": "ne",
        "language_support": "adviser",
        "channel": "phone",
        "enquirer": "self",
        "outcome": "info",
        "day": now.strftime("%Y-%m-%d"),
        "time": "00:00",
        "note": "She asked about glass.",
    }
    return usual | more


def value(response, name: str) -> str:
    """Return the value of a field, or of the selected option of a list."""
    page = response.content.decode()
    if found := re.search(rf"<input[^>]*name=\"{name}\"[^>]*>", page):
        return (re.search(r"value=\"([^\"]*)\"", found[0]) or ["", ""])[1]
    if found := re.search(rf"<textarea[^>]*name=\"{name}\"[^>]*>\n?(.*?)</textarea>", page, re.DOTALL):
        return found[1]
    options = re.search(rf"<select[^>]*name=\"{name}\".*?</select>", page, re.DOTALL)[0]
    chosen = re.search(r"<option value=\"([^\"]*)\"[^>]* selected", options)
    return chosen[1] if chosen else ""


# --- Logging --------------------------------------------------------------------------------------


def test_ordinary_consultation_is_logged(client, adviser):
    form = typed()
    response = client.post(f"{LOG}new/", form, follow=True)

    logged = Consultation.objects.get()
    assert response.redirect_chain == [(LOG, 302)]
    assert "The consultation has been logged: 12 min, Daily life, rubbish, neighbours, local rules, Taxes." in words(
        response
    )
    note = decrypt_with_audit(adviser, "x", logged, "note")["note"]
    assert entry_of(logged, note=note) == new_log_entry(
        began_at=logged.began_at,
        minutes=12,
        topics=("daily_life", "tax"),
        note="She asked about glass.",
    )
    assert (logged.public_id, logged.adviser, logged.client, logged.case) == (form["key"], adviser, None, None)


def test_whole_post_costs_ten_queries(client, adviser, django_assert_num_queries):
    client.get(LOG)
    key = public_id()
    client.post(f"{LOG}drafts/{key}/", typed(key=key))
    form = typed(key=key, topics="gomi, tax, biza")
    # User, roles; the row, its topics, its reader; the draft; audit chain head, entry, chain head; the pending
    # tally; two for the test's own transaction.
    with django_assert_num_queries(12):
        response = client.post(f"{LOG}new/", form)
    assert response.status_code == 302


def test_form_saved_in_a_second_window_with_other_words_loses_none(client, adviser):
    form = typed(minutes="10")
    client.post(f"{LOG}new/", form)
    page = client.post(f"{LOG}new/", form | {"note": "And about paper."})
    assert page.status_code == 400
    assert "This form has already been logged with different details" in page.content.decode()
    assert value(page, "note") == "And about paper."
    assert Consultation.objects.count() == 1
    again = value(page, "key")
    assert client.post(f"{LOG}new/", form | {"note": "And about paper.", "key": again}).status_code == 302
    assert Consultation.objects.count() == 2


def test_timer_does_not_count_for_another_day(client, adviser):
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    form = typed(day=f"{yesterday:%Y-%m-%d}", time="14:30", late_reason="Outreach")
    page = client.post(f"{LOG}new/", form)
    assert (page.status_code, list(page.context["form"].errors)) == (400, ["minutes"])
    assert client.post(f"{LOG}new/", form | {"minutes": "20"}).status_code == 302


def test_form_sent_twice_logs_once(client, adviser):
    form = typed()
    for _time in range(2):
        assert client.post(f"{LOG}new/", form).status_code == 302
    assert Consultation.objects.count() == 1


def test_screen_begins_with_what_is_usual(client, adviser):
    DeskShiftFactory(adviser=adviser, languages=["vi", "en"])
    response = client.get(f"{LOG}new/")
    usual = {
        name: value(response, name)
        for name in ("language", "language_support", "channel", "enquirer", "outcome", "day")
    }
    assert usual == {
        "language": "vi",
        "language_support": "adviser",
        "channel": "visit",
        "enquirer": "self",
        "outcome": "info",
        "day": f"{timezone.localdate()}",
    }
    assert 'data-spoken="vi en ne"' in response.content.decode()
    assert ConsultationDraft.objects.count() == 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_lists_are_found_by_code_and_words_of_both_languages(client, adviser, language):
    page = client.get(f"/{language}/staff/consultations/new/").content.decode()
    keys = {code: words.split() for code, words in re.findall(r"<option value=\"(\w+)\" data-keys=\"([^\"]*)\"", page)}
    assert {"phone", "telephone", "でんわ", "denwa"} <= set(keys["phone"])
    assert {"ne", "nepali", "ねぱーる語", "नेपाली", "neparugo"} <= set(keys["ne"])
    assert {"isa", "nyukan"} <= set(keys["isa"])


def test_timer_survives_a_reload_by_the_pages_address(client, adviser):
    began = int(time.time()) - 600
    response = client.get(f"{LOG}new/?draft={public_id()}&at={began}")
    assert datetime.datetime.fromisoformat(value(response, "started_at")).timestamp() == began
    for wrong in ("0", "9" * 11, "9" * 40, "-1", "x", "١٢"):
        begun = value(client.get(f"{LOG}new/?at={wrong}"), "started_at")
        assert abs(datetime.datetime.fromisoformat(begun).timestamp() - time.time()) < 60


def test_page_of_a_question_without_an_address_is_sent_to_nobody_and_said_so(client, adviser):
    page = client.post(f"{LOG}new/", typed(article=ArticleFactory().slug), follow=True)
    assert (
        "The article was not sent, because you did not enter an email address or phone number." in page.content.decode()
    )
    assert (Consultation.objects.count(), Message.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"topics": ""}, "Choose at least one topic."),
        ({"topics": "tax, nonsense"}, "“nonsense” matches no topics, or more than one."),
        ({"language": "xx"}, "Choose an answer from the list."),
        ({"outcome": "referral"}, "Choose the organisation the person was referred to."),
        ({"minutes": "0"}, "Enter 1 or more."),
        ({"minutes": "721"}, "Enter 720 or less."),
        ({"minutes": "ten"}, "Enter a whole number."),
        ({"started_at": "2020-01-01T00:00:00+00:00"}, "Enter how many minutes the consultation took."),
        ({"day": "2020-01-01"}, "Enter a reason for logging late."),
        ({"day": "2099-01-01"}, "The date and time must be in the past."),
        ({"day": "2026-02-30"}, "Enter a real date."),
        ({"client_code": "2222-2222"}, "No person was found with this code."),
        ({"client_contact": "me@here"}, "Enter an email address"),
        ({"send_to": "sita@example.org"}, "Choose the article to send."),
        ({"send_to": "090-1234-5678"}, "You cannot send text messages from here."),
        ({"case": "nobody"}, "Select a valid choice."),
        ({"note": "x" * 10_001}, "no more than 10000 characters"),
        ({"note": "\u200b"}, "Enter at least one visible character."),
    ],
)
def test_what_cannot_be_is_said_and_everything_typed_stays(client, adviser, wrong, said):
    form = typed(mother_tongue="ne", nationality="declined", client_name="Sita", **wrong)
    if "client_code" in wrong:
        form["client_name"] = ""
    response = client.post(f"{LOG}new/", form)

    assert (response.status_code, said in words(response)) == (400, True)
    assert Consultation.objects.count() == Client.objects.count() == 0
    kept = {name for name in ("topics", "note", "day", "minutes", "client_name", "key") if name in form}
    assert {name: value(response, name) for name in kept} == {name: form[name] for name in kept}
    assert value(response, "nationality") == "declined"


def test_past_day_is_logged_with_a_reason(client, adviser):
    day = timezone.localdate() - datetime.timedelta(days=3)
    client.post(f"{LOG}new/", typed(day=day, time="10:00", minutes="20", late_reason="Outreach day"))
    logged = Consultation.objects.get()
    assert (timezone.localtime(logged.began_at).strftime("%H:%M"), logged.late_reason) == ("10:00", "Outreach day")


def test_topics_are_ticked_without_script(client, adviser):
    client.post(f"{LOG}new/", typed(topics="", ticked=["tax", "housing"]))
    assert [row.topic for row in Consultation.objects.get().topics.all()] == ["tax", "housing"]


@pytest.mark.parametrize("way", contact_methods())
def test_person_may_be_reached_by_any_way_that_there_is(client, adviser, way):
    contact = "090-1234-5678" if way == "sms" else "sita@example.org"
    client.post(f"{LOG}new/", typed(client_contact=contact, safe_channels=[way]))
    assert Client.objects.get().safe_channels == [way]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_timer_that_began_at_the_end_of_time_is_no_fault_of_ours(client, adviser, moment):
    assert client.post(f"{LOG}new/", {"started_at": moment}).status_code == 400


def test_person_case_and_article_go_along(client, adviser):
    case, article = CaseFactory(assigned=adviser), ArticleFactory()
    more = {"client_name": "Sita", "client_contact": "Sita@Example.org", "safe_channels": ["email"]}
    more |= {"case": case.public_id, "article": article.slug, "send_to": "sita@example.org"}
    assert client.post(f"{LOG}new/", typed(**more)).status_code == 302

    logged, message = Consultation.objects.get(), Message.objects.get(kind="consultations/article")
    assert (logged.case, logged.client.safe_channels) == (case, ["email"])
    assert (message.address, message.language, message.about_id) == ("sita@example.org", "ne", article.pk)
    page = words(client.get(f"{LOG}{logged.public_id}/"))
    assert f"Articles sent {article.title_en}" in page
    assert ("sita@example.org" in page, "Sita" in page) == (True, True)


def test_cases_offered_are_ones_own_open_ones(client, adviser):
    own, foreign = CaseFactory(assigned=adviser), CaseFactory()
    page = client.get(f"{LOG}new/").content.decode()
    assert (own.public_id in page, foreign.public_id in page) == (True, False)
    assert client.post(f"{LOG}new/", typed(case=foreign.public_id)).status_code == 400


def test_same_as_last_copies_ones_own_last_entry_and_no_words(client, adviser):
    ConsultationFactory(adviser=UserFactory(roles=["adviser"]), language="vi")
    ConsultationFactory(
        adviser=adviser,
        language="ko",
        channel="sns",
        language_support="machine",
        outcome=Outcome.REFERRAL,
        referred_to="isa",
        topics=["housing", "legal"],
        note="Secret words",
        client=ClientFactory(),
    )
    form = typed(note="Typed before", minutes="7")
    response = client.post(f"{LOG}drafts/{form['key']}/", form | {"like": "last"}, follow=True)

    assert response.redirect_chain == [(f"{LOG}new/?draft={form['key']}", 302)]
    names = (
        "language",
        "channel",
        "language_support",
        "outcome",
        "referred_to",
        "topics",
        "note",
        "minutes",
        "client_code",
    )
    assert {name: value(response, name) for name in names} == {
        "language": "ko",
        "channel": "sns",
        "language_support": "machine",
        "outcome": "referral",
        "referred_to": "isa",
        "topics": "housing, legal",
        "note": "Typed before",
        "minutes": "7",
        "client_code": "",
    }
    assert "Secret words" not in response.content.decode()


def test_same_as_last_without_a_last_changes_nothing(client, adviser):
    form = typed()
    response = client.post(f"{LOG}drafts/{form['key']}/", form | {"like": "last"}, follow=True)
    assert (value(response, "topics"), value(response, "channel")) == ("gomi, tax", "phone")


def test_frequent_question_fills_in_and_keeps_the_note(client, adviser):
    ArticleFactory(slug="rubbish")
    form = typed(topics="")
    address = f"{LOG}drafts/{form['key']}/"
    response = client.post(address, form | {"question": "rubbish"}, follow=True)
    assert value(response, "topics") == "daily_life"
    assert value(response, "article") == "rubbish"
    usual = "Explained how to sort rubbish and on which days it is collected."
    assert value(response, "note") == f"She asked about glass.\n{usual}"
    again = client.post(address, form | {"note": value(response, "note"), "question": "rubbish"}, follow=True)
    assert value(again, "note") == f"She asked about glass.\n{usual}"


def test_form_sent_after_the_session_has_ended_shows_what_was_typed(client, adviser):
    client.logout()
    response = client.post(f"{LOG}new/", typed(note="Typed for half an hour"))
    assert (response.status_code, "Typed for half an hour" in words(response)) == (403, True)
    assert Consultation.objects.count() == 0


# --- Drafts ---------------------------------------------------------------------------------------


def test_draft_is_kept_and_gone_on_with(client, adviser):
    form = typed(ticked=["tax"], safe_channels=["sms"])
    address = f"{LOG}drafts/{form['key']}/"
    assert client.post(address, form, headers={"X-Draft": "1"}).status_code == 204
    listed = client.get(LOG)
    assert f'href="{LOG}new/?draft={form["key"]}"' in listed.content.decode()
    assert "glass" not in listed.content.decode()

    response = client.get(f"{LOG}new/?draft={form['key']}")
    names = ("topics", "note", "channel", "started_at", "key")
    assert {name: value(response, name) for name in names} == {name: form[name] for name in names}
    assert re.findall(r"value=\"(\w+)\"[^>]* checked", response.content.decode()) == ["tax", "sms"]
    assert client.post(f"{address}discard/").status_code == 302
    assert ConsultationDraft.objects.count() == 0


def test_draft_of_somebody_else_is_not_there(client, adviser, new_client):
    form = typed()
    client.post(f"{LOG}drafts/{form['key']}/", form)
    other = new_client()
    other.force_login(UserFactory(roles=["adviser"]))
    assert "glass" not in other.get(f"{LOG}new/?draft={form['key']}").content.decode()
    assert other.post(f"{LOG}drafts/{form['key']}/", form).status_code == 404
    assert other.post(f"{LOG}drafts/{form['key']}/discard/").status_code == 404
    assert ConsultationDraft.objects.get().adviser == adviser


def test_draft_that_was_logged_leads_to_the_consultation(client, adviser):
    form = typed()
    client.post(f"{LOG}new/", form)
    assert client.post(f"{LOG}drafts/{form['key']}/", form).status_code == 404
    response = client.get(f"{LOG}new/?draft={form['key']}")
    assert (response.status_code, response.headers["Location"]) == (302, f"{LOG}{form['key']}/")


def test_draft_keeps_only_what_the_form_has(client, adviser):
    form = typed(nonsense="x", csrfmiddlewaretoken="secret")
    client.post(f"{LOG}drafts/{form['key']}/", form)
    kept = json.loads(decrypt_with_audit(adviser, "x", ConsultationDraft.objects.get(), "typed")["typed"])
    assert {"nonsense", "csrfmiddlewaretoken", "key"} & set(kept) == set()


# --- The list -------------------------------------------------------------------------------------


def listed(response) -> list[str]:
    return re.findall(rf"<a href=\"{LOG}([\w-]{{22}})/\">", response.content.decode())


def test_list_shows_what_one_may_know_of_and_leaves_one_line(client, adviser, manager):
    own = ConsultationFactory(adviser=adviser)
    foreign = ConsultationFactory()
    hidden = ConsultationFactory(is_restricted=True)

    assert listed(client.get(f"{LOG}?language=ne&channel=visit&period={timezone.localdate():%Y-%m}")) == [own.public_id]
    assert set(listed(manager.browser.get(LOG))) == {own.public_id, foreign.public_id}
    assert hidden.public_id not in manager.browser.get(LOG).content.decode()
    lines = AuditEntry.objects.filter(action="consultations.list").values_list("actor", "fields")
    assert list(lines) == [
        (adviser.public_id, ["channel", "language", "period"]),
        (manager.public_id, []),
        (manager.public_id, []),
    ]


def test_list_is_filtered(client, adviser):
    old = timezone.now() - datetime.timedelta(days=70)
    first = ConsultationFactory(adviser=adviser, language="vi", topics=["tax", "housing"], channel="phone")
    second = ConsultationFactory(adviser=adviser, began_at=old)
    third = ConsultationFactory(assigned=adviser, readers=[adviser], outcome="listen")
    year, year_then = (fiscal_year_of(timezone.localdate(moment)) for moment in (timezone.now(), old))
    month = f"{timezone.localtime(old):%Y-%m}"
    for query, found in {
        "": [third, first, second],
        "language=vi": [first],
        "topic=housing": [first],
        "channel=phone": [first],
        "outcome=listen": [third],
        f"period={month}": [second],
        f"period={year_then}&outcome=info": [*([first] if year == year_then else []), second],
        f"period={year - 2}": [],
        "whose=mine": [first, second],
        "whose=today": [first],
        "whose=yesterday": [],
        "whose=assigned": [third],
        f"period={month}&language=vi": [],
        "period=2026-13&language=xx&topic=none&channel=?&whose=all&outcome=": [third, first, second],
        "period=0000-01": [third, first, second],
        "period=0000": [third, first, second],
    }.items():
        assert listed(client.get(f"{LOG}?{query}")) == [it.public_id for it in found], query


def test_list_is_filtered_by_adviser_even_one_who_has_left(client, manager, adviser):
    left, never = UserFactory(name="Left"), UserFactory(name="Never", roles=["editor"])
    rows = {who: ConsultationFactory(adviser=who) for who in (adviser, left)}
    for who, row in rows.items():
        page = manager.browser.get(f"{LOG}?whose={who.public_id}")
        assert listed(page) == [row.public_id]
        assert f'<option value="{who.public_id}" selected>{who.name}</option>' in page.content.decode()
    assert never.public_id not in manager.browser.get(LOG).content.decode()
    assert listed(client.get(f"{LOG}?whose={left.public_id}")) == []  # not for this adviser to see


@pytest.mark.parametrize(
    ("topics", "name"), [("gomi, tax", "Daily life"), (" ； tax", "Tax"), ("zzzz, tax", ""), ("", "")]
)
def test_drafts_are_told_apart_by_their_first_topic_and_time(client, adviser, topics, name):
    key = public_id()
    client.post(f"{LOG}drafts/{key}/", typed(key=key, topics="work"))
    client.post(f"{LOG}drafts/{key}/", typed(key=key, topics=topics))
    link = re.search(rf'draft={key}">([^<]*)</a>', client.get(LOG).content.decode())[1]
    assert link.partition("Continue the draft from ")[2][16:].lstrip(": ").startswith(name)
    assert bool(link[len("Continue the draft from 2026-12-01 12:00") :]) is bool(name)


def test_list_is_filtered_by_yesterday(client, adviser):
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    hour, day = datetime.timedelta(hours=1), datetime.timedelta(days=1)
    ConsultationFactory(adviser=adviser, began_at=midnight)
    found = [ConsultationFactory(adviser=adviser, began_at=it) for it in (midnight - hour, midnight - day)]
    ConsultationFactory(adviser=adviser, began_at=midnight - day - hour)
    assert listed(client.get(f"{LOG}?whose=yesterday")) == [it.public_id for it in found]


def test_list_goes_on_by_the_last_row(client, adviser):
    moment = timezone.now()
    rows = [ConsultationFactory(adviser=adviser, began_at=moment) for _number in range(5)]
    rows += [
        ConsultationFactory(adviser=adviser, began_at=moment - datetime.timedelta(minutes=it)) for it in range(1, 61)
    ]
    wanted = [it.public_id for it in sorted(rows, key=lambda row: (row.began_at, row.pk), reverse=True)]
    response, found = client.get(LOG), []
    while True:
        found += listed(response)
        older = re.search(r"rel=\"next\" href=\"(\?[^\"]+)\"", response.content.decode())
        if not older:
            break
        response = client.get(LOG + older[1])
    assert found == wanted
    assert "65 consultations" in words(response)
    assert listed(client.get(f"{LOG}?before={public_id()}")) == wanted[:30]


def test_list_counts_to_a_thousand_and_no_further(client, adviser, monkeypatch):
    monkeypatch.setattr("consultations.log.views.COUNTED_TO", 3)
    for _number in range(4):
        ConsultationFactory(adviser=adviser)
    assert "More than 1,000 consultations" in words(client.get(LOG))


@pytest.mark.parametrize("count", [1, 30])
def test_list_costs_the_same_few_queries_for_one_and_many(client, adviser, django_assert_num_queries, count):
    for _number in range(count):
        ConsultationFactory(adviser=adviser, assigned=UserFactory())
    client.get(LOG)
    # Session, user, roles; audit chain head, entry, chain head; the rows, their topics; their number; drafts.
    with django_assert_num_queries(11):
        assert len(listed(client.get(LOG))) == count


# --- One consultation -----------------------------------------------------------------------------


def test_reader_sees_the_words_and_leaves_lines(client, adviser):
    it = ConsultationFactory(
        adviser=adviser, client=ClientFactory(name="Sita"), late_reason="Outreach", nationality="NP"
    )
    page = words(client.get(f"{LOG}{it.public_id}/"))
    for word in ("A note.", "Sita", it.client.code, "Outreach", "Nepali", "Nepal", "In person at the desk"):
        assert word in page, word
    assert "Give a reason to open this record" not in page
    assert list(AuditEntry.objects.filter(actor=adviser.public_id).values_list("action", flat=True)) == [
        "consultations.open",
        "consultations.open_client",
    ]


def test_manager_sees_facts_and_no_words(manager):
    it = ConsultationFactory(client=ClientFactory(name="Sita"), late_reason="Her husband called", mother_tongue="ne")
    page = words(manager.browser.get(f"{LOG}{it.public_id}/"))
    for word in ("A note.", "Sita", it.client.code, "Her husband called"):
        assert word not in page, word
    assert ("Nepali" in page, "Give a reason to open this record" in page) == (True, True)
    assert AuditEntry.objects.get(actor=manager.public_id).action == "consultations.see"
    for path in ("amend/", "print/"):
        assert manager.browser.get(f"{LOG}{it.public_id}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "amend/", "print/", "versions/1/"])
def test_what_is_not_ones_own_is_not_there(client, adviser, manager, path):
    foreign, hidden = ConsultationFactory(), ConsultationFactory(is_restricted=True)
    assert client.get(f"{LOG}{foreign.public_id}/{path}").status_code == 404
    for browser in (client, manager.browser):
        assert browser.get(f"{LOG}{hidden.public_id}/{path}").status_code == 404
        assert browser.get(f"{LOG}nobody/{path}").status_code == 404


@pytest.mark.parametrize("path", ["assign/", "glass/", "amend/"])
def test_verbs_on_what_is_not_ones_own_do_nothing(client, adviser, manager, path):
    foreign, hidden = ConsultationFactory(), ConsultationFactory(is_restricted=True)
    sign_in_again(client)
    sign_in_again(manager.browser)
    form = {"to": adviser.public_id, "reason": REASON}
    assert client.post(f"{LOG}{foreign.public_id}/{path}", form).status_code == 404
    for browser in (client, manager.browser):
        assert browser.post(f"{LOG}{hidden.public_id}/{path}", form).status_code == 404
    assert ReadGrant.objects.count() == 2


def test_consultation_is_changed_with_a_reason_and_the_old_words_are_for_readers(client, adviser, manager):
    it = log(new_log_entry(topics=("tax",)), by=adviser)
    address = f"{LOG}{it.public_id}/"
    form = client.get(f"{address}amend/")
    assert (value(form, "note"), value(form, "topics")) == ("She asked on which day glass is collected.", "tax")
    changed = typed(
        time=f"{timezone.localtime(it.began_at):%H:%M}",
        topics="housing",
        minutes="25",
        channel="phone",
        note="Of a lease.",
    )
    assert "Enter or choose an answer." in words(client.post(f"{address}amend/", changed))
    assert client.post(f"{address}amend/", changed | {"reason": "Mixed up"}).status_code == 302

    page = client.get(address)
    assert ("Mixed up" in words(page), "Of a lease." in words(page)) == (True, True)
    before = words(client.get(f"{address}versions/1/"))
    assert "Note She asked on which day glass is collected." in before
    assert "Topics Taxes" in before
    assert AuditEntry.objects.filter(action="consultations.open_version").count() == 1
    seen = manager.browser.get(address)
    assert ("Mixed up" in words(seen), "versions/1" in seen.content.decode()) == (True, False)
    assert (
        client.get(f"{address}versions/2/").status_code == client.get(f"{address}versions/{9**30}/").status_code == 404
    )


def test_refused_change_keeps_what_was_typed(client, adviser):
    it = log(new_log_entry(), by=adviser)
    response = client.post(f"{LOG}{it.public_id}/amend/", typed(topics="", reason="So", minutes="9", note="Typed"))
    assert (response.status_code, value(response, "note"), value(response, "reason")) == (400, "Typed", "So")


def test_consultation_is_handed_over(client, adviser, new_client):
    it, other = ConsultationFactory(adviser=adviser), UserFactory(roles=["adviser"], name="James")
    address = f"{LOG}{it.public_id}/"
    assert client.post(f"{address}assign/", {"to": UserFactory(roles=["editor"]).public_id}).status_code == 400
    assert client.post(f"{address}assign/", {"to": other.public_id}).status_code == 302
    browser = new_client()
    browser.force_login(other)
    assert "A note." in words(browser.get(address))


def test_restricted_consultation_is_handed_to_its_case_alone(client, adviser):
    member, stranger = UserFactory(roles=["adviser"]), UserFactory(roles=["adviser"])
    case = CaseFactory(assigned=adviser, members=[member], is_restricted=True)
    it = log(new_log_entry(), by=adviser, case=case)
    address = f"{LOG}{it.public_id}/assign/"
    assert client.post(address, {"to": stranger.public_id}).status_code == 400
    assert client.post(address, {"to": member.public_id}).status_code == 302
    assert stranger not in {reader.user for reader in it.readers.all()}


def test_print_is_recorded(client, adviser):
    it = ConsultationFactory(adviser=adviser)
    page = words(client.get(f"{LOG}{it.public_id}/print/"))
    assert ("A note." in page, "Printed by Maricel" in page) == (True, True)
    assert AuditEntry.objects.filter(action="consultations.print").get().object_id == it.public_id


@pytest.mark.parametrize("count", [1, 30])
def test_consultation_costs_the_same_few_queries_for_one_and_many(client, adviser, django_assert_num_queries, count):
    it = log(new_log_entry(minutes=500), by=adviser)
    for number in range(count):
        amend(it, new_log_entry(began_at=it.began_at, minutes=number + 1), by=adviser, reason="Again")
        UserFactory(roles=["adviser"])
    address = f"{LOG}{it.public_id}/"
    client.get(address)
    with django_assert_num_queries(18):
        client.get(address)


@pytest.mark.parametrize(
    ("channels", "said"), [([], "None. Do not call or write."), (["email", "call"], "Email · Phone call")]
)
def test_contact_is_shown_with_how_it_is_safe_on_each_page_and_on_paper(client, adviser, channels, said):
    known = ClientFactory(contact="sita@example.org", safe_channels=channels)
    case = CaseFactory(assigned=adviser, client=known)
    it = ConsultationFactory(adviser=adviser, client=known, case=case)
    for path in (f"{LOG}{it.public_id}/", f"{LOG}{it.public_id}/print/", f"/en/staff/cases/{case.public_id}/"):
        shown = words(client.get(path))
        assert "sita@example.org" in shown
        assert f"Safe contact methods {said}" in shown, path


def test_nothing_is_said_of_how_to_reach_whom_nobody_knows_or_may_read(client, adviser, manager):
    unknown, known = ConsultationFactory(adviser=adviser), ConsultationFactory(adviser=adviser, client=ClientFactory())
    assert "Safe contact methods" not in words(client.get(f"{LOG}{unknown.public_id}/"))
    assert "Safe contact methods" not in words(manager.browser.get(f"{LOG}{known.public_id}/"))


def test_form_says_what_no_tick_means(client, adviser):
    assert "Ask the person, because someone else may read their email or answer their phone." in words(
        client.get(f"{LOG}new/")
    )


# --- Emergency access -----------------------------------------------------------------------------


def sign_in_again(browser) -> None:
    """Mark the session as if the password had just been entered again."""
    session = browser.session
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()


def test_glass_asks_for_the_password_first(manager):
    it = ConsultationFactory()
    address = f"{LOG}{it.public_id}/"
    response = manager.browser.post(f"{address}glass/", {"reason": REASON})
    asked = f"/en/me/reauthenticate/?next={quote(address, safe='')}glass%2F"
    assert (response.status_code, response.headers["Location"]) == (302, asked)
    assert ReadGrant.objects.filter(user=manager).count() == 0
    assert "A note." not in words(manager.browser.get(address))

    answer = manager.browser.post(response.headers["Location"], {"password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    assert "A note." in words(manager.browser.get(address))
    assert AuditEntry.objects.get(action="consultations.break_the_glass").reason == REASON


def test_glass_is_not_broken_by_a_wrong_password_or_without_a_reason(manager):
    it = ConsultationFactory()
    address = f"{LOG}{it.public_id}/glass/"
    asked = manager.browser.post(address, {"reason": REASON}).headers["Location"]
    manager.browser.post(asked, {"password": "not-the-password"})
    assert ReadGrant.objects.filter(user=manager).count() == 0
    sign_in_again(manager.browser)
    for reason in ("", "because"):
        assert manager.browser.post(address, {"reason": reason}).status_code == 400
    assert ReadGrant.objects.filter(user=manager).count() == 0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("manager", "The managers have been notified."),
        ("administrator", "There are no other managers, so the administrators have been notified."),
        ("adviser", "There was no one to notify, but your access is recorded in the audit trail."),
    ],
)
def test_page_says_truly_who_was_told_of_the_glass(manager, other, said):
    UserFactory(roles=[other])
    it = ConsultationFactory(client=ClientFactory())
    sign_in_again(manager.browser)
    response = manager.browser.post(f"{LOG}{it.public_id}/glass/", {"reason": REASON}, follow=True)
    assert f"You can read this consultation for one hour. {said}" in words(response)
    ReadGrant.objects.filter(user=manager).delete()
    again = manager.browser.post(f"{LOG}code/open/", {"reason": REASON, "code": it.client.code}, follow=True)
    assert f"You can read this consultation for one hour. {said}" in words(again)


def test_page_offers_a_guest_to_read_and_nothing_else(client, adviser, new_client):
    it, guest = log(new_log_entry(), by=adviser), UserFactory(roles=["adviser"])
    break_the_glass(it, by=guest, reason=REASON)
    browser, address = new_client(), f"{LOG}{it.public_id}/"
    browser.force_login(guest)
    paths = (f"{address}amend/", f"/en/staff/cases/from/{it.public_id}/")

    assert "glass is collected" in words(browser.get(address))
    for path in paths:
        assert (path in browser.get(address).content.decode(), path in client.get(address).content.decode()) == (
            False,
            True,
        )
        assert (browser.get(path).status_code, client.get(path).status_code) == (404, 200)


def test_page_leads_to_the_case_of_who_may_know_of_it(client, adviser, new_client):
    case = CaseFactory()
    it = ConsultationFactory(adviser=adviser, case=case, readers=[case.assigned])
    member, path = new_client(), f"/en/staff/cases/{case.public_id}/"
    member.force_login(case.assigned)
    found = [path in browser.get(f"{LOG}{it.public_id}/").content.decode() for browser in (member, client)]
    assert found == [True, False]
    assert "/staff/cases/from/" not in client.get(f"{LOG}{it.public_id}/").content.decode()


def test_code_leads_to_who_keeps_the_thread_and_through_the_glass(client, adviser):
    person, other = ClientFactory(name="Sita"), UserFactory(roles=["adviser"], name="James")
    it = ConsultationFactory(client=person, adviser=other)
    page = client.post(f"{LOG}code/", {"code": person.code.lower()})
    assert "James is responsible for earlier contact with this person." in words(page)
    assert ("Sita" in page.content.decode(), it.public_id in page.content.decode()) == (False, False)

    form = {"code": person.code, "reason": REASON}
    assert "/reauthenticate/" in client.post(f"{LOG}code/open/", form).headers["Location"]
    sign_in_again(client)
    assert client.post(f"{LOG}code/open/", form | {"reason": ""}).status_code == 400
    assert client.post(f"{LOG}code/open/", form).headers["Location"] == f"{LOG}{it.public_id}/"
    assert "Sita" in words(client.get(f"{LOG}{it.public_id}/"))


def test_restricted_code_is_answered_exactly_as_one_that_is_none(client, adviser):
    person = ClientFactory()
    ConsultationFactory(client=person, is_restricted=True)
    sign_in_again(client)
    for path in ("code/", "code/open/"):
        answers = []
        for code in (person.code, "2222-2222"):
            response = client.post(f"{LOG}{path}", {"code": code, "reason": REASON})
            page = re.sub(r"csrfmiddlewaretoken\" value=\"\w+\"", "", response.content.decode())
            answers.append((response.status_code, page.replace(code, "")))
        assert answers[0] == answers[1]
        assert "No person was found with this code." in answers[0][1]
    refused = client.post(f"{LOG}new/", typed(client_code=person.code))
    assert "No person was found with this code." in words(refused)


# --- The staff home page --------------------------------------------------------------------------


def test_board_counts_what_was_handed_over_lately(client, adviser):
    for days in (0, 13, 15):
        it = ConsultationFactory(began_at=timezone.now() - datetime.timedelta(days=days))
        assign(it, adviser, by=it.adviser)
    ConsultationFactory(adviser=adviser)
    assign(ConsultationFactory(adviser=adviser), UserFactory(roles=["adviser"]), by=adviser)
    page = client.get("/en/staff/").content.decode()
    assert 'class="count">2</span><span>Consultations from the last two weeks handed over to me' in page
    assert f'href="{LOG}?whose=assigned"' in page


def test_board_counts_drafts_and_what_was_logged_today(client, adviser):
    ConsultationFactory(adviser=adviser)
    ConsultationFactory(adviser=adviser, began_at=timezone.now() - datetime.timedelta(days=2))
    other = ConsultationFactory()
    assign(other, adviser, by=other.adviser)
    ConsultationDraft.objects.create(adviser=adviser, typed="{}")
    page = client.get("/en/staff/").content.decode()
    tiles = dict(re.findall(r"class=\"count\">(\d+)</span><span>([^<]+)</span>", page))
    found = {title: number for number, title in re.findall(r"class=\"count\">(\d+)</span><span>([^<]+)</span>", page)}
    assert tiles
    assert (found["Draft consultations"], found["Logged by me today"]) == ("1", "1")


# --- Any input ------------------------------------------------------------------------------------

FACTS = (
    "topics",
    "ticked",
    "language",
    "language_support",
    "channel",
    "enquirer",
    "outcome",
    "referred_to",
    "minutes",
    "note",
)
FACTS += ("day", "time", "late_reason", "mother_tongue", "nationality")
PERSON = ("started_at", "client_code", "client_name", "client_contact", "safe_channels", "case", "article", "send_to")
FORMS = {
    "new/": ("key", *FACTS, *PERSON),
    "drafts/{key}/": ("like", "question", *FACTS, *PERSON),
    "{row}/amend/": (*FACTS, "reason"),
    "{row}/assign/": ("to",),
    "code/": ("code",),
}
LIKELY = st.one_of(
    TEXT,
    st.sampled_from(["tax", "ne", "adviser", "visit", "self", "info", "referral", "declined", "10", "last", "rubbish"]),
    st.dates().map(str),
    st.times().map(str),
    st.datetimes().map(str),
)
PARAMETERS = ("before", "month", "language", "whose", "topic", "draft", "at")


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=18, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(LIKELY.map(sendable), min_size=25, max_size=25))
@every_nasty_text(words=25, step=5)
def test_log_survives_anything_typed(client, adviser, form, words):
    row = Consultation.objects.filter(adviser=adviser).first() or ConsultationFactory(adviser=adviser)
    sent = dict(zip(FORMS[form], words, strict=False))
    key = public_id()
    client.raise_request_exception = False

    response = client.post(f"{LOG}{form.format(row=row.public_id, key=key)}", sent)

    assert response.status_code < 500, (form, sent)
    assert client.get(LOG).status_code == client.get(f"{LOG}new/?draft={key}").status_code == 200


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(PARAMETERS), text=LIKELY)
@every_nasty_text("text", name=PARAMETERS)
def test_log_survives_any_parameter(client, adviser, name, text):
    client.raise_request_exception = False
    for path in ("", "new/"):
        assert client.get(f"{LOG}{path}", {name: sendable(text)}).status_code in {200, 400}
