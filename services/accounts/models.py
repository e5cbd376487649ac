"""Users who sign in, residents who are served, and the roles of staff."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from services.accounts.roles import Role
from services.base.machine_text import MAX_EMAIL_LENGTH, validate_email
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy


class UserManager(BaseUserManager):
    """Creates users with a normalised email address."""

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """Create a user. Without a password, they can only sign in with a code sent by email."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, email):
        """Compare email addresses without case."""
        return self.get(email=email.lower())


class User(AbstractBaseUser):
    """A person who can sign in. Their roles alone decide what they may do."""

    # Without a verified address, the one that was typed may be somebody else's. All other users stay until they ask.
    RETENTION = RetentionPolicy(
        "Signing in. Kept until the person deletes it; a sign-up that nobody confirmed, a week.",
        since="joined_at",
        days=7,
        only=models.Q(last_login__isnull=True, grants__isnull=True) & ~models.Q(emailaddress__verified=True),
    )

    public_id = PublicIdField()
    email = models.CharField(max_length=MAX_EMAIL_LENGTH, unique=True, validators=[validate_email])
    name = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=12, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = EMAIL_FIELD = "email"
    objects = UserManager()

    class Meta:
        ordering = ["email"]

    def __str__(self):
        return self.name or self.email

    @cached_property
    def roles(self) -> frozenset[str]:
        """Return the user's roles. They are read once per request, so a revoked role ends with the next one."""
        return frozenset(self.grants.values_list("role", flat=True)) if self.is_active else frozenset()

    def has_role(self, *roles: str) -> bool:
        """Whether the user has at least one of these roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_desk_staff(self) -> bool:
        """Whether the user has any role, and so a staff dashboard."""
        return bool(self.roles)

    # Required by Django's admin; its classes decide by role (RoleAdmin in services/accounts/admin.py).
    @property
    def is_staff(self) -> bool:
        """Whether the user may enter the admin."""
        return self.has_role(Role.ADMINISTRATOR, Role.EDITOR)

    def has_perm(self, permission, row=None) -> bool:
        """Return False: Django's own permissions are not used."""
        return False

    def has_module_perms(self, app_label) -> bool:
        """Whether the user may enter the admin."""
        return self.is_staff


class RoleAssignment(models.Model):
    """A user's role. Granted and revoked only by accounts.actions, so that there is always an audit entry."""

    RETENTION = RetentionPolicy("What somebody does at the centre. Kept until the role is taken away.")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=Role)
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="accounts_one_grant_a_role"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_known_role"),
        ]

    def __str__(self):
        return self.get_role_display()


class ResidentQuerySet(models.QuerySet):
    """Queries about residents."""

    def visible_to(self, user) -> "ResidentQuerySet":
        """Return the user's own resident, and residents without an account who gave a verified address of the user.

        Staff find people through what they are enrolled in, never in a list of residents.
        """
        if not user.is_authenticated:
            return self.none()
        verified = user.emailaddress_set.filter(verified=True).values_list(Lower("email"))
        without_account = models.Q(user__isnull=True, needed_until__isnull=False, lower_email__in=verified)
        return self.alias(lower_email=Lower("email")).filter(models.Q(user=user) | without_account)


class Resident(models.Model):
    """A person whom the centre serves: a name, a language and at least one way to reach them. Needs no account.

    `contact_channel` and `contact_address`: an address on a channel without a field of its own (services.messaging).
    `needed_until`: the end of the last thing that somebody without an account is registered for (`extend_retention`).
    """

    RETENTION = RetentionPolicy(
        "Serving somebody in their language. With an account until they ask to be forgotten; without, until three "
        "months after what they came for.",
        since="needed_until",
        days=90,
        only=models.Q(user__isnull=True),
    )

    public_id = PublicIdField()
    user = models.OneToOneField(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="resident")
    name = models.CharField(max_length=100)
    language = models.CharField(max_length=12)
    email = models.CharField(max_length=MAX_EMAIL_LENGTH, blank=True, validators=[validate_email])
    phone = models.CharField(max_length=30, blank=True)
    contact_channel = models.CharField(max_length=10, blank=True)
    contact_address = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    needed_until = models.DateTimeField(null=True, blank=True)

    objects = ResidentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(email="")
                | ~models.Q(phone="")
                | ~models.Q(contact_address="")
                | models.Q(user__isnull=False),
                name="accounts_resident_can_be_reached",
            )
        ]

    def __str__(self):
        return self.name
