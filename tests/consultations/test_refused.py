"""What is refused on the pages of cases is drawn again, with why and with what was typed, whatever has happened."""

import re

import pytest
from django.utils import timezone

from consultations.actions.cases import close_case
from consultations.models import Case
from consultations.views import cases
from tests.factories import CaseFactory, ConsultationFactory, UserFactory

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
    """The verbs for which a page has a form."""
    return set(re.findall(r'action="[^"]*/do/([a-z-]+)/"', response.content.decode()))


def errors(response) -> str:
    """The summary of what was refused."""
    return " ".join(re.findall(r'role="alert".*?</ul>', response.content.decode(), re.DOTALL))


def test_note_is_not_lost_if_the_case_was_closed_meanwhile(client, adviser, case):
    close_case(case, by=adviser)
    response = client.post(path_of(case, "write"), {"write-text": "The landlord has called."})
    assert response.status_code == 400
    assert "This case is closed. Open it again first." in errors(response)
    assert "The landlord has called.</textarea>" in response.content.decode()


def test_closed_case_offers_what_is_not_refused(client, adviser, case):
    address = f"{CASES}{case.public_id}/"
    assert offered(client.get(address)) == cases.VERBS.keys() - {"reopen", "lift"}
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


@pytest.mark.parametrize("verb", sorted(cases.OFFERED["open"] - cases.OFFERED["closed"]))
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
    assert "This case is closed. Open it again first." in errors(response)
    assert offered(response) == {"remove", "restrict", "reopen", verb}
    assert [it for it in typed.values() if it not in html] == []
    assert Case.objects.get(pk=case.pk).state == "closed"


def test_what_was_typed_is_kept_by_a_case_that_was_merged_meanwhile(client, adviser, case):
    into = CaseFactory(assigned=adviser)
    client.post(path_of(case, "merge"), {"merge-into": into.public_id})
    response = client.post(path_of(case, "write"), {"write-text": "Typed by me"})
    assert "This case was merged into another one meanwhile." in errors(response)
    assert "Typed by me</textarea>" in response.content.decode()
    assert offered(response) == {"write"}


def test_managers_words_are_kept_who_is_no_member_any_more(client, case):
    client.force_login(UserFactory(roles=["manager"]))
    assert offered(client.get(f"{CASES}{case.public_id}/")) == {"hand-over"}
    response = client.post(path_of(case, "write"), {"write-text": "Typed by me"})
    assert "You are no member of this case any more." in errors(response)
    assert "Typed by me</textarea>" in response.content.decode()
