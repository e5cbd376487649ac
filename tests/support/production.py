"""manage.py as in production: `python -m tests.production check --deploy --fail-level WARNING`.

Every variable that docs/deploy.md demands is told, with strong secrets made for this one run.
"""

import base64
import os
import secrets
import sys
import tempfile

from django.core.management import execute_from_command_line


def variables(directory: str) -> dict[str, str]:
    """A whole production environment whose database is a file in the directory."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "AUDIT_KEY": secrets.token_urlsafe(64),
        "RECORD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "SITE_URL": "https://tabunka.example.org",
        "ALLOWED_HOSTS": "tabunka.example.org",
        "EMAIL_URL": "smtp://portal:password@127.0.0.1:587?tls=1",
        "MAIL_FROM": "Tabunka <noreply@tabunka.example.org>",
        "DATABASE_URL": f"sqlite:///{directory}/tabunka.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "VAR_DIR": directory,
    }


def main() -> None:
    """Run manage.py's command line."""
    os.environ.pop("DEMO", None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(variables(directory))
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
