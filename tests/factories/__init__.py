"""Rows for tests. A factory makes what its name says and nothing beside; what matters, the test says itself."""

from tests.factories.accounts import ResidentFactory, UserFactory
from tests.factories.consultations import (
    AppointmentFactory,
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    DutyFactory,
    FollowUpFactory,
    HoursFactory,
    ReferralFactory,
    ScheduleFactory,
    SlotFactory,
)
from tests.factories.guide import ArticleFactory, CategoryFactory
from tests.factories.notices import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory, publish
from tests.factories.registration import OfferingFactory, RegistrationFactory

__all__ = [
    "AppointmentFactory",
    "ArticleFactory",
    "CaseFactory",
    "CategoryFactory",
    "ClientFactory",
    "ConsultationFactory",
    "DutyFactory",
    "FollowUpFactory",
    "HoursFactory",
    "MessageFactory",
    "NoticeFactory",
    "OfferingFactory",
    "ReferralFactory",
    "RegistrationFactory",
    "ResidentFactory",
    "ScheduleFactory",
    "SlotFactory",
    "SubscriptionFactory",
    "TopicFactory",
    "UserFactory",
    "publish",
]
