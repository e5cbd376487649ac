"""What messages, pages and the download of personal data say about a registration.

Each programme registers a function that summarises its own registrations, and the class of their needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from services.languages.dates import format_datetime
from services.messaging.rendering import register_context
from services.registration.links import manage_url
from services.registration.models import Registration, RegistrationState
from services.registration.needs import RegistrationNeeds
from services.schedules.calendar_files import CalendarEntry


@dataclass(frozen=True, slots=True)
class RegistrationSummary:
    """What a registration is for, in the active language.

    title and when are given in every state. more: (label, text) of further details, only for those whom they concern.
    another_url: the page for choosing another time; again_url: the page for registering again.
    """

    title: str
    when: str
    where: str = ""
    more: tuple[tuple[str, str], ...] = ()
    another_url: str = ""
    again_url: str = ""


_SUMMARIES: dict[str, Callable[[Registration, str], RegistrationSummary]] = {}
_NEEDS: dict[str, type[RegistrationNeeds]] = {}
_PREFETCHES: list[str] = ["offering", "resident"]


def register_summary(
    programme: str,
    function: Callable[[Registration, str], RegistrationSummary],
    *prefetches: str,
    needs: type[RegistrationNeeds] = RegistrationNeeds,
) -> None:
    """Name the function that summarises a programme's registrations. Called from the programme's AppConfig.ready().

    The function gets the registration and the language, which is active. prefetches: the relations that it follows.
    needs: the class that reads `Registration.needs`.
    """
    _SUMMARIES[programme] = function
    _NEEDS[programme] = needs
    _PREFETCHES.extend(prefetches)
    register_context(Registration, registration_context, *_PREFETCHES)


def summary_of(registration: Registration, language: str) -> RegistrationSummary:
    """Return what the registration is for, in the active language."""
    return _SUMMARIES[registration.offering.programme](registration, language)


def needs_of(registration: Registration) -> RegistrationNeeds:
    """Return the registration's needs as its programme's own class."""
    return _NEEDS[registration.offering.programme].from_json(registration.needs)


def registration_context(registration: Registration, language: str, second_language: str) -> dict:
    """Return a message's context: the summary, the person's own link, and a calendar entry that follows each change."""
    summary = summary_of(registration, language)
    context = {
        "registration": registration,
        "facts": summary,
        "url": manage_url(registration, language),
        "again_url": settings.SITE_URL + summary.again_url,
    }
    if registration.state == RegistrationState.WAITING:
        context["position"] = registration.position()
    if registration.state == RegistrationState.OFFERED:
        context["until"] = format_datetime(registration.offered_until)
    if has_calendar_entry(registration):
        context["calendar"] = partial(calendar_entry, registration, summary, language)
    return context


def has_calendar_entry(registration: Registration) -> bool:
    """Whether the person has, or had asked for, a place that a calendar can show: not while it is uncertain."""
    return registration.state == RegistrationState.PLACED or registration.has_ended


def calendar_entry(registration: Registration, summary: RegistrationSummary, language: str) -> CalendarEntry:
    """Return the entry with the same UID after every change, so that the person's calendar moves or cancels it."""
    offering = registration.offering
    return CalendarEntry(
        uid=f"{registration.public_id}@{settings.SITE_URL.partition('://')[2]}",
        title=summary.title,
        starts_at=offering.starts_at,
        ends_at=offering.ends_at,
        language=language,
        place=summary.where,
        sequence=registration.sequence,
        is_cancelled=registration.has_ended,
    )
