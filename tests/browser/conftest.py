"""The real portal with the demo city, and its readers in a real Chromium.

Each xdist worker has one Chromium and one portal. The portal starts as `make run` starts it: migrated, filled, with
static files hashed and compressed, and with background work that sends email. Readers share no cookies. A request to
another host is refused and fails the test.
"""

import contextlib
import itertools
from collections import defaultdict

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import servers
from tests.support.databases import copy_migrated_to
from tests.support.needs import chromium_program
from tests.support.visits import Sessions, Visit

ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-software-rasterizer",
    # No other host is found. Playwright's own routing would pass every request through another process, without cache.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
)
DESKTOP = {"width": 1280, "height": 900}
# Milliseconds. Nothing here takes long once Chromium is running, but a shared machine may stall for a while.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    """Mark every test in this folder as needing a browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium():
    """One Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal(tmp_path_factory, django_db_setup):
    """The whole portal, started by its own command: web, background work, demo city, hashed static files."""
    path, port = tmp_path_factory.mktemp("portal"), servers.free_port()
    copy_migrated_to(path)
    env = servers.environment(VAR_DIR=str(path), PORT=str(port))
    process = servers.start([servers.sys.executable, "manage.py", "run"], env=env, log=path / "log", cwd=servers.ROOT)
    running = servers.Portal(port, process, path / "log")
    try:
        servers.wait_until(lambda: process.poll() is not None or is_ready(running), timeout=60, what="the portal")
        if process.poll() is not None:
            raise RuntimeError(f"The portal ended by itself:\n{running.log.read_text()[-3000:]}")
        yield running
    finally:
        servers.stop(process)


def is_ready(portal: servers.Portal) -> bool:
    """Return whether the portal answers."""
    try:
        return portal.get("/healthz")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def ill_portal(portal, tmp_path_factory):
    """Return a function that starts the web with a broken database: `no tables` answers 503, `no database` 500."""
    with contextlib.ExitStack() as running:
        started = {}

        def make(illness: str) -> servers.Portal:
            if illness not in started:
                path = tmp_path_factory.mktemp("ill")
                (path / "static").symlink_to(portal.log.parent / "static")
                if illness == "no database":
                    (path / "tabunka.sqlite3").write_bytes(b"This file has never been a database. " * 1000)
                started[illness] = running.enter_context(servers.web(servers.environment(VAR_DIR=str(path))))
            return started[illness]

        yield make


@pytest.fixture(scope="session")
def sessions():
    """The sessions of the demo's users in this worker's portal."""
    return Sessions()


@pytest.fixture(scope="session")
def left_tabs(chromium):
    """The tabs that earlier readers have left, by the portal's address, the language and the browser's options.

    A tab that is used again is far quicker than a new one, above all because axe is compiled only once.
    """
    left = defaultdict(list)
    yield left
    for visit in itertools.chain(*left.values()):
        visit.page.context.close()


@pytest.fixture
def visitor(new_visitor, portal, left_tabs):
    """Return a function that starts a new reader's visit, without cookies, in a tab that an earlier reader has left."""
    taken = []

    def make(language: str, *, at: servers.Portal | None = None, **options) -> Visit:
        if at:
            return new_visitor(language, at=at, **options)
        left = left_tabs[portal.url, language, repr(sorted(options.items()))]
        visit = left.pop() if left else new_visitor(language, is_kept=True, **options)
        visit.start_over()
        taken.append((left, visit))
        return visit

    yield make
    for left, visit in taken:
        left.append(visit)
    assert [url for _left, visit in taken for url in visit.strangers] == []


@pytest.fixture
def new_visitor(chromium, portal, sessions):
    """Return a function that starts a new reader's visit in a browser of its own, with an empty cache.

    When the test ends, none may have contacted another host. is_kept: the tab is used again, and not closed.
    """
    visits = []

    def make(language: str, *, at: servers.Portal | None = None, is_kept: bool = False, **options) -> Visit:
        address = (at or portal).url
        options = {"viewport": DESKTOP, "reduced_motion": "reduce"} | options
        # Send only the Accept-Language that the test names.
        context = chromium.new_context(locale=language, base_url=address, **options)
        context.set_default_timeout(PATIENCE)
        visit = Visit(context.new_page(), address, language, sessions)
        if not is_kept:
            visits.append(visit)
        return visit

    yield make
    for visit in visits:
        visit.page.context.close()
    assert [url for visit in visits for url in visit.strangers] == []
