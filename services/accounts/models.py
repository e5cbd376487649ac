"""People: who signs in, who is served, who may do what."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from services.accounts.roles import Role
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField


class UserManager(BaseUserManager):
    """Makes users with a clean address."""

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """A new user; without a password only a code by e-mail signs them in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, email):
        """Addresses are compared without case."""
        return self.get(email=email.lower())


class User(AbstractBaseUser):
    """Somebody who can sign in. What they may do is their roles and nothing else."""

    # Who never proved an address may have typed somebody else's. Everybody else is kept until they ask.
    KEEPING = Keeping(
        "Signing in. Kept until the person deletes it; a sign-up that nobody confirmed, a week.",
        since="joined_at",
        days=7,
        only=models.Q(last_login__isnull=True, grants__isnull=True) & ~models.Q(emailaddress__verified=True),
    )

    public_id = PublicIdField()
    email = models.EmailField(unique=True)
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
        """Read anew in each request, so a role taken away works on the next one."""
        return frozenset(self.grants.values_list("role", flat=True)) if self.is_active else frozenset()

    def has_role(self, *roles: str) -> bool:
        """Whether the user holds at least one of them."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_desk_staff(self) -> bool:
        """Whether they have any role, and so a board of their own."""
        return bool(self.roles)

    # What Django's admin asks; the admin's classes decide by role (RoleAdmin in services/accounts/admin.py).
    @property
    def is_staff(self) -> bool:
        """Whether the admin lets them in at all."""
        return self.has_role(Role.ADMINISTRATOR, Role.EDITOR)

    def has_perm(self, permission, row=None) -> bool:
        """Django's own permissions are not used."""
        return False

    def has_module_perms(self, app_label) -> bool:
        """Only whoever the admin lets in at all."""
        return self.is_staff


class Grant(models.Model):
    """A role that somebody holds. Given and taken by accounts.actions only, so that the trail knows."""

    KEEPING = Keeping("What somebody does at the centre. Kept until the role is taken away.")

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
    """Questions about the people whom the centre serves."""

    def visible_to(self, user) -> "ResidentQuerySet":
        """Themselves, and who came without an account and gave an address that the user has proved to be theirs.

        Staff find people through what they are enrolled in, never by a list.
        """
        if not user.is_authenticated:
            return self.none()
        proved = user.emailaddress_set.filter(verified=True).values_list(Lower("email"))
        came = models.Q(user__isnull=True, needed_until__isnull=False, lower_email__in=proved)
        return self.alias(lower_email=Lower("email")).filter(models.Q(user=user) | came)


class Resident(models.Model):
    """Somebody whom the centre serves: a name, a language and one way to reach them. Needs no account.

    `needed_until`: when the last thing is over that somebody without an account came for (`keep_until`).
    """

    KEEPING = Keeping(
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
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    needed_until = models.DateTimeField(null=True, blank=True)

    objects = ResidentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(email="") | ~models.Q(phone="") | models.Q(user__isnull=False),
                name="accounts_resident_can_be_reached",
            )
        ]

    def __str__(self):
        return self.name
