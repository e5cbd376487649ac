"""A person's registrations, for their download and for deletion, in every state.

They include bookings made without an account under a verified email address of theirs: whoever can read that mailbox
has the bookings' links as well.
"""

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.accounts.personal_data_registry import (
    PersonalDataSource,
    export_datetime,
    register_personal_data,
    without_empty,
)
from services.registration.actions import cancel
from services.registration.models import Offering, Registration
from services.registration.summaries import needs_of, summary_of


def _registrations_of(user: User):
    return Registration.objects.visible_to(user).select_related("offering", "resident").order_by("applied_at", "pk")


def _export(user: User) -> list[dict[str, str]]:
    return [_export_row(registration) for registration in _registrations_of(user)]


def _export_row(registration: Registration) -> dict[str, str]:
    """Return everything that is stored, whatever the state: a message tells less to someone without a place."""
    summary = summary_of(registration, get_language())
    row = {
        pgettext("of a registration", "Booking"): summary.title,
        pgettext("of an event", "When"): summary.when,
        pgettext("of a registration", "Status"): str(registration.get_state_display()),
        **_export_history(registration),
        **needs_of(registration).export(),
        **_export_contact_details(registration.resident),
    }
    return without_empty(row)


def _export_history(registration: Registration) -> dict[str, str]:
    position = registration.drawn_as
    return {
        pgettext("personal data", "Reference number"): registration.public_id,
        pgettext("personal data", "Registered on"): export_datetime(registration.applied_at),
        pgettext("personal data", "Number of people"): str(registration.party_size),
        pgettext("personal data", "Position in the draw"): "" if position is None else str(position),
        pgettext("personal data", "Reply by"): export_datetime(registration.offered_until),
        pgettext("personal data", "Ended on"): export_datetime(registration.ended_at),
        pgettext("personal data", "Attendance"): _export_attendance(registration),
        pgettext("personal data", "Number of changes"): str(registration.sequence),
    }


def _export_attendance(registration: Registration) -> str:
    came, party_size = registration.attendees, registration.party_size
    if came is None:
        return ""
    if came == 0:
        return pgettext("personal data", "You did not attend")
    attended = pgettext("personal data", "You attended")
    return attended if came == party_size else f"{attended} ({came}/{party_size})"


def _export_contact_details(resident: Resident) -> dict[str, str]:
    """Return who a booking without an account is for. Otherwise the account has these details."""
    if resident.user_id:
        return {}
    return {
        _("Name"): resident.name,
        _("Email address"): resident.email,
        _("Phone number"): resident.phone,
        _("Your contact details"): resident.contact_address,
    }


def _lock(user: User) -> None:
    Offering.objects.locked(*_registrations_of(user).values_list("offering_id", flat=True))
    list(Resident.objects.select_for_update().visible_to(user).order_by("pk"))


def _erase(user: User) -> None:
    """Cancel what is still to come, so that others get the places, and anonymise all registrations.

    The list of residents is read once. A booking made with the email address while this runs counts as made afterwards,
    and stays.
    """
    residents = list(Resident.objects.visible_to(user).values_list("pk", flat=True))
    registrations = Registration.objects.filter(resident__in=residents)
    for registration in registrations.select_related("offering").order_by("applied_at"):
        if not (registration.has_ended or registration.offering.has_begun()):
            cancel(registration, by=user)
    registrations.update(**Registration.RETENTION.anonymise)
    Resident.objects.filter(pk__in=residents, user__isnull=True).delete()


register_personal_data(PersonalDataSource(lambda: _("Your bookings and registrations"), _export, _erase, _lock))
