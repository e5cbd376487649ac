"""What people type about themselves."""

from allauth.account.forms import SignupForm
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from services.accounts.actions import welcome
from services.base.hygiene import LineField


class SignUpForm(SignupForm):
    """An account needs an address and a name to be greeted by, and nothing else."""

    name = LineField(
        label=_("Your name"),
        max_length=100,
        help_text=_("The name you want to be called by. It does not have to be your official name."),
    )
    field_order = ["name", "email", "password1"]

    def custom_signup(self, request, user):
        """Allauth's door for what is ours."""
        welcome(user, name=self.cleaned_data["name"], language=get_language())
