"""A case in words, as its page shows it: what is sealed is opened at once, with a line for each kind of thing."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import get_language

from consultations import taxonomy
from consultations.models import Case, CaseEvent, Client, Consultation, Referral, Regrouping, Way
from services.accounts.models import User
from services.audit.opening import open_all, open_sealed
from services.audit.trail import record
from services.languages.choice import staff_language
from services.languages.table import SPOKEN


@dataclass(frozen=True, slots=True, repr=False)  # what is opened must not be printed into a log by mistake
class Told:
    """A row with its words."""

    row: object
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class CaseWords:
    """All of a case that its reader may see. Without `is_member` it holds facts alone."""

    case: Case
    is_member: bool
    members: list[User]
    language: str
    consultations: list[tuple[Consultation, list[str], str]]
    topics: list[str]
    subject: str = ""
    client: dict[str, str] = field(default_factory=dict)
    safe_ways: list[str] = field(default_factory=list)
    events: list[Told] = field(default_factory=list)
    follow_ups: list[Told] = field(default_factory=list)
    referrals: list[Told] = field(default_factory=list)
    regroupings: list[Regrouping] = field(default_factory=list)


@transaction.atomic
def open_words(case: Case, *, by: User) -> CaseWords:
    """The case for somebody who may know of it: its words for a member, its facts for a manager. Each leaves a line.

    Raises Case.DoesNotExist to who may not. Who is being shut out waits for it at the case's row, as in
    `open_consultation`.
    """
    list(Case.objects.select_for_update().filter(pk=case.pk).values_list("pk"))
    case = Case.objects.visible_to(by).select_related("client", "assigned", "merged_into").get(pk=case.pk)
    members = list(User.objects.filter(case_memberships__case=case).order_by("name", "pk"))
    logged = case.consultations.select_related("adviser").prefetch_related("topics").order_by("began_at", "pk")
    consultations = [(it, topic_names(it), language_name(it.language)) for it in logged]
    topics = list(dict.fromkeys(name for _row, names, _language in consultations for name in names))
    facts = (members, language_name(case.language), consultations, topics)
    if by not in members:
        record(by, "consultations.see_case", case, changes=False)
        return CaseWords(case, False, *facts)
    subject = open_sealed(by, "consultations.open_case", case, "subject")["subject"]
    client = open_sealed(by, "consultations.open_client", case.client, "name", "contact") if case.client else {}
    events = CaseEvent.objects.filter(case__in=[case.pk, *case.merged.values_list("pk", flat=True)])
    return CaseWords(
        case,
        True,
        *facts,
        subject=subject,
        client=client,
        safe_ways=safe_ways(case.client) if case.client else [],
        events=_told(case, by, events.select_related("by", "about"), "text"),
        follow_ups=_told(case, by, case.follow_ups.select_related("owner").prefetch_related("attempts"), "what"),
        referrals=_told(case, by, case.referrals.select_related("by"), "what"),
        regroupings=list(case.regroupings.filter(undone_at__isnull=True).select_related("other")),
    )


@transaction.atomic
def open_referral(referral: Referral, *, by: User) -> dict[str, str]:
    """A referral's words, for a member. Raises Case.DoesNotExist to who is none any more."""
    list(Case.objects.select_for_update().filter(pk=referral.case_id).values_list("pk"))
    Case.objects.readable_by(by).get(pk=referral.case_id)
    return open_sealed(by, "consultations.open_referral", referral, "what", "why", "consent")


def safe_ways(client: Client) -> list[str]:
    """The ways by which somebody may be reached, by their names."""
    return [str(way.label) for way in Way if way in client.safe_channels]


def topic_names(consultation: Consultation) -> list[str]:
    """What it was about, the primary topic first, for staff."""
    known, language = taxonomy.topics(), staff_language(get_language())
    return [known[row.topic].name(language) if row.topic in known else row.topic for row in consultation.topics.all()]


def about(case: Case) -> str:
    """The main topic of its first consultation in the list, for staff; nothing if it has none."""
    first = next(iter(case.consultations.all()), None)
    return next(iter(topic_names(first)), "") if first else ""


def language_name(code: str) -> str:
    """What a language calls itself; its code where the portal does not speak it."""
    return SPOKEN[code].own_name if code in SPOKEN else code


def body_name(code: str) -> str:
    """What a body is called, for staff."""
    body = taxonomy.bodies().get(code)
    return body.name(staff_language(get_language())) if body else code


def _told(case: Case, by: User, rows, *names: str) -> list[Told]:
    rows = list(rows)
    opened = open_all(by, "consultations.open_case", case, rows, *names)
    return [Told(row, words) for row, words in zip(rows, opened, strict=True)]
