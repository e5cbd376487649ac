"""Two thousand messages while workers, Redis, PostgreSQL and mail servers die: nothing is lost.

All servers run in separate processes. For what the tests show, see docs/adr/0010-notices.md, "What can be promised".
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass
from http.cookiejar import CookieJar

import psycopg2
import pytest
import redis

from portal.celery import app
from tests.support import servers

pytestmark = [pytest.mark.servers, pytest.mark.faults]

COUNT, KILLS = 2000, 3
WRITE = """
from django.db import transaction
from portal.message_kinds import ADDRESS_KNOWN
from services.messaging.outbox import notify
with transaction.atomic():
    for number in range({count}):
        notify(f"{name}{{number}}{domain}", ADDRESS_KNOWN, language="ne", channel="{channel}",
               queue={queue}, guarantee="{guarantee}")
"""
BULK, PERSONAL = 3, 2
DELIVER_UNTIL_TOLD = """
import signal, threading
from portal.embedded_worker import run_until_stopped
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_told: stop.set())
run_until_stopped(stop)
"""
NEWS_FOR_A_HUNDRED = """
from django.utils import timezone
from tests.factories import NoticeFactory, SubscriptionFactory, TopicFactory, UserFactory
from services.notices.news.approval import approve, submit
topic = TopicFactory(code="two-beats", position=99)
for number in range(100):
    SubscriptionFactory(address=f"beats{number}@example.org", topics=[topic])
notice = NoticeFactory(topic=topic, is_published=False)
submit(notice, by=notice.author)
approve(notice, by=UserFactory())
"""


SEEN = "from services.messaging.models import Heartbeat; print(*Heartbeat.objects.values_list('worker', flat=True))"
PLAIN = {"channel": "email", "queue": PERSONAL, "guarantee": "at_least_once"}


@dataclass
class Ledger:
    """The database, read without the portal's code; each query opens a new connection, as the server may have died."""

    url: str

    def ask(self, sql: str, *values) -> list[tuple]:
        """Return a query's rows, or none for a change."""
        with contextlib.closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def states(self, name: str) -> dict[str, int]:
        """Return the number of messages in each state."""
        return dict(
            self.ask("SELECT state, count(*) FROM messaging_message WHERE address LIKE %s GROUP BY state", f"{name}%")
        )

    def unclear(self) -> set[str]:
        """Return the addresses of the messages on the staff's list."""
        return {address for (address,) in self.ask("SELECT address FROM messaging_message WHERE state = 'unclear'")}

    def as_if_leases_were_over(self) -> int:
        """End the two-minute leases of lost workers; return how many rows were in flight."""
        over = "UPDATE messaging_message SET leased_until = now() - interval '1 s' WHERE state = 'sending' RETURNING 1"
        return len(self.ask(over))

    def as_if_pauses_were_over(self) -> None:
        """Make messages that wait for their next attempt due now."""
        self.ask("UPDATE messaging_message SET due_at = now() WHERE state = 'waiting' AND attempts > 0")


def wake(broker: str, queue: str, times: int = 1) -> None:
    """Tell the Celery workers on this Redis that there are messages to deliver."""
    with app.connection_for_write(url=broker) as connection:
        for _ in range(times):
            app.send_task("services.messaging.tasks.deliver_due", queue=queue, connection=connection)


