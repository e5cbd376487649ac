"""What has places, and who has, wants or had one; put straight into the tables."""

import datetime

import factory
from django.utils import timezone

from services.registration.models import Offering, Registration, RegistrationState
from tests.factories.accounts import ResidentFactory


class OfferingFactory(factory.django.DjangoModelFactory):
    """One place for an hour in a week, with a waiting list."""

    class Meta:
        model = Offering

    programme = "consultations/appointment"
    capacity = 1
    starts_at = factory.LazyFunction(lambda: timezone.now() + datetime.timedelta(days=7))
    ends_at = factory.LazyAttribute(lambda row: row.starts_at + datetime.timedelta(hours=1))


class RegistrationFactory(factory.django.DjangoModelFactory):
    """Somebody who has a place."""

    class Meta:
        model = Registration

    offering = factory.SubFactory(OfferingFactory)
    resident = factory.SubFactory(ResidentFactory)
    state = RegistrationState.PLACED
