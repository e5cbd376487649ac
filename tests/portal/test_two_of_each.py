"""Several machines: two web processes and two workers with one PostgreSQL and one Redis act as one portal."""

import http.cookiejar
import urllib.parse
import urllib.request
from collections import Counter

import pytest

from services.accounts.demo import PASSWORD
from tests.support import servers

pytestmark = [pytest.mark.servers, pytest.mark.once, pytest.mark.xdist_group("two of each")]
WITHDRAW = """
from services.guide.actions import withdraw
from services.guide.models import Article
withdraw(Article.objects.get(slug="rubbish"), by=None)
"""


class Browser:
    """Keep cookies and follow redirects; the two machines share one host name, as behind a load balancer."""

    def __init__(self):
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})
        )

    def open(self, portal, path, **typed):
        """Send GET, or POST with the form's own token."""
        if typed:
            page = self.open(portal, path)[1]
            token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            typed["csrfmiddlewaretoken"] = token
        data = urllib.parse.urlencode(typed).encode() if typed else None
        request = urllib.request.Request(f"{portal.url}{path}", data=data, headers={"Host": "localhost"})
        with self.opener.open(request, timeout=30) as response:
            return urllib.parse.urlsplit(response.url).path, response.read().decode()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    path = tmp_path_factory.mktemp("two")
    with servers.postgresql() as database_url, servers.redis_server() as redis_url, servers.smtp_sink() as sink:
        env = servers.environment(VAR_DIR=str(path), DATABASE_URL=database_url, REDIS_URL=redis_url, EMAIL_URL=sink.url)
        for words in (("migrate", "-v0"), ("load_demo", "-v0"), ("collectstatic", "--noinput", "-v0")):
            servers.manage(*words, env=env)
        with servers.web(env) as first, servers.web(env) as second:
            yield env, first, second, sink


def test_change_through_one_is_seen_at_once_by_the_other(town):
    env, first, second, _sink = town
    path = "/ne/guide/article/rubbish/"
    for portal in (first, second, first, second):
        assert portal.get(path)[0] == 200
    servers.python(WITHDRAW, env)
    assert [portal.get(path)[0] for portal in (first, second)] == [404, 404]


def test_session_of_one_works_on_the_other(town):
    _env, first, second, _sink = town
    browser = Browser()
    path, _page = browser.open(first, "/ne/me/login/", login="resident@demo.example", password=PASSWORD)
    assert path == "/ne/me/"
    path, page = browser.open(second, "/ne/me/")
    assert path == "/ne/me/"
    assert "Sita Gurung" in page
    assert browser.open(first, "/ne/me/")[0] == "/ne/me/"


def test_notice_goes_out_once(town):
    env, first, second, sink = town
    with servers.celery_worker(env, name="one"), servers.celery_worker(env, name="two"):
        people = ["translator", "adviser", "teacher", "volunteer", "editor", "manager"]
        for number, person in enumerate(people):
            portal = (first, second)[number % 2]
            path, _page = Browser().open(portal, "/ne/me/login/code/", email=f"{person}@demo.example")
            assert path == "/ne/me/login/code/confirm/"
        servers.wait_until(lambda: len(sink.messages()) >= len(people), what="the mails")
    assert {it: number for it, number in Counter(sink.addresses()).items() if not it.startswith("resident")} == {
        f"{person}@demo.example": 1 for person in people if person != "resident"
    }  # the demo also tells its resident about an appointment


def test_limits_hold_across_machines(town):
    """Password guesses are counted for the whole portal, not for each process."""
    _env, first, second, _sink = town
    for number in range(10):
        Browser().open((first, second)[number % 2], "/ne/me/login/", login="translator@demo.example", password="wrong!")
    for portal in (first, second):
        path, _page = Browser().open(portal, "/ne/me/login/", login="translator@demo.example", password=PASSWORD)
        assert path == "/ne/me/login/"
