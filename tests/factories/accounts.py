"""Users and residents."""

import factory
from allauth.account.models import EmailAddress

from services.accounts.actions import grant_role
from services.accounts.models import Resident, User

PASSWORD = "a-long-enough-password"


class UserFactory(factory.django.DjangoModelFactory):
    """A user with a verified email address and PASSWORD. `roles=[…]` are granted with the real action."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"person{number}@example.org")
    name = factory.Sequence(lambda number: f"Person {number}")
    language = "ne"

    @classmethod
    def _create(cls, model_class, *args, **fields):
        user = model_class.objects.create_user(password=PASSWORD, **fields)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
        return user

    @factory.post_generation
    def roles(self, create, roles, **options):
        for role in roles or ():
            grant_role(self, role, by=None)


class ResidentFactory(factory.django.DjangoModelFactory):
    """A resident without an account."""

    class Meta:
        model = Resident

    name = factory.Sequence(lambda number: f"Resident {number}")
    language = "ne"
    email = factory.Sequence(lambda number: f"resident{number}@example.org")
