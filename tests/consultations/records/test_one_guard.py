"""One rule for every output: exactly the consultations in the list can be opened, exported and counted."""

import csv
import io
import re

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.cases.actions import restrict
from consultations.log.actions import assign, break_the_glass
from consultations.log.drafts import DRAFT_KEY
from consultations.models import Consultation, ConsultationDraft
from consultations.records.models.clients import client_code
from services.accounts.actions import revoke_role
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.public_ids import public_id
from tests.factories import CaseFactory, ConsultationFactory, UserFactory
from tests.support.canaries import desk_addresses, keys_of, plant
from tests.support.nasty_texts import EVEN_ON_POSTGRESQL

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
STAFF = "/en/staff/"
IN_A_LINK = re.compile(r'href="/en/staff/consultations/([A-Za-z0-9_-]{22})/"')
FEW = settings(
    EVEN_ON_POSTGRESQL,
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def browser_of(user: User) -> Browser:
    browser = Browser(HTTP_HOST="localhost")
    browser.force_login(user)
    return browser


def listed(browser) -> tuple[set[str], int]:
    """Return the ids in the list and the number shown above it."""
    response = browser.get(f"{STAFF}consultations/")
    if response.status_code in {403, 404}:
        return set(), 0
    return set(IN_A_LINK.findall(response.content.decode())), response.context["number"]


def exported(browser) -> set[str]:
    """Return the ids in this month's export."""
    month = f"{timezone.localdate():%Y-%m}"
    response = browser.post(f"{STAFF}statistics/rows/csv/", {"month": month, "year": "2026"})
    if response.status_code in {403, 404}:
        return set()
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    known = set(Consultation.objects.values_list("public_id", flat=True))
    return {cell.lstrip("'") for row in rows for cell in row} & known


def opening(browser) -> set[str]:
    """Return the ids whose page can be opened."""
    return {
        it.public_id
        for it in Consultation.objects.all()
        if browser.get(f"{STAFF}consultations/{it.public_id}/").status_code == 200
    }


ROLES = st.sets(st.sampled_from([Role.ADVISER, Role.MANAGER, Role.EDITOR, Role.ADMINISTRATOR]), max_size=2)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "author": st.integers(0, 2),
            "member": st.integers(0, 2),
            "fate": st.sampled_from(["alone", "in a case", "restricted", "handed over", "looked at"]),
        }
    ),
    min_size=1,
    max_size=5,
)


def write_down(record: dict, advisers: list[User]) -> None:
    """Create a consultation and carry out its "fate" with the real actions."""
    author, member = advisers[record["author"]], advisers[record["member"]]
    if record["fate"] in {"in a case", "restricted"}:
        case = CaseFactory(assigned=member)
        ConsultationFactory(adviser=author, case=case, readers=[member])
        if record["fate"] == "restricted":
            restrict(case, by=member)
        return
    consultation = ConsultationFactory(adviser=author)
    if record["fate"] == "handed over" and member != author:
        assign(consultation, member, by=author)
    if record["fate"] == "looked at":
        break_the_glass(consultation, by=member, reason="The client stands at the counter")


@FEW
@given(roles=st.lists(ROLES, min_size=2, max_size=2), records=RECORDS, lost=st.booleans())
def test_list_page_export_and_count_agree_for_everybody(db, roles, records, lost):
    with transaction.atomic():
        advisers = [UserFactory(roles=["adviser"]) for _turn in range(3)]
        others = [UserFactory(roles=sorted(held)) for held in roles]
        for record in records:
            write_down(record, advisers)
        if lost:
            revoke_role(advisers[0], Role.ADVISER, by=None)
            advisers[0] = User.objects.get(pk=advisers[0].pk)
        for user in (*advisers, *others):
            visible = set(Consultation.objects.visible_to(user).values_list("public_id", flat=True))
            browser = browser_of(user)
            found = (*listed(browser), opening(browser), exported(browser))
            assert found == (visible, len(visible), visible, visible), user.roles
        transaction.set_rollback(True)


def answers(browser, address: str, key: str) -> list[tuple[int, str]]:
    """Return the responses to GET and POST, without the requested key."""
    told = [getattr(browser, method)(address) for method in ("get", "post")]
    return [(it.status_code, it.headers.get("Location", "").replace(key, "…")) for it in told]


@pytest.mark.parametrize("who", ["adviser", "manager", "author", "administrator", "glass"])
def test_what_is_restricted_answers_as_what_does_not_exist(who):
    town = plant()
    browser = browser_of(town.people[who])
    # A draft is private and not a record: its 128-bit key cannot be guessed and is refused to everybody else.
    drafts = set(ConsultationDraft.objects.values_list("public_id", flat=True))
    for key in keys_of(town.rows["shut"]):
        nothing = public_id() if DRAFT_KEY.fullmatch(key) else client_code()
        for name, address in desk_addresses([key]):
            if key in address and not (name == "log:keep" and key in drafts):
                assert answers(browser, address, key) == answers(browser, address.replace(key, nothing), nothing), name
