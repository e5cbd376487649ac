"""The ledger with real workers: Celery, Redis and a mail server in separate processes."""

import json
import os
import signal
from collections import Counter

import pytest
import redis

from services.messaging.leases import BATCH_SIZE
from services.messaging.models import Queue
from tests.support import servers

pytestmark = [pytest.mark.servers, pytest.mark.faults]

WRITE = """
from portal.message_kinds import SIGN_IN_CODE
from services.messaging.outbox import notify
for number in range({count}):
    notify(f"{name}{{number}}@{domain}", SIGN_IN_CODE, language="ne", context={{"code": "X"}},
           guarantee="{guarantee}")
"""
STATES = """
import json
from collections import Counter
from services.messaging.models import Message
print(json.dumps(Counter(Message.objects.filter(address__startswith="{name}").values_list("state", flat=True))))
"""
LEASES_OVER = """
import datetime
from django.utils import timezone
from services.messaging.models import Message, MessageState
ago = timezone.now() - datetime.timedelta(seconds=1)
print(Message.objects.filter(state=MessageState.SENDING).update(leased_until=ago))
"""
TIMED, TOOK = "import time; begun = time.monotonic()", "print(time.monotonic() - begun)"
WAKE = "from services.messaging.outbox import _wake; _wake('personal')"
END_LEASES_AND_DUE = """
from django.utils import timezone
from services.messaging.leases import release_expired_leases
from services.messaging.models import Message
release_expired_leases()
Message.objects.filter(state="waiting").update(due_at=timezone.now())
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A migrated database and a Redis for the portal's processes."""
    path = tmp_path_factory.mktemp("town")
    with servers.database(path) as database_url, servers.redis_server() as redis_url:
        env = servers.environment(VAR_DIR=str(path), DATABASE_URL=database_url, REDIS_URL=redis_url)
        servers.manage("migrate", "-v0", env=env)
        yield env


def write(env, name, count, guarantee="at_least_once", domain="example.org"):
    servers.python(WRITE.format(name=name, count=count, guarantee=guarantee, domain=domain), env)


def states(env, name) -> dict:
    return json.loads(servers.python(STATES.format(name=name), env))


def arrived(sink, name) -> Counter:
    return Counter(address for address in sink.addresses() if address.startswith(name))


def test_two_workers_send_each_mail_once(town):
    with servers.smtp_sink(delay=0.01) as sink:
        env = town | {"EMAIL_URL": sink.url}
        with servers.celery_worker(env, name="one"), servers.celery_worker(env, name="two"):
            write(env, "once", 60)
            servers.wait_until(lambda: sum(arrived(sink, "once").values()) >= 60, what="60 mails")
            servers.wait_until(lambda: states(env, "once") == {"sent": 60}, what="60 rows sent")
        assert arrived(sink, "once") == {f"once{number}@example.org": 1 for number in range(60)}
        message = sink.messages()[0]
        assert message["Content-Language"] == "ne"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("guarantee", ["at_least_once", "at_most_once"])
def test_worker_killed_midway_loses_nothing(town, guarantee):
    """kill -9 while an email is on its way: only that email's outcome is unknown."""
    name, count = guarantee.replace("_", ""), 30
    with servers.smtp_sink(delay=0.15) as sink:
        env = town | {"EMAIL_URL": sink.url}
        write(env, name, count, guarantee)
        with servers.celery_worker(env, name="victim") as worker:
            servers.wait_until(lambda: len(arrived(sink, name)) >= 5, what="some mails")
            os.killpg(worker.process.pid, signal.SIGKILL)
            worker.process.wait()
        before = states(env, name)
        assert before.get("waiting", 0) > 0
        in_flight = int(servers.python(LEASES_OVER, env))
        assert in_flight <= (BATCH_SIZE[Queue.PERSONAL] if guarantee == "at_least_once" else 1)
        servers.python(END_LEASES_AND_DUE, env)
        with servers.celery_worker(env, name="successor"):
            servers.python(WAKE, env)
            servers.wait_until(
                lambda: states(env, name).get("sent", 0) + states(env, name).get("unclear", 0) == count,
                what="the rest",
            )
        after, mails = states(env, name), arrived(sink, name)
        doubled = sum(mails.values()) - len(mails)
        if guarantee == "at_least_once":
            assert after == {"sent": count}
            assert len(mails) == count
            assert doubled <= in_flight
        else:
            assert after.get("unclear", 0) == in_flight
            assert after["sent"] == count - in_flight
            assert doubled == 0
            assert len(mails) >= count - in_flight


def test_redis_that_forgot_everything_loses_no_mail(town):
    """Messages are written while no worker runs, then Redis is flushed: Celery beat's job finds the rows."""
    with servers.smtp_sink() as sink:
        env = town | {"EMAIL_URL": sink.url}
        queues = redis.Redis.from_url(env["REDIS_URL"])
        queues.flushall()  # removes what killed workers left behind
        write(env, "flushed", 10)
        assert queues.llen("personal") == 10
        queues.flushall()
        assert queues.dbsize() == 0
        queues.close()
        with servers.celery_worker(env, name="late"), servers.celery_beat(env):
            servers.wait_until(lambda: len(arrived(sink, "flushed")) == 10, timeout=60, what="the clock's job")
            servers.wait_until(lambda: states(env, "flushed") == {"sent": 10}, what="10 rows sent")
        assert set(arrived(sink, "flushed").values()) == {1}


def test_unreachable_redis_stops_nobody_from_writing(town):
    env = town | {"REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}/0"}
    took = servers.python(
        TIMED + WRITE.format(name="alone", count=2, guarantee="at_least_once", domain="example.org") + TOOK, env
    )
    assert float(took) < 2
    assert states(town, "alone") == {"waiting": 2}


def test_mail_server_refuses_for_good_and_for_now(town):
    with servers.smtp_sink() as sink:
        env = town | {"EMAIL_URL": sink.url}
        for name in ("unknown", "busy", "known"):
            # Each has its own domain, because a busy domain is paused with all its mailboxes.
            write(town | {"REDIS_URL": ""}, name, 1, domain=f"{name}.example.org")
        servers.python("from services.messaging.delivery import deliver_due; deliver_due('test')", env)
        assert [states(env, name) for name in ("unknown", "busy", "known")] == [
            {"failed": 1},
            {"waiting": 1},
            {"sent": 1},
        ]
        assert list(arrived(sink, "known")) == ["known0@known.example.org"]
