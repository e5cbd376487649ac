"""Refused forms on the pages of cases are shown again with the reason and the input, whatever else has changed."""

import re

import pytest
from django.utils import timezone

from consultations.cases import followup_views, referral_views, views
from consultations.cases.actions import close_case
from consultations.cases.consent import consent_text, proof_of_shown_text
from consultations.models import Case
from tests.factories import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    FollowUpFactory,
    ReferralFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
CASES = "/en/staff/cases/"


@pytest.fixture
def adviser(client):
    user = UserFactory(roles=["adviser"], name="Maricel")
    client.force_login(user)
    return user


@pytest.fixture
def case(adviser):
    case = CaseFactory(subject="Her lease ends", assigned=adviser)
    ConsultationFactory(adviser=adviser, case=case)
    return case


def path_of(case, verb: str) -> str:
    return f"{CASES}{case.public_id}/do/{verb}/"


def offered(response) -> set[str]:
    """Return the actions for which a page has a form."""
    return set(re.findall(r'action="[^"]*/do/([a-z-]+)/"', response.content.decode()))


def errors(response) -> str:
    """Return the text of the error summary."""
    return " ".join(re.findall(r'class="alert error".*?</(?:ul|p)>', response.content.decode(), re.DOTALL))


def test_note_is_not_lost_if_the_case_was_closed_meanwhile(client, adviser, case):
    close_case(case, by=adviser)
    response = client.post(path_of(case, "write"), {"write-text": "The landlord has called."})
    assert response.status_code == 400
    assert "This case is closed. Reopen it first." in errors(response)
    assert "The landlord has called.</textarea>" in response.content.decode()


def test_closed_case_offers_what_is_not_refused(client, adviser, case):
    address = f"{CASES}{case.public_id}/"
    assert offered(client.get(address)) == views.CASE_ACTIONS.keys() - {"reopen", "lift"}
    close_case(case, by=adviser)
    page = client.get(address)
    assert offered(page) == {"remove", "restrict", "reopen"}
    assert f"{address}referral/" not in page.content.decode()


def test_split_is_undone_in_an_open_case_alone(client, adviser, case):
    second = ConsultationFactory(adviser=adviser, case=case)
    typed = {"split-consultations": [second.public_id], "split-subject": "The school"}
    client.post(path_of(case, "split"), typed)
    address = f"{CASES}{case.public_id}/"
    assert "/cases/undo/" in client.get(address).content.decode()
    close_case(case, by=adviser)
    assert "/cases/undo/" not in client.get(address).content.decode()


TYPED = {
    "write": {"text": "Typed by me"},
    "close": {"text": "Typed by me"},
    "add": {"user": "colleague"},
    "hand-over": {"to": "member", "text": "Typed by me"},
    "merge": {"into": "other"},
    "split": {"subject": "Typed by me", "consultations": "consultation"},
    "plan": {"what": "Typed by me", "due_on": f"{timezone.localdate()}", "kind": "call", "owner": "adviser"},
}


@pytest.mark.parametrize("verb", sorted(views.OFFERED["open"] - views.OFFERED["closed"]))
def test_what_a_closed_case_refuses_is_drawn_with_its_words(client, adviser, case, verb):
    member = UserFactory(roles=["adviser"])
    case.members.create(user=member)
    people = {
        "adviser": adviser,
        "member": member,
        "colleague": UserFactory(roles=["adviser"]),
        "other": CaseFactory(assigned=adviser),
        "consultation": case.consultations.get(),
    }
    close_case(case, by=adviser)
    typed = {f"{verb}-{name}": getattr(people.get(it), "public_id", it) for name, it in TYPED[verb].items()}
    response = client.post(path_of(case, verb), typed)
    html = response.content.decode()
    assert response.status_code == 400
    assert "This case is closed. Reopen it first." in errors(response)
    assert offered(response) == {"remove", "restrict", "reopen", verb}
    assert [it for it in typed.values() if it not in html] == []
    assert Case.objects.get(pk=case.pk).state == "closed"


def test_what_was_typed_is_kept_by_a_case_that_was_merged_meanwhile(client, adviser, case):
    into = CaseFactory(assigned=adviser)
    client.post(path_of(case, "merge"), {"merge-into": into.public_id})
    response = client.post(path_of(case, "write"), {"write-text": "Typed by me"})
    assert "This case has since been merged into another case." in errors(response)
    assert "Typed by me</textarea>" in response.content.decode()
    assert offered(response) == {"write"}


def test_managers_words_are_kept_who_is_no_member_any_more(client, case):
    client.force_login(UserFactory(roles=["manager"]))
    assert offered(client.get(f"{CASES}{case.public_id}/")) == {"hand-over"}
    response = client.post(path_of(case, "write"), {"write-text": "Typed by me"})
    assert "You are no longer a member of this case." in errors(response)
    assert "Typed by me</textarea>" in response.content.decode()


@pytest.mark.parametrize("verb", sorted(views.CASE_ACTIONS))
@pytest.mark.parametrize("state", ["open", "closed"])
def test_form_of_a_case_that_is_wrong_says_so(client, adviser, case, verb, state):
    """Send invalid values for all fields; actions that accept any text, or have no fields, succeed."""
    if state == "closed":
        close_case(case, by=adviser)
    fields = views.CASE_ACTIONS[verb].form(case=case, user=adviser).fields
    typed = {f"{verb}-{name}": "Typed by me" for name in fields} | {f"{verb}-text": " "}
    response = client.post(path_of(case, verb), typed)
    if response.status_code == 302:
        assert verb in {"close", "reopen", "restrict"}
        return
    assert response.status_code == 400
    assert errors(response) != ""
    assert verb in offered(response)
    written = {"subject", "what"} & fields.keys()
    assert [name for name in written if 'value="Typed by me"' not in response.content.decode()] == []


