"""The sign-up form."""

from allauth.account.forms import SignupForm
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from services.accounts.actions import create_resident
from services.base.form_fields import LineField


def _minimum_length_text() -> str:
    """Return the minimum length rule for passwords, in words."""
    rules = get_default_password_validators()
    return next(rule.get_help_text() for rule in rules if isinstance(rule, MinimumLengthValidator))


class SignUpForm(SignupForm):
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
