"""Pages of cases: what members, managers and others see, a button for each action, an audit entry for each reading."""

import datetime
import re

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.cases.consent import consent_text, proof_of_shown_text
from consultations.cases.followups import record_attempt
from consultations.log.actions import log
from consultations.models import Case, CaseEvent, Client, FollowUp, Referral
from services.audit.models import AuditEntry
from services.messaging.models import Message
from tests.factories import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    FollowUpFactory,
    ReferralFactory,
    UserFactory,
)
from tests.factories.log_entries import new_log_entry
from tests.support.nasty_texts import TEXT, every_nasty_text, sendable

pytestmark = pytest.mark.django_db
CASES = "/en/staff/cases/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def adviser(client):
    user = UserFactory(roles=["adviser"], name="Maricel")
    client.force_login(user)
    return user


@pytest.fixture
def case(adviser):
    """Create a case of the signed-in adviser with a person, a consultation, a follow-up and a referral."""
    known = ClientFactory(name="Sita Rai", contact="sita@example.org", safe_channels=["email", "call"])
    case = CaseFactory(subject="Her lease ends", assigned=adviser, client=known)
    ConsultationFactory(adviser=adviser, case=case, client=known, topics=["housing"])
    CaseEvent.objects.create(case=case, kind="note", text="The landlord was called.", by=adviser)
    FollowUpFactory(case=case)
    ReferralFactory(case=case)
    return case


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def address(case, *more: str) -> str:
    return "/".join([CASES.rstrip("/"), case.public_id, *more]) + "/"


def lines() -> set[str]:
    return set(AuditEntry.objects.filter(action__startswith="consultations.").values_list("action", flat=True))


WORDS = ("Her lease ends", "Sita Rai", "sita@example.org", "landlord", "Call back", "nine years old")


def test_member_reads_the_case_and_each_kind_of_word_leaves_a_line(client, case):
    response = client.get(address(case))

    assert response.status_code == 200
    assert [word for word in WORDS if word not in words(response)] == []
    told = AuditEntry.objects.filter(action__in=["consultations.open_case", "consultations.open_client"])
    assert [(line.object_id, line.fields) for line in told] == [
        (case.public_id, ["subject"]),
        (case.client.public_id, ["contact", "name"]),
        (case.public_id, ["caseevent.text"]),
        (case.public_id, ["followup.what"]),
        (case.public_id, ["referral.what"]),
    ]


def test_page_of_a_case_shows_nothing_of_the_program(client, case):
    assert "object at 0x" not in client.get(address(case)).content.decode()


def test_manager_finds_facts_alone(client, case):
    client.force_login(UserFactory(roles=["manager"]))
    for path in (address(case), CASES):
        shown = words(client.get(path))
        assert [word for word in WORDS if word in shown] == []
        assert "Named person" in shown
        assert case.client.code not in shown  # anybody with the code can log for them and read their name
    assert "consultations.see_case" in lines()


@pytest.mark.parametrize("role", ["adviser", "manager"])
def test_restricted_case_is_nowhere_for_others(client, new_client, case, role):
    client.post(address(case, "do", "restrict"), {"restrict-text": "He works here"})
    case.refresh_from_db()
    assert case.is_restricted
    stranger = new_client()
    stranger.force_login(UserFactory(roles=[role]))
    referral, follow_up = case.referrals.get(), case.follow_ups.get()
    for path in (
        address(case),
        address(case, "person"),
        address(case, "referral"),
        f"{CASES}referrals/{referral.public_id}/",
        f"{CASES}referrals/{referral.public_id}/consent/ne/",
        f"{CASES}from/{case.consultations.get().public_id}/",
    ):
        assert stranger.get(path).status_code == 404, path
    for path in (
        address(case, "do", "write"),
        address(case, "do", "hand-over"),
        address(case, "person", "forget"),
        address(case, "person", "tell"),
        f"{CASES}follow-ups/{follow_up.public_id}/done/",
        f"{CASES}referrals/{referral.public_id}/do/ask/",
    ):
        assert stranger.post(path, {}).status_code == 404, path
    for path in (CASES, f"{CASES}today/", "/en/staff/"):
        shown = stranger.get(path).content.decode()
        assert case.public_id not in shown
        assert case.client.code not in shown
        assert re.findall(r'class="count">([1-9])', shown) == [] or role == "manager"


