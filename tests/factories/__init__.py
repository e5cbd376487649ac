"""Rows for tests. A factory makes what its name says and nothing beside; what matters, the test says itself."""

from tests.factories.accounts import ResidentFactory, UserFactory
from tests.factories.consultations import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    DutyFactory,
    FollowUpFactory,
    HoursFactory,
    ReferralFactory,
    ScheduleFactory,
)
from tests.factories.guide import ArticleFactory, CategoryFactory
from tests.factories.notices import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory, publish

__all__ = [
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
    "ReferralFactory",
    "ResidentFactory",
    "ScheduleFactory",
    "SubscriptionFactory",
    "TopicFactory",
    "UserFactory",
    "publish",
]