@dataclass
class Town:
    """The servers that a portal in production needs."""

    database: servers.Server
    redis: servers.Server
    ledger: Ledger
    env: dict[str, str]

    def write(
        self, name, count=COUNT, *, guarantee="at_least_once", queue=BULK, channel="email", domain="@example.org"
    ):
        """Put messages into the ledger without waking a worker."""
        code = WRITE.format(name=name, count=count, guarantee=guarantee, queue=queue, channel=channel, domain=domain)
        servers.python(code, self.env | {"REDIS_URL": ""})

    def wake(self, times: int = 2, queue: str = "bulk") -> None:
        """Wake workers, as a transaction that wrote messages does."""
        wake(self.redis.url, queue, times)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A migrated PostgreSQL and a Redis that may be killed."""
    path = tmp_path_factory.mktemp("town")
    with servers.postgresql_server(keeps_commits=True) as database, servers.restartable_redis() as broker:
        env = servers.environment(VAR_DIR=str(path), DATABASE_URL=database.url, REDIS_URL=broker.url)
        servers.manage("migrate", "-v0", env=env)
        yield Town(database, broker, Ledger(database.url), env)


@pytest.fixture(autouse=True)
def _nothing_from_before(town):
    """Remove messages and wake-ups of the previous test."""
    town.ledger.ask("TRUNCATE messaging_message, messaging_domainbackoff")
    with contextlib.closing(redis.Redis.from_url(town.redis.url)) as queues:
        queues.flushall()


@contextlib.contextmanager
def two_workers(env):
    with servers.celery_worker(env, name="one") as one, servers.celery_worker(env, name="two") as two:
        yield one, two


def kill(workers) -> None:
    for worker in workers:
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()


def kill_three_times(town, env, name, arrived) -> int:
    """Kill both workers at random moments; return the total number of messages in flight."""
    in_flight = 0
    for _ in range(KILLS):
        goal = arrived() + random.randint(100, 400)
        with two_workers(env) as workers:
            town.wake()
            servers.wait_until(lambda: arrived() >= goal, timeout=60, what=f"{goal} messages")  # noqa: B023
            kill(workers)
        assert town.ledger.states(name)["waiting"] > 0
        in_flight += town.ledger.as_if_leases_were_over()
    return in_flight


def finish(town, env, name) -> None:
    """Let new workers send the rest, including the lost workers' rows."""
    with two_workers(env):
        town.wake(4)
        servers.wait_until(lambda: "sending" not in town.ledger.states(name), timeout=60, what="what was lost")
        town.ledger.as_if_pauses_were_over()
        town.wake(4)
        servers.wait_until(lambda: set(town.ledger.states(name)) <= {"sent", "unclear"}, timeout=60, what="the rest")


def insist_that_each_arrived(addresses, names, *, may_double=0, unclear=frozenset()) -> None:
    """Check that only messages listed as unclear are lost, and that there are no more extra copies than allowed."""
    arrived = Counter(addresses)
    assert set(names) - set(arrived) <= unclear
    assert set(arrived) <= set(names)
    assert arrived.total() - len(arrived) <= may_double


def everybody(name, count=COUNT, domain="@example.org") -> set[str]:
    return {f"{name}{number}{domain}" for number in range(count)}


def test_killed_workers_lose_nothing_that_must_arrive(town):
    with servers.smtp_sink(delay=0.004) as sink:
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("arrive")
        in_flight = kill_three_times(town, env, "arrive", lambda: sink.count)
        finish(town, env, "arrive")
        assert town.ledger.states("arrive") == {"sent": COUNT}
        insist_that_each_arrived(sink.addresses(), everybody("arrive"), may_double=in_flight)
    assert in_flight <= KILLS * 2 * 100  # two workers with a batch each


def test_killed_workers_repeat_nothing_that_must_not(town):
    with servers.smtp_sink(delay=0.004) as sink:
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("norepeat", guarantee="at_most_once")
        in_flight = kill_three_times(town, env, "norepeat", lambda: sink.count)
        finish(town, env, "norepeat")
        unclear = town.ledger.unclear()
        assert len(unclear) == in_flight <= KILLS * 2
        assert town.ledger.states("norepeat").get("sent") == COUNT - in_flight
        insist_that_each_arrived(sink.addresses(), everybody("norepeat"), unclear=unclear)


def test_killed_workers_and_a_provider_with_a_key_lose_and_repeat_nothing(town):
    with servers.provider(delay=0.004) as provider:
        env = town.env | {"PUSH_URL": provider.url}
        town.write("U", guarantee="at_most_once", channel="push", domain="")
        in_flight = kill_three_times(town, env, "U", lambda: len(provider.requests()))
        finish(town, env, "U")
        assert town.ledger.states("U") == {"sent": COUNT}
        insist_that_each_arrived([words["to"] for words in provider.accepted()], everybody("U", domain=""))
        assert len(provider.requests()) - COUNT <= in_flight


