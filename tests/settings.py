"""The portal's settings for tests: demo answers, a database of its own, nothing outside a temporary directory.

`DATABASE=postgresql` runs on a private PostgreSQL that the first process starts and its xdist workers share,
each with databases of its own; else on SQLite, in a file, because threads cannot share one in memory.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# The caller's shell must not decide what the tests see.
for _name in (
    *("CITY", "REDIS_URL", "EMAIL_URL", "MAIL_FROM", "MAIL_BOUNCES", "SMS_URL", "PUSH_URL"),
    *("SITE_URL", "ALLOWED_HOSTS", "BEHIND_PROXY", "PORT"),
):
    os.environ.pop(_name, None)
_directory = Path(tempfile.mkdtemp(prefix="tabunka-tests-"))
atexit.register(shutil.rmtree, _directory, ignore_errors=True)
os.environ["DEMO"] = "1"
os.environ["VAR_DIR"] = str(_directory)
# Tests in Chromium drive Playwright, which runs an event loop in the test's own thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

if os.environ.get("DATABASE") == "postgresql":
    if "TEST_DATABASE_URL" not in os.environ:
        from tests.servers import postgresql

        _server = postgresql()
        os.environ["TEST_DATABASE_URL"] = _server.__enter__()
        atexit.register(_server.__exit__, None, None, None)
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{_directory / 'tabunka.sqlite3'}"

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

if os.environ.get("DATABASE") != "postgresql":
    DATABASES["default"]["TEST"] = {"NAME": str(_directory / "test.sqlite3")}

# The real hasher costs 50 ms a password; tests/accounts/test_passwords.py looks at it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Names with hashes need collectstatic; tests/portal/test_run.py looks at them.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir()