def test_case_is_opened_from_a_consultation(client, adviser):
    consultation = log(new_log_entry(), by=adviser)
    path = f"{CASES}from/{consultation.public_id}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"subject": ""}).status_code == 400
    response = client.post(path, {"subject": "The lease", "is_restricted": "on"})
    case = Case.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, address(case))
    assert (case.is_restricted, list(case.consultations.all())) == (True, [consultation])
    assert client.get(path).headers["Location"] == address(case)


def test_get_of_case_pages_changes_nothing_but_lines(client, case):
    def state():
        models = (Case, CaseEvent, Client, FollowUp, Referral)
        rows = [row for model in models for row in model.objects.order_by("pk").values_list()]
        return [[bytes(it) if isinstance(it, memoryview) else it for it in row] for row in rows]

    before = state()
    for path in (CASES, f"{CASES}today/", address(case), address(case, "person"), address(case, "referral")):
        assert client.get(path).status_code == 200, path
    assert state() == before


@pytest.mark.parametrize(
    ("verb", "typed"),
    [
        ("write", {"text": "A letter came."}),
        ("add", {"user": "colleague"}),
        ("plan", {"kind": "call", "what": "Ask", "due_on": f"{timezone.localdate()}", "owner": "adviser"}),
        ("restrict", {}),
        ("hand-over", {"to": "colleague"}),
    ],
)
def test_verbs_are_done_by_their_buttons(client, adviser, case, verb, typed):
    people = {"adviser": adviser, "colleague": UserFactory(roles=["adviser"])}
    if verb == "hand-over":
        case.members.create(user=people["colleague"])
    typed = {f"{verb}-{key}": getattr(people.get(value), "public_id", value) for key, value in typed.items()}
    events, follow_ups = case.events.count(), case.follow_ups.count()
    response = client.post(address(case, "do", verb), typed)
    assert response.headers["Location"] == address(case)
    assert (case.events.count() > events) or case.follow_ups.count() > follow_ups


def test_refused_verb_says_why_and_keeps_what_was_typed(client, case):
    response = client.post(address(case, "do", "close"), {"close-text": "All is well"})
    assert response.status_code == 400
    assert "This case has follow-ups that are not finished" in words(response)
    assert "All is well" in words(response)
    assert client.post(address(case, "do", "nonsense")).status_code == 404


def test_members_leave_merge_split_and_undo_by_buttons(client, adviser, case):
    colleague = UserFactory(roles=["adviser"], name="Colleague")
    client.post(address(case, "do", "add"), {"add-user": colleague.public_id})
    client.post(address(case, "do", "remove"), {"remove-user": colleague.public_id})
    assert case.members.count() == 1
    second = ConsultationFactory(adviser=adviser, case=case)
    split = {"split-consultations": [second.public_id], "split-subject": "The school"}
    assert client.post(address(case, "do", "split"), split).status_code == 302
    new = Case.objects.exclude(pk=case.pk).get()
    assert list(new.consultations.all()) == [second]
    client.post(address(new, "do", "merge"), {"merge-into": case.public_id})
    assert client.get(address(new)).headers["Location"] == address(case)
    merged = case.regroupings.get(kind="merged_cases")
    client.post(f"{CASES}undo/{merged.public_id}/")
    assert list(new.consultations.all()) == [second]
    stranger = case.regroupings.first()
    client.force_login(colleague)
    assert client.post(f"{CASES}undo/{stranger.public_id}/").status_code == 404


