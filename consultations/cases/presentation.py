"""A case for display. Its texts are decrypted together, with one audit entry for each kind of record."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import get_language

from consultations.records import taxonomy
from consultations.records.models import Case, CaseEvent, CaseMerge, Consultation, Referral
from consultations.records.presentation import safe_methods, topic_names
from services.accounts.models import User
from services.audit.decryption import decrypt_rows_with_audit, decrypt_with_audit
from services.audit.trail import record
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN


@dataclass(frozen=True, slots=True, repr=False)  # without repr, so that decrypted text is never logged by mistake
class DecryptedRow:
    """A row and its decrypted texts."""

    row: object
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class CasePresentation:
    """Everything of a case that the user may see. If `is_member` is false it contains facts only."""

    case: Case
    is_member: bool
    members: list[User]
    language: str
    consultations: list[tuple[Consultation, list[str], str]]
    topics: list[str]
    subject: str = ""
    client: dict[str, str] = field(default_factory=dict)
    safe_ways: list[str] = field(default_factory=list)
    events: list[DecryptedRow] = field(default_factory=list)
    follow_ups: list[DecryptedRow] = field(default_factory=list)
    referrals: list[DecryptedRow] = field(default_factory=list)
    regroupings: list[CaseMerge] = field(default_factory=list)


@transaction.atomic
def decrypt_case(case: Case, *, by: User) -> CasePresentation:
    """Return the case as the user may see it: texts for a member, facts for a manager. Leaves audit entries.

    Raises `Case.DoesNotExist` for anyone else. It locks the case's row, as `decrypt_consultation` does: whoever is
    losing access at this moment waits for the change.
    """
    list(Case.objects.select_for_update().filter(pk=case.pk).values_list("pk"))
    case = Case.objects.visible_to(by).select_related("client", "assigned", "merged_into").get(pk=case.pk)
    members = list(User.objects.filter(case_memberships__case=case).order_by("name", "pk"))
    logged = case.consultations.select_related("adviser").prefetch_related("topics").order_by("began_at", "pk")
    consultations = [(it, topic_names(it), own_language_name(it.language)) for it in logged]
    topics = list(dict.fromkeys(name for _row, names, _language in consultations for name in names))
    facts = (members, own_language_name(case.language), consultations, topics)
    if by not in members:
        record(by, "consultations.see_case", case, changes=False)
        return CasePresentation(case, False, *facts)
    subject = decrypt_with_audit(by, "consultations.open_case", case, "subject")["subject"]
    client = decrypt_with_audit(by, "consultations.open_client", case.client, "name", "contact") if case.client else {}
    events = CaseEvent.objects.filter(case__in=[case.pk, *case.merged.values_list("pk", flat=True)])
    return CasePresentation(
        case,
        True,
        *facts,
        subject=subject,
        client=client,
        safe_ways=safe_methods(case.client) if case.client else [],
        events=_timeline(case, by, events.select_related("by", "about"), "text"),
        follow_ups=_timeline(case, by, case.follow_ups.select_related("owner").prefetch_related("attempts"), "what"),
        referrals=_timeline(case, by, case.referrals.select_related("by"), "what"),
        regroupings=list(case.regroupings.filter(undone_at__isnull=True).select_related("other")),
    )


@transaction.atomic
def decrypt_referral(referral: Referral, *, by: User) -> dict[str, str]:
    """Lock the case and decrypt a referral's texts for a member. Raises `Case.DoesNotExist` for anyone else."""
    list(Case.objects.select_for_update().filter(pk=referral.case_id).values_list("pk"))
    Case.objects.readable_by(by).get(pk=referral.case_id)
    return decrypt_with_audit(by, "consultations.open_referral", referral, "what", "why", "consent")


def case_summary(case: Case) -> str:
    """Return the main topic of the case's first consultation for staff, or an empty string."""
    first = next(iter(case.consultations.all()), None)
    return next(iter(topic_names(first)), "") if first else ""


def own_language_name(code: str) -> str:
    """Return a language's own name, or its code if it is not one of the portal's languages."""
    return SPOKEN[code].own_name if code in SPOKEN else code


def body_name(code: str) -> str:
    """Return the name of an organisation for staff."""
    body = taxonomy.bodies().get(code)
    return body.name(staff_language(get_language())) if body else code


def _timeline(case: Case, by: User, rows, *names: str) -> list[DecryptedRow]:
    rows = list(rows)
    decrypted = decrypt_rows_with_audit(by, "consultations.open_case", case, rows, *names)
    return [DecryptedRow(row, words) for row, words in zip(rows, decrypted, strict=True)]
