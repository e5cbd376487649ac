"""The portal's settings for tests: demo mode, a database of its own, nothing outside a temporary directory.

With `DATABASE=postgresql`, the first process starts a private PostgreSQL, in which each xdist worker has its own
database. Otherwise SQLite uses a file, because threads cannot share a database in memory.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from portal.environment import VARIABLES

# Variables of the caller's shell must not affect the tests.
for _name in VARIABLES:
    os.environ.pop(_name, None)
_directory = Path(tempfile.mkdtemp(prefix="tabunka-tests-"))
atexit.register(shutil.rmtree, _directory, ignore_errors=True)
# All processes of a run share the first one's directory: tests/support/databases.py.
os.environ.setdefault("TEST_RUN_DIRECTORY", str(_directory))
os.environ["DEMO"] = "1"
os.environ["VAR_DIR"] = str(_directory)
# Browser tests use Playwright, which runs an event loop in the test's own thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

if os.environ.get("DATABASE") == "postgresql":
    if "TEST_DATABASE_URL" not in os.environ:
        from tests.support.servers import postgresql

        _server = postgresql()
        os.environ["TEST_DATABASE_URL"] = _server.__enter__()
        atexit.register(_server.__exit__, None, None, None)
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{_directory / 'tabunka.sqlite3'}"

from portal.settings import *  # noqa: E402, F403
from portal.settings import STATIC_ROOT, STORAGES  # noqa: E402

# The real hasher takes 50 ms per password; tests/accounts/test_passwords.py covers it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Hashed file names need collectstatic; tests/portal/test_run.py covers them.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir()