def test_lists_to_split_and_merge_say_what_is_what(client, adviser, case):
    night = datetime.datetime(2026, 11, 27, 15, 29, tzinfo=datetime.UTC)  # the 28th in Tokyo
    colleague = UserFactory(roles=["adviser"], name="Colleague")
    ConsultationFactory(adviser=colleague, case=case, topics=["housing", "tax"], began_at=night, language="fil")
    other = CaseFactory(assigned=adviser, language="fil", opened_at=night, client=ClientFactory())
    ConsultationFactory(adviser=adviser, case=other, topics=["tax"])
    CaseFactory(assigned=adviser, language="ne", opened_at=night)
    page = words(client.get(address(case)))
    assert "2026-11-28 00:29 · Housing, Taxes · Filipino · Colleague" in page
    assert f"{other.client.code} · Taxes · Filipino · Maricel · 2026-11-28" in page
    assert "Anonymous · Nepali · Maricel · 2026-11-28" in page


# --- Today's follow-ups -------------------------------------------------------------------------------


def test_queue_shows_mine_first_and_the_longest_overdue_on_top(client, adviser):
    day = timezone.localdate()
    colleague = UserFactory(roles=["adviser"])
    shared = CaseFactory(assigned=colleague, members=[adviser])
    theirs = FollowUpFactory(case=shared, due_on=day - 9 * DAY)
    today = FollowUpFactory(case=CaseFactory(assigned=adviser))
    late = FollowUpFactory(case=CaseFactory(assigned=adviser), due_on=day - 2 * DAY)
    FollowUpFactory(case=CaseFactory(assigned=adviser), due_on=day + DAY)
    FollowUpFactory(due_on=day - DAY)
    response = client.get(f"{CASES}today/")
    assert re.findall(r"follow-ups/([\w-]+)/done/", response.content.decode()) == [
        late.public_id,
        today.public_id,
        theirs.public_id,
    ]
    assert "Call back about the lease" not in words(response)


def test_one_press_writes_an_attempt_down(client, case):
    follow_up = case.follow_ups.get()
    path = f"{CASES}follow-ups/{follow_up.public_id}/"
    pressed = {f"{follow_up.public_id}-way": "call", f"{follow_up.public_id}-was_reached": "no", "from": "today"}
    for _time in range(3):
        assert client.post(f"{path}attempt/", pressed).headers["Location"] == f"{CASES}today/"
    follow_up.refresh_from_db()
    assert follow_up.needs_decision
    assert "Next step after three attempts" in words(client.get(f"{CASES}today/"))
    client.post(f"{path}decide/", {f"{follow_up.public_id}-decision": "close_no_contact"})
    follow_up.refresh_from_db()
    assert follow_up.state == "decided"


def test_unsafe_way_is_not_offered_and_not_taken(client, case):
    follow_up = case.follow_ups.get()
    shown = client.get(f"{CASES}today/").content.decode()
    assert re.findall(r'<option value="(\w+)"', shown) == ["email", "call"]
    forged = {f"{follow_up.public_id}-way": "sms", f"{follow_up.public_id}-was_reached": "yes"}
    client.post(f"{CASES}follow-ups/{follow_up.public_id}/attempt/", forged)
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.attempts_made) == ("due", 0)


def test_done_is_one_press(client, case):
    follow_up = case.follow_ups.get()
    client.post(f"{CASES}follow-ups/{follow_up.public_id}/done/")
    follow_up.refresh_from_db()
    assert follow_up.state == "done"
    assert client.post(f"{CASES}follow-ups/{follow_up.public_id}/nonsense/").status_code == 404


