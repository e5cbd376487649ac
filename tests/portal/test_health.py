"""Health checks by machines: alive, and ready."""

import datetime

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from services.messaging.delivery import deliver_due
from services.messaging.models import Heartbeat
from tests.factories import MessageFactory

READY = {"database": True, "migrations": True, "worker": True, "waiting": True}


def test_alive_asks_no_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"alive": True})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_everything_is_there(client):
    deliver_due(worker="test")
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY)


@pytest.mark.django_db
def test_not_ready_without_a_worker(client):
    assert client.get("/readyz").json() == READY | {"worker": False}
    Heartbeat.objects.create(worker="old", seen_at=timezone.now() - datetime.timedelta(minutes=3))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, READY | {"worker": False})


@pytest.mark.django_db
def test_not_ready_when_something_waits_too_long(client):
    deliver_due(worker="test")
    MessageFactory(due_at=timezone.now() - datetime.timedelta(minutes=9))
    assert client.get("/readyz").status_code == 200
    MessageFactory(due_at=timezone.now() - datetime.timedelta(minutes=11))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, READY | {"waiting": False})


@pytest.mark.django_db
def test_not_ready_before_the_migrations(client):
    deliver_due(worker="test")
    MigrationRecorder.Migration.objects.filter(app="notices").delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, READY | {"migrations": False})


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_a_database(client, unreachable_database):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"database": False})
    assert client.get("/healthz").status_code == 200
    assert connections["default"].settings_dict is not None
