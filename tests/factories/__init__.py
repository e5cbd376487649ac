"""Rows for tests. A factory creates only what its name says; tests state the values that matter to them."""

from tests.factories.accounts import ResidentFactory, UserFactory
from tests.factories.consultations import (
    AppointmentFactory,
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    DeskShiftFactory,
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
    "DeskShiftFactory",
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
