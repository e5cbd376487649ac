"""Records of a person that were put together: their codes, their words and their restrictions stay right afterwards."""

import pytest

from consultations.actions.clients import find_client, forget_client, meet
from consultations.actions.consultations import log
from consultations.actions.looking import find_thread
from consultations.actions.regrouping import merge_clients, undo
from consultations.models import Client
from services.base.refusals import Refused
from tests.consultations.test_consultations import an_entry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


def known(adviser, name="Sita", **words) -> Client:
    """Somebody whom the adviser met and who was at the desk once."""
    client = meet(by=adviser, name=name, contact=f"{name.lower()}@example.org", language="ne", **words)
    log(an_entry(), by=adviser, client=client)
    return client


def test_code_of_a_merged_record_leads_to_the_thread_also_for_who_met_them(adviser):
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    merge_clients(old, into=kept, by=adviser)
    assert find_thread(old.code, by=adviser).client == kept
    assert find_client(old.code, by=adviser) == kept


def test_code_leads_to_the_thread_however_often_it_was_merged(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    merge_clients(first, into=second, by=adviser)
    record = merge_clients(second, into=third, by=adviser)
    for code in (first.code, second.code):
        assert find_thread(code, by=adviser).client == third
        assert find_client(code, by=adviser) == third
    undo(record, by=adviser)
    assert find_client(first.code, by=adviser) == second


def test_merged_record_is_merged_no_further_and_takes_nothing_in(adviser):
    old, kept, other = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    stale = Client.objects.get(pk=old.pk)
    merge_clients(old, into=kept, by=adviser)
    for client, into in ((stale, other), (other, stale), (kept, stale)):
        with pytest.raises(Refused, match="was merged into another"):
            merge_clients(client, into=into, by=adviser)
    with pytest.raises(Refused, match="was merged into another"):
        log(an_entry(), by=adviser, client=stale)


def test_who_is_forgotten_is_forgotten_in_what_was_merged_too(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    other = known(adviser, "D")
    merge_clients(first, into=second, by=adviser)
    merge_clients(second, into=third, by=adviser)
    forget_client(third, by=adviser)
    assert list(Client.objects.all()) == [other]
