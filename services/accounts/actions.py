"""Actions on users, residents and roles."""

import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.translation import pgettext

from services.accounts.models import Resident, RoleAssignment, User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused


@transaction.atomic
def grant_role(user: User, role: str, *, by: User | None) -> RoleAssignment:
    """Grant a role. Granting it twice changes nothing. by: None for the portal itself (set-up, demo)."""
    User.objects.select_for_update().get(pk=user.pk)
    grant, made = RoleAssignment.objects.get_or_create(user=user, role=role)
    if made:
        record(by, "accounts.grant", user, fields=[role], changes=False)
    user.__dict__.pop("roles", None)
    return grant


@transaction.atomic
def revoke_role(user: User, role: str, *, by: User | None) -> None:
    """Revoke a role from the next request on. Refused for the last administrator, because nobody could undo it."""
    if role == Role.ADMINISTRATOR:
        _lock_and_require_another_administrator(user)
    deleted, _rows = RoleAssignment.objects.filter(user=user, role=role).delete()
    if deleted:
        record(by, "accounts.revoke", user, fields=[role], changes=False)
    user.__dict__.pop("roles", None)


@transaction.atomic
def create_resident(user: User, *, name: str, language: str) -> Resident:
    """Create the resident of a new user and store the user's name and language."""
    user.name, user.language = name, language
    user.save(update_fields=["name", "language"])
    resident, _made = Resident.objects.get_or_create(
        user=user, defaults={"name": name or user.email, "language": language, "email": user.email}
    )
    record(user, "accounts.welcome", resident, changes=False)
    return resident


def extend_retention(resident: Resident, moment: datetime.datetime) -> None:
    """Keep the details of a resident without an account at least until this moment; then Resident.RETENTION applies."""
    if resident.user_id is None and (resident.needed_until is None or resident.needed_until < moment):
        resident.needed_until = moment
        resident.save(update_fields=["needed_until"])


@transaction.atomic
def forget_unproven_password(user: User) -> None:
    """Discard a password that was set before any email address of the user was verified: a stranger may have set it."""
    verified = EmailAddress.objects.filter(user=user, verified=True)
    if verified.count() <= 1 and user.has_usable_password():  # the one just verified
        user.set_unusable_password()
        user.save(update_fields=["password"])
        record(user, "accounts.forget_password", user, fields=["password"], changes=False)


def prefer_language(user: User | AnonymousUser, language: str) -> None:
    """Store the language that a user has chosen by hand, for messages and the next sign-in."""
    if not user.is_authenticated or user.language == language:
        return  # before the transaction: on SQLite every transaction waits for the only writer
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(language=language)
        Resident.objects.filter(user=user).update(language=language)


@transaction.atomic
def save_user(user: User, *, by: User | None, changed: list[str]) -> User:
    """Save a user as edited by an administrator, who vouches for the email address.

    A new user has no password and signs in with a code. Refused if it would deactivate the last administrator.
    """
    if user.pk is None:
        user.set_unusable_password()
    elif not user.is_active and user.grants.filter(role=Role.ADMINISTRATOR).exists():
        _lock_and_require_another_administrator(user)
    user.email = user.email.lower()
    user.save()
    if "email" in changed:  # django-allauth accepts every stored address at sign-in: the old one must go
        EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})
    record(by, "accounts.save_user", user, fields=changed, changes=False)
    return user


@transaction.atomic
def set_roles(user: User, roles: list[str], *, by: User | None) -> None:
    """Grant and revoke roles until the user has exactly these. Refused where `revoke_role` refuses."""
    current = set(user.grants.values_list("role", flat=True))
    for role in set(roles) - current:
        grant_role(user, role, by=by)
    for role in current - set(roles):
        revoke_role(user, role, by=by)


def _lock_and_require_another_administrator(user: User) -> None:
    """Lock all administrators' role rows, in order, so that two cannot revoke each other's role at the same time."""
    list(RoleAssignment.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk"))
    # A second query, because one that had to wait for the lock still sees the users as they were before.
    if not User.objects.filter(grants__role=Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk).exists():
        raise Refused(
            pgettext("staff", "There must be at least one administrator. Give the role to someone else first.")
        )