@pytest.mark.parametrize("path", [CASES, f"{CASES}today/"])
def test_lists_cost_the_same_for_one_and_thirty(client, adviser, django_assert_num_queries, path):
    def row():
        known = CaseFactory(assigned=adviser, client=ClientFactory(safe_channels=["call"]))
        ConsultationFactory(adviser=adviser, case=known, topics=["housing"])
        record_attempt(FollowUpFactory(case=known), by=adviser, way="call", was_reached=False)

    queries = {CASES: 10, f"{CASES}today/": 5}[path]
    row()
    client.get(path)
    with django_assert_num_queries(queries):
        assert client.get(path).content.count(b'<bdi class="numbers"') == 1
    for _number in range(29):
        row()
    with django_assert_num_queries(queries):
        assert client.get(path).content.count(b'<bdi class="numbers"') == 30


# --- The person ---------------------------------------------------------------------------------------


def test_person_is_met_changed_told_and_forgotten(client, adviser):
    case = CaseFactory(assigned=adviser)
    typed = {"name": "Ram", "contact": "ram@example.org", "language": "ne", "safe_channels": ["email"]}
    assert client.post(address(case, "person"), typed).headers["Location"] == address(case)
    case.refresh_from_db()
    shown = words(client.get(address(case, "person")))
    assert case.client.code in shown
    client.post(address(case, "person"), typed | {"name": "Ram Rai", "language": "ja-simple"})
    case.client.refresh_from_db()
    assert case.client.language == "ja-simple"
    client.post(address(case, "person", "tell"))
    assert [message.language for message in Message.objects.all()] == ["ja-simple"]
    client.post(address(case, "person", "forget"))
    assert Client.objects.count() == 1
    client.post(address(case, "person", "forget"), {"sure": "yes"})
    assert Client.objects.count() == 0


def test_earlier_thread_is_looked_for_without_saving(client, adviser):
    known = ClientFactory(name="Sita Rai")
    ConsultationFactory(client=known, adviser__name="Kept by James")
    case = CaseFactory(assigned=adviser)
    typed = {"name": "sita rai", "contact": "", "language": "ne", "look": "yes"}
    response = client.post(address(case, "person"), typed)
    assert "Kept by James" in words(response)
    assert known.code not in words(response)
    assert 'value="sita rai"' in response.content.decode()
    case.refresh_from_db()
    assert case.client is None
    assert "Kept by James" in words(client.post(f"{CASES}earlier/", {"code": known.code}))
    assert client.get(f"{CASES}earlier/").status_code == 405


@pytest.fixture
def second(adviser, case):
    """Create a second record of the case's person, in another case of the same adviser."""
    record = ClientFactory(name="Rai Sita", contact="", safe_channels=[])
    CaseFactory(assigned=adviser, client=record)
    return record


def same(case, code: str, **more: str) -> dict:
    return {"path": address(case, "person", "same"), "data": {"code": code, **more}}


def test_two_records_are_seen_before_they_become_one(client, case, second):
    shown = words(client.post(**same(case, second.code.lower())))
    for expected in (case.client.code, "Sita Rai", "sita@example.org", second.code, "Rai Sita", "None. Do not call"):
        assert expected in shown
    opened = AuditEntry.objects.filter(action="consultations.open_client").values_list("object_id", flat=True)
    assert {case.client.public_id, second.public_id} <= {*opened}
    second.refresh_from_db()
    assert second.merged_into is None


@pytest.mark.parametrize("stays", ["of the case", "the other"])
def test_two_records_become_one_and_two_again_by_buttons(client, case, second, stays):
    first = case.client
    kept, gone = (first, second) if stays == "of the case" else (second, first)
    done = client.post(**same(case, second.code, keep=kept.code, sure="yes"))
    assert done.headers["Location"] == address(case)
    gone.refresh_from_db()
    assert gone.merged_into == kept
    assert set(Case.objects.values_list("client", flat=True)) == {kept.pk}
    shown = client.get(address(case, "person")).content.decode()
    assert gone.code in shown
    undo = re.search(f'action="({CASES}undo/[^"]+)"', shown)[1]
    assert client.get(undo).status_code == 405
    assert client.post(undo).headers["Location"].startswith(CASES)
    assert set(Case.objects.values_list("client", flat=True)) == {first.pk, second.pk}
    assert gone.code not in client.get(address(Case.objects.get(client=kept), "person")).content.decode()