# --- Referrals ----------------------------------------------------------------------------------------


@pytest.fixture
def referral(case):
    return ReferralFactory(case=case, state="consent_pending")


def press(client, referral, verb: str, typed=None):
    return client.post(f"{CASES}referrals/{referral.public_id}/do/{verb}/", typed or {})


def consent(referral, language: str, **more: str) -> dict:
    """Return the form data that the consent page sends for the factory's referral."""
    words = ("That her son is nine years old.", "So that he can begin school in April.")
    return {"language": language, "shown": proof_of_shown_text(consent_text(referral.body, *words, language))} | more


def test_consent_without_how_is_asked_again_on_the_page_of_the_words(client, referral):
    response = press(client, referral, "send", consent(referral, "vi"))
    html = response.content.decode()
    assert response.status_code == 400
    assert "How the person gave consent" in errors(response)
    assert '<section class="consent stack" lang="vi"' in html
    assert press(client, referral, "send", consent(referral, "vi", agreed="spoken")).status_code == 302
    referral.refresh_from_db()
    assert (referral.state, referral.consent_language) == ("sent", "vi")


def test_consent_to_other_words_shows_those_of_now_and_keeps_how(client, referral):
    response = press(client, referral, "send", consent(referral, "ne", agreed="signed", shown="x"))
    html = response.content.decode()
    assert response.status_code == 400
    assert "The person has not seen this text in this language. Show it to them first." in errors(response)
    assert re.search(r'value="signed"[^>]*checked', html)
    assert f'value="{consent(referral, "ne")["shown"]}"' in html


@pytest.mark.parametrize("language", ["xx", ""])
def test_consent_in_no_language_is_asked_again_in_the_persons(client, referral, language):
    response = press(client, referral, "send", {"language": language, "agreed": "signed"})
    assert response.status_code == 400
    assert errors(response) != ""
    assert '<section class="consent stack" lang="ne"' in response.content.decode()


def test_words_of_a_referral_are_not_lost_if_consent_was_asked_meanwhile(client, referral):
    typed = {"body": "school", "what": "That her son is ten.", "why": "Typed by me", "written_in": "en"}
    response = press(client, referral, "change", typed)
    html = response.content.decode()
    assert response.status_code == 400
    assert "This text cannot be changed, because consent has been requested" in errors(response)
    assert ("That her son is ten.</textarea>" in html, "Typed by me</textarea>" in html) == (True, True)


@pytest.mark.parametrize("verb", sorted(referral_views.REFERRAL_ACTIONS))
@pytest.mark.parametrize("state", ["draft", "consent_pending", "revoked"])
def test_verb_of_a_referral_is_done_or_says_why_not(client, case, verb, state):
    revoked_at = timezone.now() if state == "revoked" else None
    referral = ReferralFactory(case=case, state=state, revoked_at=revoked_at)
    response = client.post(f"{CASES}referrals/{referral.public_id}/do/{verb}/", {"state": "draft"}, follow=True)
    done = {"draft": {"ask", "revoke"}, "consent_pending": {"word-anew", "revoke"}, "revoked": set()}
    assert (errors(response) == "") == (verb in done[state])


# --- Follow-ups ---------------------------------------------------------------------------------------


@pytest.fixture
def tried(case):
    """Create a follow-up after three attempts to reach somebody who has no safe channel."""
    case.client = ClientFactory()
    case.save()
    return FollowUpFactory(case=case, state="attempted", attempts_made=3)


def decide(client, follow_up, came_from: str, **typed):
    typed = {f"{follow_up.public_id}-{name}": value for name, value in typed.items()}
    return client.post(f"{CASES}follow-ups/{follow_up.public_id}/decide/", typed | {"from": came_from})


@pytest.mark.parametrize("came_from", ["today", ""])
@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"decision": "wait"}, "Choose a date for the next attempt."),
        ({"decision": "letter"}, "“Letter” is not a safe contact method for this person."),
        ({"decision": "nonsense"}, "Next step after three attempts"),
        ({"decision": "wait", "due_on": "nonsense"}, "Date to try again (only if you wait)"),
    ],
)
def test_refused_decision_is_drawn_where_it_was_typed(client, tried, came_from, typed, why):
    response = decide(client, tried, came_from, text="Typed by me", **typed)
    html = response.content.decode()
    assert response.status_code == 400
    assert why in errors(response)
    assert "Typed by me</textarea>" in html
    assert ("<title>Today's follow-ups" in html) == (came_from == "today")


@pytest.mark.parametrize("came_from", ["today", ""])
def test_decision_is_not_lost_if_another_was_taken_meanwhile(client, tried, came_from):
    decide(client, tried, came_from, decision="close_no_contact")
    response = decide(client, tried, came_from, decision="close_no_contact", text="Typed by me")
    assert response.status_code == 400
    assert "This follow-up has already been completed." in errors(response)
    assert "Typed by me</textarea>" in response.content.decode()


@pytest.mark.parametrize("verb", sorted(followup_views.FOLLOW_UP_ACTIONS))
@pytest.mark.parametrize("came_from", ["today", ""])
def test_verb_of_a_follow_up_says_why_not(client, case, verb, came_from):
    done = FollowUpFactory(case=case, state="done", ended_at=timezone.now())
    case.client = ClientFactory(safe_channels=["call"])
    case.save()
    for typed in ({}, {"way": "email", "was_reached": "no"}, {"way": "call", "was_reached": "no", "decision": "wait"}):
        typed = {f"{done.public_id}-{name}": value for name, value in typed.items()} | {"from": came_from}
        response = client.post(f"{CASES}follow-ups/{done.public_id}/{verb}/", typed, follow=True)
        assert errors(response) != "", typed
