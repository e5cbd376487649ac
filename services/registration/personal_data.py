"""What registration knows of somebody with an account: what they have a place for, wait for or had.

So too what was booked with their address without the account: whoever reads the mailbox has its links as well.
"""

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.accounts.rights import Holding, holds
from services.registration.actions import cancel
from services.registration.letters import facts_of
from services.registration.models import Offering, Registration


def _theirs(user: User):
    return Registration.objects.visible_to(user).select_related("offering", "resident").order_by("applied_at")


def _export(user: User) -> list[dict[str, str]]:
    return [_in_words(registration) for registration in _theirs(user)]


def _in_words(registration: Registration) -> dict[str, str]:
    facts = facts_of(registration, get_language())
    words = {
        pgettext("of a registration", "What"): facts.title,
        pgettext("of an event", "When"): facts.when,
        pgettext("of a registration", "State"): str(registration.get_state_display()),
    }
    return words | dict(facts.more) | _who(registration.resident)


def _who(resident: Resident) -> dict[str, str]:
    """Whom it was booked for without an account; else their account says it."""
    if resident.user_id:
        return {}
    words = {_("Name"): resident.name, _("E-mail"): resident.email, _("Telephone"): resident.phone}
    return {label: word for label, word in words.items() if word}


def _lock(user: User) -> None:
    Offering.objects.locked(*_theirs(user).values_list("offering_id", flat=True))
    list(Resident.objects.select_for_update().visible_to(user).order_by("pk"))


def _erase(user: User) -> None:
    """What is to come is cancelled, so that others get the places; what is past counts on without them.

    Who they are is read once: what somebody books with the address while this runs is a booking after it, and stays.
    """
    people = list(Resident.objects.visible_to(user).values_list("pk", flat=True))
    theirs = Registration.objects.filter(resident__in=people)
    for registration in theirs.select_related("offering").order_by("applied_at"):
        if not (registration.has_ended or registration.offering.has_begun()):
            cancel(registration, by=user)
    theirs.update(**Registration.KEEPING.makes)
    Resident.objects.filter(pk__in=people, user__isnull=True).delete()


holds(Holding(lambda: _("What you are registered for"), _export, _erase, _lock))