def test_nothing_becomes_one_before_it_is_said_whose_words_stay(client, case, second):
    response = client.post(**same(case, second.code, sure="yes"))
    assert (response.status_code, "Choose which details to keep." in words(response)) == (400, True)
    assert client.post(**same(case, second.code, keep="XXXX-XXXX", sure="yes")).status_code == 400
    assert client.get(address(case, "person", "same")).status_code == 405
    assert Client.objects.filter(merged_into__isnull=False).count() == 0


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's", "restricted", "the same"])
def test_code_that_the_reader_does_not_know_is_no_record(client, case, whose):
    stranger = ClientFactory(name="Hidden Name")
    ConsultationFactory(client=stranger, is_restricted=whose == "restricted")
    code = {"nobody's": "XXXX-XXXX", "the same": case.client.code}.get(whose, stranger.code)
    response = client.post(**same(case, code))
    shown = words(response)
    assert (response.status_code, "No other record that you can see has this code." in shown) == (400, True)
    assert f'value="{code}"' in response.content.decode()
    assert "Hidden Name" not in shown


def test_records_that_would_tell_somebody_a_new_name_stay_two(client, case, second):
    colleague = UserFactory(roles=["adviser"])
    ConsultationFactory(client=second, adviser=colleague)
    client.post(**same(case, second.code, keep=case.client.code, sure="yes"))
    assert "Some staff can see only one of these two records" in words(client.get(address(case)))
    assert Client.objects.filter(merged_into__isnull=False).count() == 0


def test_merge_of_records_is_undone_by_who_knows_the_person(client, new_client, case, second):
    client.post(**same(case, second.code, keep=case.client.code, sure="yes"))
    undo = re.search(f'action="({CASES}undo/[^"]+)"', client.get(address(case, "person")).content.decode())[1]
    other = new_client()
    other.force_login(UserFactory(roles=["adviser"]))
    assert other.post(undo).status_code == 404


# --- Referrals ----------------------------------------------------------------------------------------


def test_referral_goes_from_draft_to_done_by_its_pages(client, case):
    typed = {"body": "school", "what": "That her son is nine.", "why": "School", "written_in": "en"}
    assert client.post(address(case, "referral"), typed | {"what": ""}).status_code == 400
    path = client.post(address(case, "referral"), typed).headers["Location"]
    referral = Referral.objects.get(state="draft", why__gt=b"", pk__gt=case.referrals.last().pk)
    assert path == f"{CASES}referrals/{referral.public_id}/"
    assert client.get(f"{path}consent/ne/").status_code == 404
    client.post(f"{path}do/change/", typed | {"what": "That her son is ten."})
    client.post(f"{path}do/ask/")
    assert client.get(f"{path}consent/xx/").status_code == 404
    page = client.get(f"{path}consent/ne/").content.decode()
    text = consent_text("school", "That her son is ten.", "School", "ne")
    assert proof_of_shown_text(text) in page
    assert '<section class="consent stack" lang="ne" dir="ltr">' in page
    assert '<section class="consent stack" lang="en" dir="ltr">' in page
    send = {"language": "ne", "shown": proof_of_shown_text(text), "agreed": "spoken"}
    client.post(f"{path}do/send/", send | {"shown": "x"})
    referral.refresh_from_db()
    assert referral.state == "consent_pending"
    client.post(f"{path}do/send/", send)
    client.post(f"{path}do/answer/", {"state": "accepted"})
    referral.refresh_from_db()
    assert referral.state == "accepted"
    assert "nine" not in words(client.get(path))
    response = client.post(f"{path}do/revoke/", follow=True)
    assert "The following had already been shared with “School / board of education”: That her son is ten." in words(
        response
    )
    assert client.post(f"{path}do/nonsense/").status_code == 404


