"""What registrations are for, in words: each programme says it of its own places (`describes`)."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from services.languages.days import written_moment
from services.notices.composing import words_about
from services.registration.links import manage_url
from services.registration.models import Registration, RegistrationState
from services.schedules.calendar_files import Entry


@dataclass(frozen=True, slots=True)
class Facts:
    """What somebody has, or wants, a place for, in words of the active language.

    `more`: label and words of what else is good to know. `another_url`: where they choose another time instead;
    `again_url`: where they begin anew once it has ended.
    """

    title: str
    when: str
    where: str = ""
    more: tuple[tuple[str, str], ...] = ()
    another_url: str = ""
    again_url: str = ""


_DESCRIBES: dict[str, Callable[[Registration, str], Facts]] = {}
_READS: list[str] = ["offering", "resident"]


def describes(programme: str, *reads: str):
    """Marks the function that puts a programme's registrations into words; it stands in the programme's letters.py.

    It takes the registration and the language (which is active). reads: the relations that it follows.
    """

    def mark(function: Callable[[Registration, str], Facts]):
        _DESCRIBES[programme] = function
        _READS.extend(reads)
        words_about(Registration, *_READS)(registration_in_words)
        return function

    return mark


def facts_of(registration: Registration, language: str) -> Facts:
    """What it is for, in the active language."""
    return _DESCRIBES[registration.offering.programme](registration, language)


def registration_in_words(registration: Registration, language: str, second_language: str) -> dict:
    """What letters say, with the link by which the person answers and changes, and a calendar entry that follows."""
    facts = facts_of(registration, language)
    words = {
        "registration": registration,
        "facts": facts,
        "url": manage_url(registration, language),
        "again_url": settings.SITE_URL + facts.again_url,
    }
    if registration.state == RegistrationState.WAITING:
        words["position"] = registration.position()
    if registration.state == RegistrationState.OFFERED:
        words["until"] = written_moment(registration.offered_until)
    if registration.state == RegistrationState.PLACED or registration.has_ended:
        words["calendar"] = calendar_entry(registration, facts, language)
    return words


def calendar_entry(registration: Registration, facts: Facts, language: str) -> Entry:
    """The same UID through every change, so that the person's calendar moves or strikes out what it has."""
    offering = registration.offering
    return Entry(
        uid=f"{registration.public_id}@{settings.SITE_URL.partition('://')[2]}",
        title=facts.title,
        starts_at=offering.starts_at,
        ends_at=offering.ends_at,
        language=language,
        place=facts.where,
        sequence=registration.sequence,
        is_cancelled=registration.has_ended,
    )
