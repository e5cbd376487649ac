"""The forms of django-allauth in which people type an email address or a code, and the sign-up form."""

from allauth.account import forms as account
from allauth.account.fields import EmailField
from allauth.mfa.base import forms as second_factor
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from services.accounts.actions import create_resident
from services.base.form_fields import CodeField, LineField
from services.base.machine_text import clean_email


def _minimum_length_text() -> str:
    """Return the minimum length rule for passwords, in words."""
    rules = get_default_password_validators()
    return next(rule.get_help_text() for rule in rules if isinstance(rule, MinimumLengthValidator))


class MailboxField(EmailField):
    """An email address in its one spelling."""

    default_validators = []  # `clean_email` accepts some addresses that Django's validator refuses

    def to_python(self, value):
        """Normalise before the length is validated. Raises ValidationError for text that is not an address."""
        value = super().to_python(value)
        return clean_email(value) if value else value


class MachineTextMixin:
    """Lets the fields of a form of allauth take email addresses and codes as all keyboards write them."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for name, field_class in (("login", MailboxField), ("email", MailboxField), ("code", CodeField)):
            if old := self.fields.get(name):
                self.fields[name] = field_class(label=old.label, widget=old.widget, required=old.required)


class LoginForm(MachineTextMixin, account.LoginForm):
    """Sign in with a password."""


class ResetPasswordForm(MachineTextMixin, account.ResetPasswordForm):
    """Ask for a code to set a new password."""


class AddEmailForm(MachineTextMixin, account.AddEmailForm):
    """Add an email address to an account."""


class ChangeEmailForm(MachineTextMixin, account.ChangeEmailForm):
    """Correct the email address before it is confirmed."""


class RequestLoginCodeForm(MachineTextMixin, account.RequestLoginCodeForm):
    """Ask for a sign-in code."""


class ConfirmLoginCodeForm(MachineTextMixin, account.ConfirmLoginCodeForm):
    """Enter the sign-in code."""


class ConfirmEmailVerificationCodeForm(MachineTextMixin, account.ConfirmEmailVerificationCodeForm):
    """Enter the code that confirms an email address."""


class ConfirmPasswordResetCodeForm(MachineTextMixin, account.ConfirmPasswordResetCodeForm):
    """Enter the code that allows a new password."""


class AuthenticateForm(MachineTextMixin, second_factor.AuthenticateForm):
    """Enter a code of the second factor."""


class ReauthenticateForm(MachineTextMixin, second_factor.ReauthenticateForm):
    """Enter a code of the second factor once more."""


class ActivateForm(MachineTextMixin, ActivateTOTPForm):
    """Enter the first code of an authenticator app."""


class SignUpForm(MachineTextMixin, account.SignupForm):
    """Sign-up form: an account needs only an email address and a name."""

    name = LineField(
        label=_("Your name"),
        max_length=100,
        help_text=_("The name you want to be called by. It does not have to be your official name."),
    )
    field_order = ["name", "email", "password1"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["email"].help_text = _("We will email you a code. You do not need a password.")
        # The other rules are shown only if a password breaks them.
        self.fields["password1"].help_text = _minimum_length_text()

    def custom_signup(self, request, user):
        """Create the resident; django-allauth calls this after it has created the user."""
        create_resident(user, name=self.cleaned_data["name"], language=get_language())
