"""What people type about themselves."""

from allauth.account.forms import SignupForm
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from services.accounts.actions import welcome
from services.base.hygiene import LineField


def _how_long() -> str:
    """The one rule of passwords that everybody has to know."""
    rules = get_default_password_validators()
    return next(rule.get_help_text() for rule in rules if isinstance(rule, MinimumLengthValidator))


class SignUpForm(SignupForm):
    """An account needs an address and a name to be greeted by, and nothing else."""

    name = LineField(
        label=_("Your name"),
        max_length=100,
        help_text=_("The name you want to be called by. It does not have to be your official name."),
    )
    field_order = ["name", "email", "password1"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["email"].help_text = _("We send you a code by e-mail. You need no password.")
        # The other rules are told to whom they concern.
        self.fields["password1"].help_text = _how_long()

    def custom_signup(self, request, user):
        """Allauth's door for what is ours."""
        welcome(user, name=self.cleaned_data["name"], language=get_language())
