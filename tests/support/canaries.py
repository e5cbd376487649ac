"""Canaries: a unique mark in every text of the consultation desk, to see where it appears.

Texts are found by inspecting the models, so a new column is covered at once. `plant` fails if a model with a text has
no row here; then add code to create one.
"""

import datetime
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models
from django.utils import timezone

from consultations.models import (
    Amendment,
    CaseEvent,
    ClosedMonth,
    ConsultationDraft,
    EventKind,
    ImportUpload,
    ReferralState,
)
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from tests.factories.accounts import UserFactory
from tests.factories.consultations import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    FollowUpFactory,
    HoursFactory,
    ReferralFactory,
)
from tests.support.addresses import patterns

# Character columns with our own codes, and no text that anybody has typed.
CODES = {
    "body", "code", "consent_language", "contact_index", "dimension", "language", "mother_tongue", "name_index",
    "nationality", "referred_to", "scheme", "topic", "value", "way", "written_in",
}  # fmt: skip


# The format of texts that must be more than plain text.
SHAPES = {
    "Amendment.before": lambda mark: json.dumps(
        {
            "note": mark, "late_reason": mark, "topics": ["tax"], "minutes": 10, "language": "ne", "channel": "phone",
            "language_support": "adviser",
            "outcome": "info", "enquirer": "self", "began_at": "2026-03-01T10:00:00+09:00",
            "mother_tongue": "", "nationality": "", "referred_to": "",
        }
    ),
    "DeskHours.video_room": lambda mark: f"https://video.example/{mark}",
    "ConsultationDraft.typed": lambda mark: json.dumps({"note": [mark]}),
    "ImportUpload.text": lambda mark: f"日付,{mark}\n2026-03-01,x\n",
}  # fmt: skip


@dataclass
class Town:
    """The users who look, and the planted marks: each with the owner key of its record and the column."""

    people: dict[str, User] = field(default_factory=dict)
    marks: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, list[models.Model]] = field(default_factory=dict)

    def found_in(self, text: bytes) -> set[tuple[str, str]]:
        """Return the (owner key, column) of each mark found in a text, also as hex, as PostgreSQL writes bytes."""
        if b"canary" not in text and b"canary".hex().encode() not in text:
            return set()
        return {
            where for mark, where in self.marks.items() if mark.encode() in text or mark.encode().hex().encode() in text
        }


def text_columns(model: type[models.Model]) -> Iterator[models.Field]:
    """Yield the columns with text that somebody has typed."""
    for column in model._meta.concrete_fields:
        is_text = isinstance(column, models.CharField | models.TextField) and not isinstance(column, PublicIdField)
        if isinstance(column, EncryptedTextField) or (is_text and not column.choices and column.name not in CODES):
            yield column


def plant() -> Town:
    """Create every kind of user who could look, and rows with a mark in every text.

    Owner keys: "open", an author's consultation and case; "shut", a member's restricted case; "own", a manager's
    upload; "city", rows that belong to nobody.
    """
    town = Town()
    for role in Role.values:
        town.people[role] = UserFactory(email=f"{role}@canary.example", roles=[role])
    town.people["resident"] = UserFactory(email="resident@canary.example")
    for name, role in (("author", "adviser"), ("member", "adviser"), ("uploader", "manager"), ("glass", "manager")):
        town.people[name] = UserFactory(email=f"{name}@canary.example", roles=[role])
    author, member, uploader = (town.people[name] for name in ("author", "member", "uploader"))
    town.rows["open"] = records_of(author, is_restricted=False)
    town.rows["shut"] = records_of(member, is_restricted=True)
    town.rows["own"] = [ImportUpload.objects.create(by=uploader)]
    month, now = datetime.date(2026, 1, 1), timezone.now()
    town.rows["city"] = [
        ClosedMonth.objects.create(
            month=month, closed_at=now, closed_by=uploader, reopened_at=now, reopened_by=uploader, reason="x"
        ),
        HoursFactory(),
    ]
    consultation = next(row for row in town.rows["open"] if row._meta.object_name == "Consultation")
    consultation.readers.create(user=town.people["glass"], until=now + datetime.timedelta(hours=1))
    for whose, rows in town.rows.items():
        for row in rows:
            mark_row(town, whose, row)
    planted = {type(row) for rows in town.rows.values() for row in rows}
    with_text = {model for model in apps.get_app_config("consultations").get_models() if list(text_columns(model))}
    assert planted >= with_text, f"tests/canaries.py has to plant {with_text - planted}"
    return town


def records_of(owner: User, *, is_restricted: bool) -> list[models.Model]:
    """Create one of each record that an adviser can have."""
    client = ClientFactory()
    case = CaseFactory(assigned=owner, client=client, is_restricted=is_restricted)
    consultation = ConsultationFactory(
        adviser=owner, client=client, case=case, is_restricted=is_restricted, version=2, late_reason="x"
    )
    amendment = Amendment.objects.create(
        consultation=consultation, version=1, by=owner, reason="x", fields=["note"], before="{}"
    )
    draft = ConsultationDraft.objects.create(adviser=owner, typed="{}")
    event = CaseEvent(case=case, kind=EventKind.NOTE, by=owner)  # saved only once, after it is marked
    follow_up = FollowUpFactory(case=case)
    now = timezone.now()
    agreed = ReferralFactory(
        case=case, state=ReferralState.SENT, consent="x", consent_language="en", consented_at=now, agreed="spoken",
        recorded_by=owner,
    )  # fmt: skip
    waiting = ReferralFactory(case=case, state=ReferralState.CONSENT_PENDING)
    return [client, case, consultation, amendment, draft, event, follow_up, agreed, waiting]


def mark_row(town: Town, whose: str, row: models.Model) -> None:
    """Put a unique mark into each text of a row."""
    for column in text_columns(type(row)):
        name, mark = f"{row._meta.object_name}.{column.name}", f"canary{_letters(len(town.marks))}"
        setattr(row, column.name, SHAPES.get(name, str)(mark))
        town.marks[mark] = (whose, name)
    row.save()


def _letters(number: int) -> str:
    """Return the number as three letters, because digits could be parsed as a number."""
    return "".join(chr(ord("a") + number // 26**place % 26) for place in (2, 1, 0))


OURS = ("/en/staff/consultations/", "/en/staff/cases/", "/en/staff/statistics/")


SMALL = {"version": ("1",), "kind": ("csv", "xlsx"), "language": ("ja", "en"), "verb": ("write",)}


def filled(route: str, keys: list[str]) -> list[str]:
    """Return the URLs of a route with every combination of keys."""
    slots = re.findall(r"<\w+:(\w+)>", route)
    choices = [SMALL.get(slot, keys) for slot in slots]
    plain = re.sub(r"<\w+:\w+>", "{}", route)
    return [plain.format(*words) for words in itertools.product(*choices)]


def desk_addresses(keys: list[str]) -> list[tuple[str, str]]:
    """Return the (name, URL) of every page of the desk's records, with every key."""
    ours = [(name, route) for name, route in patterns() if route.startswith(OURS)]
    drafts = [("log:new", f"/en/staff/consultations/new/?draft={key}") for key in keys]
    return [*drafts, *((name, address) for name, route in ours for address in filled(route, keys))]


def keys_of(rows) -> list[str]:
    return [key for row in rows for key in (getattr(row, "public_id", ""), getattr(row, "code", "")) if key]
