"""Email addresses and phone numbers as people type them, turned into the one form that is stored."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from services.base.normalisation import clean_code

_PHONE = re.compile(r"\+?[0-9]{8,15}")  # E.164


def clean_email(typed: str) -> str:
    """Return a mailbox's address in lower case: no server in use tells Sita@ from sita@. Raises ValidationError."""
    address = clean_code(typed)
    try:
        validate_email(address)
    except ValidationError as fault:
        raise ValidationError(_("Enter an email address, like name@example.org."), code="email") from fault
    name, _at, _domain = address.rpartition("@")
    if not name.isascii():  # Django's rule lets İ and ſ through, and no server of ours could write to them
        raise ValidationError(_("Enter an email address, like name@example.org."), code="email")
    return address.lower()


def clean_phone(typed: str) -> str:
    """Return a phone number as digits, with a + before a country's code. Raises ValidationError."""
    plain = unicodedata.normalize("NFKC", clean_code(typed))  # ０９０ and (०९०) are digits to the person typing them
    number = re.sub(r"[\s()./-]", "", "".join(str(unicodedata.decimal(mark, mark)) for mark in plain))
    if not _PHONE.fullmatch(number):
        raise ValidationError(_("Enter a phone number, like 090-1234-5678."), code="phone")
    return number
