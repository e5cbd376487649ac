"""Offerings with places, and registrations for them; inserted directly."""

import datetime

import factory
from django.utils import timezone

from services.registration.models import Offering, Registration, RegistrationState
from tests.factories.accounts import ResidentFactory


class OfferingFactory(factory.django.DjangoModelFactory):
    """An hour with one place, a week from now, with a waiting list."""

    class Meta:
        model = Offering

    programme = "consultations/appointment"
    capacity = 1
    starts_at = factory.LazyFunction(lambda: timezone.now() + datetime.timedelta(days=7))
    ends_at = factory.LazyAttribute(lambda row: row.starts_at + datetime.timedelta(hours=1))


class RegistrationFactory(factory.django.DjangoModelFactory):
    """A registration of somebody who has a place."""

    class Meta:
        model = Registration

    offering = factory.SubFactory(OfferingFactory)
    resident = factory.SubFactory(ResidentFactory)
    state = RegistrationState.PLACED