def test_consent_in_easy_japanese_has_furigana_whatever_the_adviser_reads(client, case):
    referral = case.referrals.get()
    client.post(f"{CASES}referrals/{referral.public_id}/do/ask/")
    page = client.get(f"{CASES}referrals/{referral.public_id}/consent/ja-simple/").content.decode()
    assert '<section class="consent stack furigana" lang="ja-simple" dir="ltr">' in page


def test_board_counts_what_waits(client, case):
    shown = client.get("/en/staff/").content.decode()
    assert "Follow-ups due" in shown
    counts = re.findall(r'class="count">(\d+)</span><span>([^<]+)', shown)
    assert ("1", "Follow-ups due") in counts


def test_lists_of_cases_are_told_apart(client, adviser, case):
    closed = CaseFactory(assigned=adviser, state="closed", closed_at=timezone.now())
    ReferralFactory(
        case=CaseFactory(assigned=UserFactory(roles=["adviser"]), members=[adviser]), state="consent_pending"
    )

    def shown(kind: str) -> int:
        return client.get(f"{CASES}?show={kind}").content.decode().count('<th scope="row">')

    assert {kind: shown(kind) for kind in ("open", "mine", "due", "waiting", "closed", "nonsense")} == {
        "open": 2,
        "mine": 1,
        "due": 1,
        "waiting": 1,
        "closed": 1,
        "nonsense": 2,
    }
    assert closed.pk


def test_page_of_a_case_costs_the_same_for_one_and_thirty(client, case, django_assert_num_queries):
    queries = 53
    ConsultationFactory(adviser=case.assigned, case=CaseFactory(assigned=case.assigned))
    client.get(address(case))
    with django_assert_num_queries(queries):
        client.get(address(case))
    for _number in range(29):
        ConsultationFactory(adviser=case.assigned, case=case, topics=["housing"])
        CaseEvent.objects.create(case=case, kind="note", text="Another call.", by=UserFactory())
        ReferralFactory(case=case)
        record_attempt(FollowUpFactory(case=case), by=case.assigned, way="call", was_reached=False)
        ConsultationFactory(adviser=case.assigned, case=CaseFactory(assigned=case.assigned))
    with django_assert_num_queries(queries):
        client.get(address(case))


TYPED_INTO = {
    "do/write": ("write-text",),
    "do/plan": ("plan-kind", "plan-what", "plan-due_on", "plan-owner"),
    "do/add": ("add-user",),
    "do/merge": ("merge-into",),
    "do/split": ("split-subject", "split-consultations", "split-members"),
    "do/hand-over": ("hand-over-to", "hand-over-text"),
    "person": ("name", "contact", "language", "safe_channels", "look"),
    "person/same": ("code", "keep", "sure"),
    "referral": ("body", "what", "why", "written_in"),
}


@settings(max_examples=22, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(sorted(TYPED_INTO)), words=st.lists(TEXT.map(sendable), min_size=13, max_size=13))
@every_nasty_text(words=13, step=2, form=sorted(TYPED_INTO))
def test_forms_survive_anything_typed(client, case, form, words):
    word = iter(words)
    typed = {name: next(word) for name in TYPED_INTO[form]}
    assert client.post(address(case, *form.split("/")), typed).status_code < 500
    follow_up, referral = case.follow_ups.first().public_id, case.referrals.first().public_id
    pressed = {f"{follow_up}-way": next(word), f"{follow_up}-was_reached": next(word)}
    assert client.post(f"{CASES}follow-ups/{follow_up}/attempt/", pressed).status_code < 500
    sent = {"language": next(word), "shown": next(word), "agreed": "signed"}
    assert client.post(f"{CASES}referrals/{referral}/do/send/", sent).status_code < 500
    assert client.post(f"{CASES}earlier/", {"name": next(word), "code": next(word)}).status_code < 500
    assert client.get(CASES, {"show": next(word), "page": next(word)}).status_code < 500
