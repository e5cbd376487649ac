"""Actions on the log: log, amend, assign, decrypt, break the glass."""

import datetime
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.message_kinds import EMERGENCY_ACCESS
from consultations.records import taxonomy
from consultations.records.access import (
    lock_and_mark_seen,
    lock_case,
    refuse_shared_client,
    refuse_without_role,
)
from consultations.records.models import (
    Amendment,
    Case,
    Client,
    ClosedMonth,
    Consultation,
    ConsultationDraft,
    ConsultationTopic,
    EnquirerRelationship,
    Outcome,
    ReadGrant,
    TallyDelta,
)
from consultations.records.tallies import tally_delta
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record
from services.base.refusals import Refused
from services.messaging.outbox import notify

EMERGENCY_ACCESS_LASTS = datetime.timedelta(minutes=60)
UNCOUNTED_FIELDS = {"note", "late_reason", "referred_to"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What an adviser logs about one contact. `topics`: the primary one first. `minutes`: its length."""

    began_at: datetime.datetime
    minutes: int
    channel: str
    language: str
    language_support: str
    topics: tuple[str, ...]
    outcome: str
    enquirer: str = EnquirerRelationship.SELF
    note: str = ""
    mother_tongue: str = ""
    nationality: str = ""
    referred_to: str = ""
    late_reason: str = ""


COLUMNS = tuple(field.name for field in fields(LogEntry) if field.name != "topics")


def write_consultation(
    entry: LogEntry, *, by: User, client: Client | None = None, case: Case | None = None, draft: str = ""
) -> Consultation:
    """Log a contact in the caller's transaction. draft: the public id of the draft it was.

    In a case it is linked to the case's client. Raises `IntegrityError` if the draft has already been logged. Raises
    `Refused` for a time in the future, a past day without a reason, a closed month, a user who is not an adviser or
    not a member of the case, and if a restricted case would share its client.
    """
    refuse_without_role(by, Role.ADVISER, pgettext("staff", "Only advisers can log consultations."))
    _validate_entry(entry)
    if case:
        case = lock_case(case, by=by)
        client = client or case.client
    if client:
        lock_and_mark_seen(client, entry.began_at)
        refuse_shared_client(client, case, by=by)
    consultation = Consultation(adviser=by, client=client, case=case, **columns_of(entry))
    if case:
        consultation.is_restricted = case.is_restricted
    if draft:
        consultation.public_id = draft
    consultation.save(force_insert=True)
    _create_topics(consultation, entry.topics)
    grant_reading(consultation, {by.pk, *(case.member_ids() if case else ())})
    if draft:
        ConsultationDraft.objects.filter(public_id=draft, adviser=by).delete()
    record(by, "consultations.log", consultation, changes=False)
    refuse_closed_months(consultation.month)
    tally_delta(consultation, entry.topics).save(force_insert=True)
    return consultation


log = transaction.atomic(write_consultation)


@transaction.atomic
def amend(consultation: Consultation, entry: LogEntry, *, by: User, reason: str) -> Consultation:
    """Amend a logged consultation. The previous version is stored, encrypted, with who changed it and why.

    Raises `Refused` without a reason, for a user who may not edit it (emergency access only allows reading), and if the
    figures of a closed month would change.
    """
    if not reason:
        raise Refused(pgettext("staff", "Enter a reason for the change."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if not Consultation.objects.editable_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "You cannot change this consultation."))
    _validate_entry(entry)
    before = entry_of(consultation, note=decrypt_with_audit(by, "consultations.open", consultation, "note")["note"])
    changed = [name for name in (*COLUMNS, "topics") if getattr(before, name) != getattr(entry, name)]
    if not changed:
        return consultation
    old_month = consultation.month
    removal = tally_delta(consultation, before.topics, sign=-1)
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
        _create_topics(consultation, entry.topics)
    record(by, "consultations.amend", consultation, fields=changed, changes=False)
    if not UNCOUNTED_FIELDS.issuperset(changed):
        refuse_closed_months(old_month, consultation.month)
        TallyDelta.objects.bulk_create([removal, tally_delta(consultation, entry.topics)])
    return consultation


@transaction.atomic
def assign(consultation: Consultation, to: User, *, by: User) -> Consultation:
    """Assign a consultation to another adviser, who can then read it. The author can still read it.

    In a restricted case only a member can take over, so that its members stay its only readers. The consultation is
    handed over by anyone who may edit it or, if it is unrestricted, by a manager. Nobody can assign one to themselves:
    otherwise managers would not need to break the glass, and emergency access could become permanent.
    """
    refuse_without_role(to, Role.ADVISER, pgettext("staff", "Only an adviser can take over a consultation."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    is_own = by.has_role(Role.ADVISER) and consultation.readers.filter(user=by, until__isnull=True).exists()
    if not is_own and (consultation.is_restricted or not by.has_role(Role.MANAGER)):
        raise Refused(pgettext("staff", "You cannot hand over this consultation."))
    if to.pk == by.pk:
        raise Refused(pgettext("staff", "You cannot hand a consultation over to yourself."))
    if consultation.is_restricted and not consultation.readers.filter(user=to).exists():
        raise Refused(pgettext("staff", "Only members of a restricted case can take over its consultations."))
    before, consultation.assigned = consultation.assigned_id, to
    consultation.save(update_fields=["assigned"])
    grant_reading(consultation, {to.pk})
    if before and before not in {to.pk, consultation.adviser_id, *_member_ids(consultation.case)}:
        consultation.readers.filter(user=before).delete()
    record(by, "consultations.assign", consultation, fields=["assigned"], changes=False)
    return consultation


@transaction.atomic
def decrypt_consultation(consultation: Consultation, *, by: User) -> dict[str, str]:
    """Lock a consultation and decrypt its note and its client's name and contact. Leaves audit entries.

    Returns an empty dict for a user who may see only the facts; that leaves an audit entry too. Raises
    `Consultation.DoesNotExist` for anyone else. The lock matters: restricting a consultation locks its row as well, so
    no access is checked before the restriction and answered after it.
    """
    list(Consultation.objects.select_for_update().filter(pk=consultation.pk).values_list("pk"))
    if not Consultation.objects.readable_by(by).filter(pk=consultation.pk).exists():
        Consultation.objects.visible_to(by).get(pk=consultation.pk)
        record(by, "consultations.see", consultation, changes=False)
        return {}
    words = decrypt_with_audit(by, "consultations.open", consultation, "note")
    if consultation.client:
        words |= decrypt_with_audit(by, "consultations.open_client", consultation.client, "name", "contact")
    return words


@transaction.atomic
def break_the_glass(consultation: Consultation, *, by: User, reason: str) -> Role | None:
    """Give a user emergency access for an hour. The reason is in the audit trail, and the managers are notified.

    If there is no other manager, the administrators are notified. Returns the role that was notified, or None if there
    was nobody. Raises `Refused` without a reason, and `Consultation.DoesNotExist` for a restricted consultation.
    """
    if len(reason) < 10:
        raise Refused(pgettext("staff", "Explain in a few words why you need to read this consultation."))
    consultation = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if consultation.is_restricted or not by.has_role(Role.ADVISER, Role.MANAGER):
        raise Consultation.DoesNotExist
    grant, is_new = consultation.readers.get_or_create(
        user=by, defaults={"until": timezone.now() + EMERGENCY_ACCESS_LASTS}
    )
    if not is_new and grant.until:
        grant.until = timezone.now() + EMERGENCY_ACCESS_LASTS
        grant.save(update_fields=["until"])
    entry = record(by, "consultations.break_the_glass", consultation, reason=reason, changes=False)
    for role in (Role.MANAGER, Role.ADMINISTRATOR):
        others = User.objects.filter(grants__role=role, is_active=True).exclude(pk=by.pk)
        for user in others:
            notify(
                user,
                EMERGENCY_ACCESS,
                idempotency_key=f"glass:{entry.sequence}",
                context={"who": str(by)},
            )
        if others:
            return role
    return None


def grant_reading(consultation: Consultation, users: Iterable[int]) -> None:
    """Grant users permanent read access to a consultation."""
    rows = [ReadGrant(consultation=consultation, user_id=user) for user in users]
    ReadGrant.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["consultation", "user"], update_fields=["until"]
    )


def refuse_closed_months(*months: datetime.date) -> None:
    """Refuse to change closed months. Call it last: closing a month waits for the audit chain, which we have locked."""
    past = [month for month in months if month < timezone.localdate().replace(day=1)]  # only past months can be closed
    if past and ClosedMonth.objects.filter(month__in=past, reopened_at__isnull=True).exists():
        raise Refused(pgettext("staff", "This month is closed: its figures have been reported."))


def entry_of(consultation: Consultation, *, note: str = "") -> LogEntry:
    """Return a consultation as a log entry. note: its decrypted note."""
    columns = {name: getattr(consultation, name) for name in COLUMNS if name != "note"}
    return LogEntry(topics=tuple(row.topic for row in consultation.topics.all()), note=note, **columns)


def columns_of(entry: LogEntry) -> dict:
    """Return the values for a consultation's columns."""
    columns = {name: getattr(entry, name) for name in COLUMNS}
    return columns | {"month": timezone.localdate(entry.began_at).replace(day=1)}


def _validate_entry(entry: LogEntry) -> None:
    if not entry.topics:
        raise Refused(pgettext("staff", "Choose at least one topic."))
    if unknown := set(entry.topics) - set(taxonomy.topics()):
        raise Refused(pgettext("staff", "There is no topic with the code “%(code)s”.") % {"code": min(unknown)})
    if entry.outcome == Outcome.REFERRAL and not entry.referred_to:
        raise Refused(pgettext("staff", "Choose the organisation the person was referred to."))
    if entry.began_at > timezone.now():
        raise Refused(pgettext("staff", "The date and time must be in the past."))
    if timezone.localdate(entry.began_at) < timezone.localdate() and not entry.late_reason:
        raise Refused(pgettext("staff", "Enter a reason for logging late."))


def _create_topics(consultation: Consultation, topics: tuple[str, ...]) -> None:
    scheme = taxonomy.scheme_version()
    ConsultationTopic.objects.bulk_create(
        ConsultationTopic(consultation=consultation, topic=topic, scheme=scheme, is_primary=position == 0)
        for position, topic in enumerate(dict.fromkeys(topics))
    )


def _member_ids(case: Case | None) -> set[int]:
    return case.member_ids() if case else set()
