"""manage.py make_administrator EMAIL: create the first administrator, or another if everybody is locked out."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from services.accounts.actions import grant_role, save_user
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.machine_text import clean_email


class Command(BaseCommand):
    """Create an administrator who can sign in at once. Idempotent."""

    help = "Make the person with this email address an administrator; they sign in with a code sent to it."

    def add_arguments(self, parser):
        """Take the email address."""
        parser.add_argument("email")

    def handle(self, *args, email: str, **options):
        """Print the administrator's next steps."""
        try:
            email = clean_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        user = make_administrator(email)
        with translation.override(settings.CITY.default_language):
            address = f"{settings.SITE_URL}{reverse('account_request_login_code')}"
        self.stdout.write(f"{user.email} is an administrator. Next, as that person:")
        self.stdout.write(f"  1. Open {address}, give the address and type in the code that comes by mail.")
        self.stdout.write("  2. Set up the second factor: the portal asks for it before the first staff page.")
        self.stdout.write("  3. On the staff board, open the people and give the others their roles.")


@transaction.atomic
def make_administrator(email: str) -> User:
    """Return a user with the role and a confirmed address: access to the server's command line is proof enough."""
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User(email=email, language=settings.CITY.default_language)
        save_user(user, by=None, changed=["email"])
    elif not user.is_active:
        user.is_active = True
        save_user(user, by=None, changed=["is_active"])
    address, _created = EmailAddress.objects.get_or_create(user=user, email=email)
    address.set_verified()
    address.set_as_primary()
    grant_role(user, Role.ADMINISTRATOR, by=None)
    return user