def test_worker_without_a_claim_fails_the_same_test(town):
    """Negative control: two careless workers at once."""
    with servers.smtp_sink(delay=0.004) as sink:
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("careless", 200)
        code = "from tests.support.careless_worker import deliver; deliver()"
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
        careless = [servers.start(command, env=env, cwd=servers.ROOT) for _ in range(2)]
        for process in careless:
            assert process.wait(60) == 0
            servers.stop(process)
        assert town.ledger.states("careless") == {"sent": 200}
        with pytest.raises(AssertionError):
            insist_that_each_arrived(sink.addresses(), everybody("careless", 200))


def test_redis_flushed_and_killed_three_times_loses_and_repeats_nothing(town):
    """The rest is also sent within a minute of the last failure, without help."""
    with servers.smtp_sink(delay=0.004) as sink, servers.celery_beat(town.env):
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("forgot")
        with two_workers(env) as workers:
            town.wake()
            for number in range(KILLS):
                servers.wait_until(lambda: sink.count >= 100 + 300 * number, timeout=60, what="some messages")  # noqa: B023
                with contextlib.closing(redis.Redis.from_url(town.redis.url)) as queues:
                    queues.flushall()
                town.redis.kill()
                time.sleep(1)
                town.redis.start()
            began = time.monotonic()
            servers.wait_until(lambda: town.ledger.states("forgot") == {"sent": COUNT}, timeout=60, what="the rest")
            print(f"caught up after {time.monotonic() - began:.0f} s")  # noqa: T201
            assert [worker.process.poll() for worker in workers] == [None, None]
        insist_that_each_arrived(sink.addresses(), everybody("forgot"))


def test_wakes_that_redis_forgot_are_found_by_the_clock(town):
    """Redis is flushed but stays up, so Celery assumes that its queues exist; beat's wake-ups still arrive."""
    with servers.smtp_sink() as sink, servers.celery_beat(town.env):
        env = town.env | {"EMAIL_URL": sink.url}
        with two_workers(env):
            town.wake()
            with contextlib.closing(redis.Redis.from_url(town.redis.url)) as queues:
                queues.flushall()
            town.write("quiet", 100)
            servers.wait_until(lambda: town.ledger.states("quiet") == {"sent": 100}, timeout=60, what="the clock")
        insist_that_each_arrived(sink.addresses(), everybody("quiet", 100))


def test_postgresql_stopped_at_once_loses_nothing_and_workers_come_back(town):
    with servers.smtp_sink(delay=0.004) as sink, servers.celery_beat(town.env) as beat:
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("stopped")
        with two_workers(env) as workers:
            town.wake()
            servers.wait_until(
                lambda: sink.count >= 300 and "sending" in town.ledger.states("stopped"),
                timeout=60,
                what="a batch on its way",
            )
            town.database.kill(signal.SIGQUIT)
            assert sink.count < COUNT  # stopped halfway through
            time.sleep(2)
            town.database.start()
            in_flight = town.ledger.as_if_leases_were_over()
            # Celery beat wakes them; messages that were in flight wait for their next attempt.
            servers.wait_until(lambda: "sending" not in town.ledger.states("stopped"), timeout=90, what="the workers")
            town.ledger.as_if_pauses_were_over()
            servers.wait_until(lambda: town.ledger.states("stopped") == {"sent": COUNT}, timeout=90, what="the rest")
            assert [process.poll() for process in (*(worker.process for worker in workers), beat.process)] == [None] * 3
        insist_that_each_arrived(sink.addresses(), everybody("stopped"), may_double=in_flight)
    assert in_flight <= 2 * 100


def test_two_beats_begin_and_tell_everything_once(town):
    with servers.smtp_sink() as sink:
        env = town.env | {"EMAIL_URL": sink.url}
        servers.python(NEWS_FOR_A_HUNDRED, town.env | {"REDIS_URL": ""})
        with two_workers(env), servers.celery_beat(env), servers.celery_beat(env):
            servers.wait_until(lambda: sink.count >= 100, timeout=90, what="the news")
        assert town.ledger.states("beats") == {"sent": 100}
        insist_that_each_arrived(sink.addresses(), everybody("beats", 100))


