"""A person's right to download their personal data and to have it deleted (GDPR Art. 15, 17 and 20).

Each app registers, in its own personal_data.py, what it stores about people and how it deletes that.
tests/portal/test_personal_data_complete.py lists every personal field: each is in the download, or a reason is given.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from services.accounts.models import Resident, User
from services.accounts.personal_data_registry import (
    PersonalDataSource,
    export_datetime,
    format_language,
    register_personal_data,
    without_empty,
)
from services.base.public_ids import public_id
from services.languages.dates import format_datetime


def _export_account(user: User) -> list[dict[str, str]]:
    account = {
        _("Name"): user.name,
        _("Email address"): user.email,
        _("Language"): format_language(user.language),
        _("Account created"): format_datetime(user.joined_at),
        pgettext("personal data", "Last sign-in"): export_datetime(user.last_login),
        pgettext("personal data", "Reference number"): user.public_id,
    }
    return [without_empty(account), *_export_addresses(user), *_export_authenticators(user), *_export_roles(user)]


def _export_addresses(user: User) -> list[dict[str, str]]:
    confirmed, unconfirmed = pgettext("personal data", "Confirmed"), pgettext("personal data", "Not confirmed yet")
    yes, no = pgettext("personal data", "Yes"), pgettext("personal data", "No")
    return [
        {
            _("Email address"): address.email,
            pgettext("personal data", "Status"): confirmed if address.verified else unconfirmed,
            pgettext("personal data", "Main email address"): yes if address.primary else no,
        }
        for address in EmailAddress.objects.filter(user=user).order_by("pk")
    ]


def _export_authenticators(user: User) -> list[dict[str, str]]:
    """Return what is recorded of each second step at sign-in, without its secret."""
    return [
        without_empty(
            {
                pgettext("personal data", "Two-factor authentication"): str(row.get_type_display()),
                pgettext("personal data", "Added on"): format_datetime(row.created_at),
                pgettext("personal data", "Last used on"): export_datetime(row.last_used_at),
            }
        )
        for row in Authenticator.objects.filter(user=user).order_by("pk")
    ]


def _export_roles(user: User) -> list[dict[str, str]]:
    return [
        {
            pgettext("personal data", "Staff role"): str(assignment.get_role_display()),
            pgettext("personal data", "Added on"): format_datetime(assignment.granted_at),
        }
        for assignment in user.grants.order_by("pk")
    ]


def _lock_user(user: User) -> None:
    list(User.objects.select_for_update().filter(pk=user.pk))


def _erase_account(user: User) -> None:
    try:
        with transaction.atomic():
            user.delete()
    except ProtectedError:  # a former member of staff: what they wrote and approved is a public record
        _anonymise(user)


def _anonymise(user: User) -> None:
    """Keep only a row that shows that it was always the same person."""
    for model in (EmailAddress, Authenticator):
        model.objects.filter(user=user).delete()
    user.email, user.name, user.language = f"left-{public_id()}@left.invalid", "", ""
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save()


def contact_details_title() -> str:
    """Return the heading of a person's contact details, under which other apps may have some too."""
    return pgettext("personal data", "Your contact details")


def _export_contact_details(user: User) -> list[dict[str, str]]:
    return [_export_resident(resident) for resident in Resident.objects.visible_to(user).order_by("pk")]


def _export_resident(resident: Resident) -> dict[str, str]:
    row = {
        _("Name"): resident.name,
        _("Email address"): resident.email,
        _("Phone number"): resident.phone,
        _("Language"): format_language(resident.language),
        pgettext("personal data", "Added on"): format_datetime(resident.created_at),
        pgettext("personal data", "Needed until"): export_datetime(resident.needed_until),
        pgettext("personal data", "Reference number"): resident.public_id,
    }
    return without_empty(row)


def _erase_contact_details(user: User) -> None:
    """Delete the account's resident. Residents without an account are deleted with their bookings."""
    Resident.objects.filter(user=user).delete()


register_personal_data(PersonalDataSource(lambda: _("Your account"), _export_account, _erase_account, _lock_user))


register_personal_data(PersonalDataSource(contact_details_title, _export_contact_details, _erase_contact_details))
