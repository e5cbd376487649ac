"""The verbs about people."""

import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.translation import pgettext

from services.accounts.models import Grant, Resident, User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused


@transaction.atomic
def grant(user: User, role: str, *, by: User | None) -> Grant:
    """Give the user a role. Giving it twice changes nothing. by: None for the portal itself (set-up, demo)."""
    User.objects.select_for_update().get(pk=user.pk)
    grant, made = Grant.objects.get_or_create(user=user, role=role)
    if made:
        record(by, "accounts.grant", user, fields=[role], changes=False)
    user.__dict__.pop("roles", None)
    return grant


@transaction.atomic
def revoke(user: User, role: str, *, by: User | None) -> None:
    """Take a role away, from the next request on. Refused for the last administrator: nobody could undo it."""
    if role == Role.ADMINISTRATOR:
        _insist_on_another_administrator(user)
    deleted, _rows = Grant.objects.filter(user=user, role=role).delete()
    if deleted:
        record(by, "accounts.revoke", user, fields=[role], changes=False)
    user.__dict__.pop("roles", None)


@transaction.atomic
def welcome(user: User, *, name: str, language: str) -> Resident:
    """Make the new user somebody whom the centre serves, in their language."""
    user.name, user.language = name, language
    user.save(update_fields=["name", "language"])
    resident, _made = Resident.objects.get_or_create(
        user=user, defaults={"name": name or user.email, "language": language, "email": user.email}
    )
    record(user, "accounts.welcome", resident, changes=False)
    return resident


def keep_until(resident: Resident, moment: datetime.datetime) -> None:
    """Somebody without an account is needed until this moment, if not for longer already; what follows is KEEPING's."""
    if resident.user_id is None and (resident.needed_until is None or resident.needed_until < moment):
        resident.needed_until = moment
        resident.save(update_fields=["needed_until"])


@transaction.atomic
def forget_unproven_password(user: User) -> None:
    """Make the password unusable that was set before anybody had proved any address of the user's."""
    proved = EmailAddress.objects.filter(user=user, verified=True)
    if proved.count() <= 1 and user.has_usable_password():  # the one just proved
        user.set_unusable_password()
        user.save(update_fields=["password"])
        record(user, "accounts.forget_password", user, fields=["password"], changes=False)


def prefer_language(user: User | AnonymousUser, language: str) -> None:
    """Remember the language that somebody chose by hand, for notices and the next sign-in."""
    if not user.is_authenticated or user.language == language:
        return  # before the transaction: on SQLite each one waits for the only writer
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(language=language)
        Resident.objects.filter(user=user).update(language=language)


@transaction.atomic
def save_user(user: User, *, by: User | None, changed: list[str]) -> User:
    """Keep a user as edited by an administrator, who answers for the address being theirs.

    A new one has no password and signs in by a code.

    Refused if the last administrator would be made inactive.
    """
    if user.pk is None:
        user.set_unusable_password()
    elif not user.is_active and user.grants.filter(role=Role.ADMINISTRATOR).exists():
        _insist_on_another_administrator(user)
    user.email = user.email.lower()
    user.save()
    if "email" in changed:  # django-allauth signs in by every address that it knows: the old one must not
        EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})
    record(by, "accounts.save_user", user, fields=changed, changes=False)
    return user


@transaction.atomic
def set_roles(user: User, roles: list[str], *, by: User | None) -> None:
    """Give and take roles until the user holds exactly these. Refused as `revoke` refuses."""
    held = set(user.grants.values_list("role", flat=True))
    for role in set(roles) - held:
        grant(user, role, by=by)
    for role in held - set(roles):
        revoke(user, role, by=by)


def _insist_on_another_administrator(user: User) -> None:
    """Lock every administrator's grant, in order, so that two can't take the role from each other at once."""
    list(Grant.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk"))
    # A query of its own: one that waits for the lock goes on seeing people as they were before it waited.
    if not User.objects.filter(grants__role=Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk).exists():
        raise Refused(pgettext("staff", "Somebody must stay administrator. Give the role to another person first."))
