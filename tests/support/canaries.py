"""Canaries: a mark of its own in every text of the consultation desk, to see where it comes out again.

Texts are found by looking at the models: a new column is covered as soon as it is there. A model without a row here
fails `plant`, which then has to be told how to make one.
"""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models
from django.utils import timezone

from consultations.models import Amendment, CaseEvent, Closing, Draft, EventKind, ReferralState, Upload
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField
from tests.factories import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    FollowUpFactory,
    HoursFactory,
    ReferralFactory,
    UserFactory,
)

# Columns of characters that hold codes of ours and nothing that anybody has typed.
CODES = {
    "body", "code", "consent_language", "contact_index", "dimension", "language", "mother_tongue", "name_index",
    "nationality", "referred_to", "scheme", "topic", "value", "written_in",
}  # fmt: skip
# What a text has to look like, where it is not just a text.
SHAPES = {
    "Amendment.before": lambda mark: json.dumps(
        {
            "note": mark, "late_reason": mark, "topics": ["tax"], "minutes": 10, "language": "ne", "channel": "phone",
            "bridging": "adviser", "outcome": "info", "asker": "self", "began_at": "2026-03-01T10:00:00+09:00",
            "mother_tongue": "", "nationality": "", "referred_to": "",
        }
    ),
    "DeskHours.video_room": lambda mark: f"https://video.example/{mark}",
    "Draft.typed": lambda mark: json.dumps({"note": [mark]}),
    "Upload.text": lambda mark: f"日付,{mark}\n2026-03-01,x\n",
}  # fmt: skip


@dataclass
class Town:
    """Whoever looks, and what was planted: each mark with whose record it stands in, and in which column."""

    people: dict[str, User] = field(default_factory=dict)
    marks: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, list[models.Model]] = field(default_factory=dict)

    def found_in(self, text: bytes) -> set[tuple[str, str]]:
        """Whose marks, of which columns, stand in something; also as PostgreSQL writes bytes down."""
        if b"canary" not in text and b"canary".hex().encode() not in text:
            return set()
        return {
            where for mark, where in self.marks.items() if mark.encode() in text or mark.encode().hex().encode() in text
        }


def text_columns(model: type[models.Model]) -> Iterator[models.Field]:
    """The columns in which something stands that somebody has typed."""
    for column in model._meta.concrete_fields:
        is_text = isinstance(column, models.CharField | models.TextField) and not isinstance(column, PublicIdField)
        if isinstance(column, SealedField) or (is_text and not column.choices and column.name not in CODES):
            yield column


def plant() -> Town:
    """A town in which everybody who could look is there, and every text is marked.

    "open": what an author has logged, in their case. "shut": a restricted case of a member's. "own": a manager's
    upload. "city": what belongs to nobody.
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
    town.rows["own"] = [Upload.objects.create(by=uploader)]
    month, now = datetime.date(2026, 1, 1), timezone.now()
    town.rows["city"] = [
        Closing.objects.create(
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
    """One of everything that an adviser can have."""
    client = ClientFactory()
    case = CaseFactory(assigned=owner, client=client, is_restricted=is_restricted)
    consultation = ConsultationFactory(
        adviser=owner, client=client, case=case, is_restricted=is_restricted, version=2, late_reason="x"
    )
    amendment = Amendment.objects.create(
        consultation=consultation, version=1, by=owner, reason="x", fields=["note"], before="{}"
    )
    draft = Draft.objects.create(adviser=owner, typed="{}")
    event = CaseEvent(case=case, kind=EventKind.NOTE, by=owner)  # saved once it is marked, and never again
    follow_up = FollowUpFactory(case=case)
    now = timezone.now()
    agreed = ReferralFactory(
        case=case, state=ReferralState.SENT, consent="x", consent_language="en", consented_at=now, agreed="spoken",
        recorded_by=owner,
    )  # fmt: skip
    waiting = ReferralFactory(case=case, state=ReferralState.CONSENT_PENDING)
    return [client, case, consultation, amendment, draft, event, follow_up, agreed, waiting]


def mark_row(town: Town, whose: str, row: models.Model) -> None:
    """Put a mark of its own into each of a row's texts."""
    for column in text_columns(type(row)):
        name, mark = f"{row._meta.object_name}.{column.name}", f"canary{_letters(len(town.marks))}"
        setattr(row, column.name, SHAPES.get(name, str)(mark))
        town.marks[mark] = (whose, name)
    row.save()


def _letters(number: int) -> str:
    """Three letters: what looks like a number is read as one."""
    return "".join(chr(ord("a") + number // 26**place % 26) for place in (2, 1, 0))
