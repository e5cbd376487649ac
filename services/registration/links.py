"""The signed links of a registration: to see and change it without an account."""

import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from services.base.signed_links import is_good, make_token, named_in
from services.registration.models import Registration

MANAGE, SEEN = "registration/manage", "registration/seen"
# MANAGE is only ever sent to the person. SEEN is for the browser that has just registered: it shows what was typed
# there, and changes nothing.
LASTS = {MANAGE: datetime.timedelta(days=400), SEEN: datetime.timedelta(days=2)}


def token_for(registration: Registration, purpose: str) -> str:
    """A token that opens one thing, as long as the registration has the key that it has now."""
    return make_token(purpose, registration.public_id, registration.key)


def registration_behind(token: str, purpose: str) -> Registration | None:
    """The registration that a token opens for this purpose; None if it opens nothing (any more)."""
    rows = Registration.objects.select_related("offering", "resident__user")
    registration = rows.filter(public_id=named_in(token), resident__isnull=False).first()
    if registration and is_good(token, purpose, registration.key, lasts=LASTS[purpose]):
        return registration
    return None


def manage_url(registration: Registration, language: str) -> str:
    """Where the person sees their registration, changes it, answers an offer."""
    with translation.override(language):
        return settings.SITE_URL + reverse("registration:show", args=[token_for(registration, MANAGE)])
