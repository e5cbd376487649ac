"""A person's rights over what the portal knows of them: to take it along, and to have it forgotten.

Each app says for its own tables what there is and how it is forgotten, in its rights.py (`holds`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.audit.trail import record
from services.base.public_ids import public_id
from services.base.refusals import Refused
from services.languages.days import written_day
from services.languages.table import SPOKEN


@dataclass(frozen=True, slots=True)
class Holding:
    """What one app knows. `export` gives rows of plain words, in the active language; `erase` forgets them.

    lock: hold in the app's own order all that `erase` changes; it is asked of every app before anything is erased.
    """

    title: Callable[[], str]
    export: Callable[[User], list[dict[str, str]]]
    erase: Callable[[User], None]
    lock: Callable[[User], object] = lambda _user: None


_HOLDINGS: list[Holding] = []


def holds(holding: Holding) -> None:
    """Add what an app knows of people. The accounts' own stands first and goes last: the others find people by it."""
    _HOLDINGS.append(holding)


def export(user: User) -> dict[str, list[dict[str, str]]]:
    """Everything that the portal knows of somebody, by what it is, in the active language; with a line in the trail."""
    record(user, "accounts.export", user, changes=False)
    return {holding.title(): rows for holding in _HOLDINGS if (rows := holding.export(user))}


@transaction.atomic
def erase(user: User) -> None:
    """Forget somebody for good. Refused to who works at the centre: their roles end first."""
    if user.roles:
        raise Refused(_("You work at the centre. Ask an administrator to end your roles first."))
    _lock_all(user)
    for holding in reversed(_HOLDINGS):
        holding.erase(user)
    record(user, "accounts.erase", user, changes=False)


def _lock_all(user: User) -> None:
    """All locks before the first line in the trail: who holds its head waits for nobody. The person comes last."""
    for holding in reversed(_HOLDINGS):
        holding.lock(user)


def _export(user: User) -> list[dict[str, str]]:
    resident = getattr(user, "resident", None)
    words = {
        _("Name"): user.name,
        _("E-mail"): user.email,
        _("Language"): SPOKEN[user.language].own_name if user.language in SPOKEN else "",
        _("Telephone"): resident.phone if resident else "",
        _("Since"): written_day(user.joined_at),
    }
    return [{label: word for label, word in words.items() if word}]


def _lock(user: User) -> None:
    list(User.objects.select_for_update().filter(pk=user.pk))


def _erase(user: User) -> None:
    Resident.objects.filter(user=user).delete()
    try:
        with transaction.atomic():
            user.delete()
    except ProtectedError:  # they worked here once: what they wrote and approved is a public record
        _make_anonymous(user)


def _make_anonymous(user: User) -> None:
    """Leave a row that tells nothing but that it was always the same person."""
    for model in (EmailAddress, Authenticator):
        model.objects.filter(user=user).delete()
    user.email, user.name, user.language = f"left-{public_id()}@left.invalid", "", ""
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save()


holds(Holding(lambda: _("Your account"), _export, _erase, _lock))