def test_personal_message_overtakes_bulk_at_a_slow_mail_server(town):
    with servers.smtp_sink(delay=1) as sink:
        env = town.env | {"EMAIL_URL": sink.url}
        town.write("slow", 200)
        with servers.celery_worker(env):
            town.wake(1)
            servers.wait_until(lambda: sink.count >= 2, timeout=60, what="some bulk")
            town.write("hurry", 1, queue=PERSONAL)
            began = time.monotonic()
            servers.wait_until(lambda: town.ledger.states("hurry") == {"sent": 1}, timeout=10, what="the personal one")
            took = time.monotonic() - began
        assert took < 10
        assert "hurry0@example.org" in sink.addresses()
        assert town.ledger.states("slow")["sent"] < 50


@contextlib.contextmanager
def mail_server_that_never_answers():
    """Yield the URL of a server that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("is_there", [True, False])
def test_dead_mail_server_keeps_no_page_waiting(town, is_there):
    """A request for a sign-in code is answered at once, and the message waits in the ledger."""
    with mail_server_that_never_answers() as silent:
        env = town.env | {"EMAIL_URL": silent if is_there else f"smtp://127.0.0.1:{servers.free_port()}"}
        servers.manage("collectstatic", "--noinput", "-v0", env=env)
        with servers.celery_worker(env), servers.web(env) as portal:
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            form = f"{portal.url}/en/me/login/code/"
            page = browser.open(form, timeout=20).read().decode()
            secret = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
            words = urllib.parse.urlencode({"csrfmiddlewaretoken": secret, "email": "nobody@example.org"}).encode()
            took = []
            began = time.monotonic()
            assert browser.open(urllib.request.Request(form, words), timeout=20).status == 200
            took.append(time.monotonic() - began)
            for _ in range(20):
                began = time.monotonic()
                assert portal.get("/en/")[0] == 200
                took.append(time.monotonic() - began)
        assert max(took) < 1
        assert town.ledger.states("nobody").keys() <= {"waiting", "sending"}
        assert sum(town.ledger.states("nobody").values()) == 1


@contextlib.contextmanager
def standing_still(process):
    """Suspend the process until the block ends."""
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGCONT)


def test_three_doors_at_once_send_each_message_once(tmp_path):
    """Run Celery, the embedded thread and cron on one ledger, in either database.

    The first two would send everything before cron starts. So until cron has sent something, nobody wakes Celery and
    the thread is suspended.
    """
    with servers.database(tmp_path) as url, servers.redis_server() as broker, servers.smtp_sink(delay=0.01) as sink:
        env = servers.environment(VAR_DIR=str(tmp_path), DATABASE_URL=url, REDIS_URL=broker, EMAIL_URL=sink.url)
        servers.manage("migrate", "-v0", env=env)
        shell = [sys.executable, "manage.py", "shell", "-v0", "-c", DELIVER_UNTIL_TOLD]
        with servers.celery_worker(env):
            embedded = servers.start(shell, env=env | {"REDIS_URL": ""}, cwd=servers.ROOT)
            servers.wait_until(lambda: "embedded" in servers.python(SEEN, env), what="the embedded worker")
            with (tmp_path / "told").open("wb") as told:
                with standing_still(embedded):
                    messages = WRITE.format(name="door", count=600, domain="@example.org", **PLAIN)
                    servers.python(messages, env | {"REDIS_URL": ""})
                    cron = subprocess.Popen(
                        [sys.executable, "manage.py", "deliver", "--for", "20"], env=env, cwd=servers.ROOT, stdout=told
                    )
                    servers.wait_until(lambda: sink.count or cron.poll() is not None, what="cron's first message")
                    wake(broker, "personal")
                servers.wait_until(lambda: sink.count >= 600, what="600 messages")
                assert cron.wait(60) == 0
            embedded.terminate()
            assert embedded.wait(60) == 0
            servers.stop(embedded)
        insist_that_each_arrived(sink.addresses(), everybody("door", 600))
        assert {seen.partition("-")[0] for seen in servers.python(SEEN, env).split()} == {
            "cron", "embedded", socket.gethostname().partition("-")[0],
        }  # fmt: skip
        assert int((tmp_path / "told").read_text("utf-8").split()[1]) > 0
