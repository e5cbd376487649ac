"""The desk's rows, inserted directly: without a check for clashes and without audit entries."""

import datetime

import factory
from django.utils import timezone

from consultations.models import (
    Case,
    Client,
    Consultation,
    ConsultationChannel,
    ConsultationMode,
    ConsultationTopic,
    DeskHours,
    DeskService,
    DeskShift,
    FollowUp,
    LanguageSupport,
    Outcome,
    ReadGrant,
    Referral,
    Slot,
)
from services.base.encryption import blind_index
from services.schedules.models import Schedule
from services.schedules.rules import RecurrenceRule
from tests.factories.accounts import UserFactory
from tests.factories.registration import OfferingFactory, RegistrationFactory

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class ScheduleFactory(factory.django.DjangoModelFactory):
    """From 10:00 to 17:00, every day since 2026-01-01. `weekdays=(…)`, `weeks=(…)`, `times=(10, 17)` change that."""

    class Meta:
        model = Schedule

    class Params:
        weekdays = EVERY_DAY
        weeks = ()
        times = (10, 17)

    rule = factory.LazyAttribute(lambda row: str(RecurrenceRule(row.weekdays, row.weeks)))
    first_day = datetime.date(2026, 1, 1)
    begins = factory.LazyAttribute(lambda row: datetime.time(row.times[0]))
    ends = factory.LazyAttribute(lambda row: datetime.time(row.times[1]))


class HoursFactory(factory.django.DjangoModelFactory):
    """Advice in Nepali. Arguments for the schedule have a prefix: `schedule__times=(10, 12)`."""

    class Meta:
        model = DeskHours

    schedule = factory.SubFactory(ScheduleFactory)
    language = "ne"
    modes = factory.LazyFunction(lambda: [ConsultationMode.VISIT, ConsultationMode.PHONE])


class SlotFactory(factory.django.DjangoModelFactory):
    """An appointment slot with a lawyer, a week from now."""

    class Meta:
        model = Slot

    hours = factory.SubFactory(HoursFactory, service=DeskService.LAWYER, language="", by_appointment=True)
    offering = factory.SubFactory(OfferingFactory, is_one_meeting=True)
    starts_at = factory.SelfAttribute("offering.starts_at")
    ends_at = factory.SelfAttribute("offering.ends_at")
    service = factory.SelfAttribute("hours.service")
    language = factory.SelfAttribute("hours.language")
    modes = factory.SelfAttribute("hours.modes")


class AppointmentFactory(RegistrationFactory):
    """An appointment with a lawyer in person, a week from now. `slot__hours=…` sets the hours."""

    class Meta:
        skip_postgeneration_save = True

    offering = factory.SubFactory(OfferingFactory, is_one_meeting=True)
    needs = factory.LazyFunction(lambda: {"how": "visit"})

    @factory.post_generation
    def slot(self, create, slot, **options):
        SlotFactory(offering=self.offering, **options)


class DeskShiftFactory(factory.django.DjangoModelFactory):
    """A shift of an adviser who speaks Nepali."""

    class Meta:
        model = DeskShift

    adviser = factory.SubFactory(UserFactory, roles=["adviser"])
    schedule = factory.SubFactory(ScheduleFactory)
    languages = factory.LazyFunction(lambda: ["ne"])


class ClientFactory(factory.django.DjangoModelFactory):
    """A client known to the desk, who has no safe channel."""

    class Meta:
        model = Client

    name = factory.Sequence(lambda number: f"Client {number}")
    contact = factory.Sequence(lambda number: f"client{number}@example.org")
    name_index = factory.LazyAttribute(lambda row: blind_index(row.name, "name"))
    contact_index = factory.LazyAttribute(lambda row: blind_index(row.contact, "contact"))
    language = "ne"
    last_seen_at = factory.LazyAttribute(lambda _row: timezone.now())


class CaseFactory(factory.django.DjangoModelFactory):
    """An open case of one adviser. `members=[…]` may read it; the assigned adviser always may."""

    class Meta:
        model = Case
        skip_postgeneration_save = True

    subject = "A case"
    language = "ne"
    assigned = factory.SubFactory(UserFactory, roles=["adviser"])

    @factory.post_generation
    def members(self, create, users, **options):
        for user in {self.assigned, *(users or ())}:
            self.members.get_or_create(user=user)


class ConsultationFactory(factory.django.DjangoModelFactory):
    """A ten-minute consultation just now about rubbish, which its adviser may read. `topics=[…]`: primary one first."""

    class Meta:
        model = Consultation
        skip_postgeneration_save = True

    began_at = factory.LazyAttribute(lambda _row: timezone.now())
    month = factory.LazyAttribute(lambda row: timezone.localdate(row.began_at).replace(day=1))
    minutes = 10
    channel = ConsultationChannel.VISIT
    language = "ne"
    language_support = LanguageSupport.ADVISER
    outcome = Outcome.INFO
    note = "A note."
    adviser = factory.SubFactory(UserFactory, roles=["adviser"])

    @factory.post_generation
    def topics(self, create, topics, **options):
        for place, topic in enumerate(topics or ["daily_life"]):
            ConsultationTopic.objects.create(consultation=self, topic=topic, scheme="2026", is_primary=place == 0)

    @factory.post_generation
    def readers(self, create, users, **options):
        for user in {self.adviser, *(users or ())}:
            ReadGrant.objects.create(consultation=self, user=user)


class FollowUpFactory(factory.django.DjangoModelFactory):
    """A follow-up due today in a case, owned by the case's assigned adviser."""

    class Meta:
        model = FollowUp

    case = factory.SubFactory(CaseFactory)
    owner = factory.LazyAttribute(lambda row: row.case.assigned)
    what = "Call back about the lease."
    due_on = factory.LazyAttribute(lambda _row: timezone.localdate())


class ReferralFactory(factory.django.DjangoModelFactory):
    """A draft referral to the school."""

    class Meta:
        model = Referral

    case = factory.SubFactory(CaseFactory)
    by = factory.LazyAttribute(lambda row: row.case.assigned)
    body = "school"
    what = "That her son is nine years old."
    why = "So that he can begin school in April."
    written_in = "en"
