"""Signed links to a registration, with which a person sees and changes it without an account."""

import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from services.base.signed_links import is_valid, make_token, unverified_public_id
from services.registration.models import Registration

# MANAGE is only ever sent to the person. VIEW is for the browser that has just registered: it shows what was entered
# there and changes nothing.
MANAGE, VIEW = "registration/manage", "registration/view"
LASTS = {MANAGE: datetime.timedelta(days=400), VIEW: datetime.timedelta(days=2)}


def token_for(registration: Registration, purpose: str) -> str:
    """Return a token for one purpose. It is valid until it expires or the registration's `link_version` changes."""
    return make_token(purpose, registration.public_id, registration.link_version)


def registration_for_token(token: str, purpose: str) -> Registration | None:
    """Return the registration for a valid token; None if the token is not valid for this purpose, or no longer."""
    rows = Registration.objects.select_related("offering", "resident__user")
    registration = rows.filter(public_id=unverified_public_id(token), resident__isnull=False).first()
    if registration and is_valid(token, purpose, registration.link_version, lasts=LASTS[purpose]):
        return registration
    return None


def manage_url(registration: Registration, language: str) -> str:
    """Return the URL at which the person sees and changes their registration and answers an offer."""
    with translation.override(language):
        return settings.SITE_URL + reverse("registration:show", args=[token_for(registration, MANAGE)])
