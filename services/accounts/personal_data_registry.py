"""The register of what each app knows of a person, for the download of their data and for its deletion."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.languages.dates import format_datetime
from services.languages.names import NAMES


@dataclass(frozen=True, slots=True)
class PersonalDataSource:
    """What one app stores about people.

    title: the heading in the download. export: returns rows of label → text in the active language. erase: deletes or
    anonymises the data. lock: locks, in the app's own order, every row that `erase` changes; each app's `lock` is
    called before any app's `erase`.
    """

    title: Callable[[], str]
    export: Callable[[User], list[dict[str, str]]]
    erase: Callable[[User], None]
    lock: Callable[[User], object] = lambda _user: None


_SOURCES: list[PersonalDataSource] = []


def register_personal_data(source: PersonalDataSource) -> None:
    """Add a source. The accounts' own comes first and is erased last, because the others find people through it."""
    _SOURCES.append(source)


def export_personal_data(user: User) -> dict[str, list[dict[str, str]]]:
    """Return everything stored about a person, as heading → rows in the active language; writes an audit entry.

    Two sources may have the same heading.
    """
    record(user, "accounts.export", user, changes=False)
    found = defaultdict(list)
    for source in _SOURCES:
        found[source.title()] += source.export(user)
    return {title: rows for title, rows in found.items() if rows}


@transaction.atomic
def erase_personal_data(user: User) -> None:
    """Delete or anonymise a person for good. Refused for staff: their roles have to be revoked first."""
    if user.roles:
        raise Refused(_("You work at the centre. Ask an administrator to remove your staff roles first."))
    _lock_all(user)
    for source in reversed(_SOURCES):
        source.erase(user)
    record(user, "accounts.erase", user, changes=False)


def _lock_all(user: User) -> None:
    """Take all row locks before the first audit entry: whoever locks the audit chain must not wait for other locks.

    The user's own row is locked last.
    """
    for source in reversed(_SOURCES):
        source.lock(user)


def without_empty(row: dict[str, str]) -> dict[str, str]:
    """Return a row of the download without the labels that have no text."""
    return {label: text for label, text in row.items() if text}


def format_language(code: str) -> str:
    """Return a language's name in the active language, or the code itself if the portal does not speak it."""
    return str(NAMES.get(code, code))


def export_datetime(at) -> str:
    """Return date and time in the active language; an empty text for None."""
    return format_datetime(at) if at else ""
