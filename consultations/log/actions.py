"""The verbs of the log: log, amend, assign, open, break the glass."""

import datetime
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations import taxonomy
from consultations.actions.compartments import lock_case, refuse_sharing, seen
from consultations.actions.counting import as_counted
from consultations.models import (
    Amendment,
    Asker,
    Case,
    Client,
    Closing,
    Consultation,
    ConsultationTopic,
    Draft,
    Later,
    Outcome,
    Reader,
)
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.refusals import Refused
from services.notices.actions.telling import notify

GLASS_LASTS = datetime.timedelta(minutes=60)
UNCOUNTED = {"note", "late_reason", "referred_to"}
COUNTED_BY = (
    "began_at",
    "minutes",
    "channel",
    "asker",
    "language",
    "bridging",
    "mother_tongue",
    "nationality",
    "outcome",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an adviser writes down of one contact. `topics`: the primary one first. `minutes`: how long it took."""

    began_at: datetime.datetime
    minutes: int
    channel: str
    language: str
    bridging: str
    topics: tuple[str, ...]
    outcome: str
    asker: str = Asker.SELF
    note: str = ""
    mother_tongue: str = ""
    nationality: str = ""
    referred_to: str = ""
    late_reason: str = ""


COLUMNS = tuple(field.name for field in fields(Entry) if field.name != "topics")


def write_down(
    entry: Entry, *, by: User, client: Client | None = None, case: Case | None = None, draft: str = ""
) -> Consultation:
    """Log a contact, in the caller's transaction. draft: the public id of the draft it was.

    Raises IntegrityError if the draft was logged already. In a case it is about the case's client. Refused for the
    future, for a past day without a reason, for a closed month, to who is no adviser or no member of the case, and
    where a restricted case would share its client.
    """
    if not by.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only advisers log consultations."))
    _refuse_impossible(entry)
    if case:
        case = lock_case(case, by=by)
        client = client or case.client
    if client:
        seen(client, entry.began_at)
        refuse_sharing(client, case, by=by)
    consultation = Consultation(adviser=by, client=client, case=case, **columns_of(entry))
    if case:
        consultation.is_restricted = case.is_restricted
    if draft:
        consultation.public_id = draft
    consultation.save(force_insert=True)
    _write_topics(consultation, entry.topics)
    let_read(consultation, {by.pk, *(case.members.values_list("user", flat=True) if case else ())})
    if draft:
        Draft.objects.filter(public_id=draft, adviser=by).delete()
    record(by, "consultations.log", consultation, changes=False)
    refuse_closed(consultation.month)
    as_counted(consultation, entry.topics).save(force_insert=True)
    return consultation


log = transaction.atomic(write_down)


@transaction.atomic
def amend(consultation: Consultation, entry: Entry, *, by: User, reason: str) -> Consultation:
    """Change what was written down; what stood there before is kept, sealed, with who changed it and why.

    Refused to whose it is not, also to who reads it for an hour, without a reason, and where a closed month's figures
    would move.
    """
    if not reason:
        raise Refused(pgettext("staff", "Please say why you change it."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if not Consultation.objects.kept_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "This consultation is not yours to change."))
    _refuse_impossible(entry)
    before = entry_of(consultation, note=open_sealed(by, "consultations.open", consultation, "note")["note"])
    changed = [name for name in (*COLUMNS, "topics") if getattr(before, name) != getattr(entry, name)]
    if not changed:
        return consultation
    old_month = consultation.month
    no_more = as_counted(consultation, before.topics, sign=-1)
    Amendment.objects.create(
        consultation=consultation,
        version=consultation.version,
        by=by,
        reason=reason,
        fields=changed,
        before=json.dumps(asdict(before), ensure_ascii=False, default=str),
    )
    for name, value in columns_of(entry).items():
        setattr(consultation, name, value)
    consultation.version += 1
    consultation.save()
    if "topics" in changed:
        consultation.topics.all().delete()
        _write_topics(consultation, entry.topics)
    record(by, "consultations.amend", consultation, fields=changed, changes=False)
    if not UNCOUNTED.issuperset(changed):
        refuse_closed(old_month, consultation.month)
        Later.objects.bulk_create([no_more, as_counted(consultation, entry.topics)])
    return consultation


@transaction.atomic
def assign(consultation: Consultation, to: User, *, by: User) -> Consultation:
    """Hand a consultation to another adviser, who can read it from now on. The author keeps reading it.

    Of a restricted case only a member can take one over: else its members would not be its readers. It is handed over
    by whose it is to read for good, or by a manager if it is not restricted. Nobody hands one to themselves: else no
    manager would need to break the glass, and an hour would never end.
    """
    if not to.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only an adviser can take over a consultation."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    is_own = by.has_role(Role.ADVISER) and consultation.readers.filter(user=by, until__isnull=True).exists()
    if not is_own and (consultation.is_restricted or not by.has_role(Role.MANAGER)):
        raise Refused(pgettext("staff", "You cannot hand over this consultation."))
    if to.pk == by.pk:
        raise Refused(pgettext("staff", "You cannot hand a consultation to yourself."))
    if consultation.is_restricted and not consultation.readers.filter(user=to).exists():
        raise Refused(pgettext("staff", "In a restricted case only a member can take over a consultation."))
    before, consultation.assigned = consultation.assigned_id, to
    consultation.save(update_fields=["assigned"])
    let_read(consultation, {to.pk})
    if before and before not in {to.pk, consultation.adviser_id, *_members(consultation.case)}:
        consultation.readers.filter(user=before).delete()
    record(by, "consultations.assign", consultation, fields=["assigned"], changes=False)
    return consultation


@transaction.atomic
def open_consultation(consultation: Consultation, *, by: User) -> dict[str, str]:
    """The note and the client's name and contact, with a line in the trail. Empty to who may not read.

    That a manager looked at the facts alone leaves a line too. Raises Consultation.DoesNotExist to whom it does not
    exist any more: the page would show its facts. Who is to read it no more waits here until that is so:
    the row is held by whoever restricts it, so that nobody is asked about before and answered afterwards.
    """
    list(Consultation.objects.select_for_update().filter(pk=consultation.pk).values_list("pk"))
    if not Consultation.objects.readable_by(by).filter(pk=consultation.pk).exists():
        Consultation.objects.visible_to(by).get(pk=consultation.pk)
        record(by, "consultations.see", consultation, changes=False)
        return {}
    words = open_sealed(by, "consultations.open", consultation, "note")
    if consultation.client:
        words |= open_sealed(by, "consultations.open_client", consultation.client, "name", "contact")
    return words


@transaction.atomic
def break_the_glass(consultation: Consultation, *, by: User, reason: str) -> Role | None:
    """Let somebody read for an hour what is not theirs to read. The reason is in the trail, and the managers are told.

    Where there is no manager beside them the administrators are told. Returns who was: None if there is nobody.
    Refused without a reason. What is restricted has no glass: it exists for its members alone.
    """
    if len(reason) < 10:
        raise Refused(pgettext("staff", "Please say why you must read it, in a few words."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if consultation.is_restricted or not by.has_role(Role.ADVISER, Role.MANAGER):
        raise Consultation.DoesNotExist
    reader, made = consultation.readers.get_or_create(user=by, defaults={"until": timezone.now() + GLASS_LASTS})
    if not made and reader.until:
        reader.until = timezone.now() + GLASS_LASTS
        reader.save(update_fields=["until"])
    line = record(by, "consultations.break_the_glass", consultation, reason=reason, changes=False)
    for role in (Role.MANAGER, Role.ADMINISTRATOR):
        others = User.objects.filter(grants__role=role, is_active=True).exclude(pk=by.pk)
        for user in others:
            notify(
                user, "consultations/staff/glass_broken", occasion=f"glass:{line.sequence}", context={"who": str(by)}
            )
        if others:
            return role
    return None


def let_read(consultation: Consultation, users: Iterable[int]) -> None:
    """Make users lasting readers of a consultation."""
    rows = [Reader(consultation=consultation, user_id=user) for user in users]
    Reader.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["consultation", "user"], update_fields=["until"]
    )


def refuse_closed(*months: datetime.date) -> None:
    """Refuse where a month is closed. Asked last: who closes a month waits for the trail's head, as we just did."""
    over = [month for month in months if month < timezone.localdate().replace(day=1)]  # any other cannot be closed
    if over and Closing.objects.filter(month__in=over, reopened_at__isnull=True).exists():
        raise Refused(pgettext("staff", "This month is closed: its figures have been reported."))


def entry_of(consultation: Consultation, *, note: str = "") -> Entry:
    """What was written down; the note as whoever may read it has it."""
    columns = {name: getattr(consultation, name) for name in COLUMNS if name != "note"}
    return Entry(topics=tuple(row.topic for row in consultation.topics.all()), note=note, **columns)


def columns_of(entry: Entry) -> dict:
    """What was written down, as the consultation's columns."""
    columns = {name: getattr(entry, name) for name in COLUMNS}
    return columns | {"month": timezone.localdate(entry.began_at).replace(day=1)}


def _refuse_impossible(entry: Entry) -> None:
    if not entry.topics:
        raise Refused(pgettext("staff", "Please choose at least one topic."))
    if unknown := set(entry.topics) - set(taxonomy.topics()):
        raise Refused(pgettext("staff", "There is no topic %(code)s.") % {"code": min(unknown)})
    if entry.outcome == Outcome.REFERRAL and not entry.referred_to:
        raise Refused(pgettext("staff", "Please choose where the person was referred to."))
    if entry.began_at > timezone.now():
        raise Refused(pgettext("staff", "This time is still to come."))
    if timezone.localdate(entry.began_at) < timezone.localdate() and not entry.late_reason:
        raise Refused(pgettext("staff", "Please say why it is logged on a later day."))


def _write_topics(consultation: Consultation, topics: tuple[str, ...]) -> None:
    scheme = taxonomy.scheme_version()
    ConsultationTopic.objects.bulk_create(
        ConsultationTopic(consultation=consultation, topic=topic, scheme=scheme, is_primary=place == 0)
        for place, topic in enumerate(dict.fromkeys(topics))
    )


def _members(case: Case | None) -> set[int]:
    return set(case.members.values_list("user", flat=True)) if case else set()
