"""What registration knows of somebody with an account: what they have a place for, wait for or had."""

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.accounts.rights import Holding, holds
from services.registration.actions import cancel
from services.registration.letters import facts_of
from services.registration.models import Offering, Registration


def _theirs(user: User):
    return Registration.objects.visible_to(user).select_related("offering").order_by("applied_at")


def _export(user: User) -> list[dict[str, str]]:
    return [_in_words(registration) for registration in _theirs(user)]


def _in_words(registration: Registration) -> dict[str, str]:
    facts = facts_of(registration, get_language())
    words = {
        pgettext("of a registration", "What"): facts.title,
        pgettext("of an event", "When"): facts.when,
        pgettext("of a registration", "State"): str(registration.get_state_display()),
    }
    return words | dict(facts.more)


def _lock(user: User) -> None:
    Offering.objects.locked(*_theirs(user).values_list("offering_id", flat=True))
    list(Resident.objects.select_for_update().filter(user=user))


def _erase(user: User) -> None:
    """What is to come is cancelled, so that others get the places; what is past counts on without them."""
    for registration in list(_theirs(user)):
        if not (registration.has_ended or registration.offering.has_begun()):
            cancel(registration, by=user)
    _theirs(user).order_by().update(**Registration.KEEPING.makes)


holds(Holding(lambda: _("What you are registered for"), _export, _erase, _lock))
