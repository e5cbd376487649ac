"""Every URL of the portal with a real object behind it, and test clients for every role."""

import datetime
import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from consultations.appointments.availability import available_times
from consultations.log.actions import grant_reading
from consultations.models import Amendment, Consultation
from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.base.public_ids import public_id
from services.messaging.models import Heartbeat, Message, Suppression
from services.notices.subscriptions.links import CONFIRM, MANAGE, UNSUBSCRIBE, token_for
from services.registration import links as registrations
from tests.factories.accounts import UserFactory
from tests.factories.consultations import AppointmentFactory, CaseFactory, ConsultationFactory, HoursFactory
from tests.factories.guide import ArticleFactory
from tests.factories.notices import MessageFactory, NoticeFactory, SubscriptionFactory

ANONYMOUS, RESIDENT = "anonymous", "resident"


STAFF = frozenset(Role.values)


# The purposes of the links in a subscription's messages.
PURPOSES = {"notices:confirm": CONFIRM, "notices:manage": MANAGE, "notices:leave": UNSUBSCRIBE}


# The purposes of the links in a registration's messages.
REGISTRATIONS = {
    "registration:show": registrations.MANAGE,
    "registration:answer": registrations.MANAGE,
    "registration:party": registrations.MANAGE,
    "registration:calendar": registrations.VIEW,
    "consultations:booked": registrations.VIEW,
    "consultations:another": registrations.MANAGE,
    "consultations:change": registrations.MANAGE,
}


HOUR = datetime.timedelta(hours=1)


def patterns(found=None, prefix="/", namespace=""):
    """Yield the (name, route) of every URL pattern of the portal."""
    for pattern in get_resolver().url_patterns if found is None else found:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from patterns(pattern.url_patterns, route, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or pattern.pattern}", route


def of_appointments() -> dict[str, dict]:
    """Return the arguments of the appointment URLs, by URL name."""
    appointment, past = AppointmentFactory(), AppointmentFactory(offering__starts_at=timezone.now() - HOUR)
    free = next(it for it in available_times() if it.hours == appointment.offering.slot.hours.public_id)
    time = {"hours": free.hours, "at": free.at, "service": free.service}
    return {
        name: time | {"token": registrations.token_for(appointment, purpose), "verb": "accept"}
        for name, purpose in REGISTRATIONS.items()
    } | {
        "consultations:times": time,
        "consultations:book": time,
        "desk:cancel": {"public_id": AppointmentFactory().public_id},
        "desk:record_call": {"public_id": call_to_make().public_id},
        "desk:record_attendance": {"public_id": past.public_id},
    }


def call_to_make() -> Message:
    """Create a message about a cancelled appointment that could not be sent."""
    appointment = AppointmentFactory(resident__phone="09012345678")
    return MessageFactory(
        kind="consultations/appointment_cancelled_by_centre",
        state="failed",
        resident=appointment.resident,
        about_type=appointment._meta.label_lower,
        about_id=appointment.pk,
    )


@pytest.fixture
def addresses(db):
    """Return the (name, URL) of every page, with real objects behind them."""
    return every_address()


def every_address() -> list[tuple[str, str]]:
    """Create an object for every page; return the pages' (name, URL), with names as in ONLY of tests/test_access.py."""
    article = ArticleFactory(slug="open")
    ArticleFactory(slug="draft", category=article.category, is_published=False)
    Heartbeat.objects.create(worker="test", seen_at=timezone.now())  # otherwise /readyz correctly returns 503
    event, alarm = NoticeFactory(starts_at=timezone.now()), NoticeFactory(emergency=True)
    subscription, person = SubscriptionFactory(), UserFactory(email="another@example.org")
    shut = Suppression.objects.create(
        address="shut@example.org", reason="The email server does not recognise the email address."
    )
    consultation = ConsultationFactory()
    Amendment.objects.create(consultation=consultation, version=1, by=person, before="{}")
    told = {"topic": event.topic.code, "public_id": event.public_id}
    namespaces = {
        "notices": told,
        "newsroom": told | {"pattern": "heat", "language": "en", "key": shut.pk},
        "desk": {"kind": "hours", "public_id": HoursFactory().public_id},
        "cases": {"verb": "write", "public_id": CaseFactory().public_id, "language": "ne"},
        "log": {"public_id": consultation.public_id, "key": public_id(), "version": 1},
        "statistics": {"kind": "csv"},
    }
    own = {name: {"token": token_for(subscription, purpose)} for name, purpose in PURPOSES.items()}
    own |= of_appointments() | {
        "guide:category": {"slug": article.category.slug},
        "guide:article": {"slug": "open"},
        "newsroom:arrived": {"public_id": MessageFactory().public_id},
        "newsroom:add_language": {"public_id": alarm.public_id},
        "notices:alert": {"topic": alarm.topic.code, "public_id": alarm.public_id},
    }
    of_admin = {"accounts": person.pk, "guide_article": article.pk, "guide_category": article.category.pk}
    of_admin["audit"] = AuditEntry.objects.first().pk
    found = []
    for name, route in patterns():
        table = next((key for head, key in of_admin.items() if name.startswith(f"admin:{head}")), 1)
        values = {"object_id": table} | namespaces.get(name.partition(":")[0], {}) | own.get(name, {})
        found.append(
            (name, re.sub(r"<\w+:(\w+)>", lambda slot, values=values: str(values.get(slot[1], slot[0])), route))
        )
    address = dict(found)
    found.append(("guide:article draft", address["guide:article"].replace("open", "draft")))
    found.remove(("admin:app_list", address["admin:app_list"]))
    for app in ("accounts", "audit", "guide"):
        one = re.sub(r"\(\?P<app_label>.*?\)/\$", f"{app}/", address["admin:app_list"])
        found.append((f"admin:app_list {app}", one))
    return [(name, route.replace("/en/", "/ne/", 1)) for name, route in found]


def visit(visitor: str) -> Client:
    """Return a test client signed in as somebody with only that role, or as nobody."""
    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    if visitor != ANONYMOUS:
        user = UserFactory(email=f"{visitor}@example.org", roles=[visitor] if visitor in STAFF else [])
        client.force_login(user)
        for consultation in Consultation.objects.all():  # without the right role, a grant gives no access
            grant_reading(consultation, {user.pk})
    return client
