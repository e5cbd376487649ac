"""Run manage.py as in production: `python -m tests.support.production check --deploy --fail-level WARNING`.

Every required variable of portal/environment.py is set, with strong secrets generated for this run.
"""

import base64
import os
import secrets
import sys
import tempfile

from django.core.management import execute_from_command_line

from portal.environment import VARIABLES, Variable

REQUIRED = [name for name, variable in VARIABLES.items() if variable.is_required]
EXAMPLES = {
    "RECORD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "SITE_URL": "https://tabunka.example.org",
    "ALLOWED_HOSTS": "tabunka.example.org",
    "EMAIL_URL": "smtp://portal:password@127.0.0.1:587?tls=1",
    "MAIL_FROM": "Tabunka <noreply@tabunka.example.org>",
}


def variables(directory: str) -> dict[str, str]:
    """Return a complete production environment whose database is a file in the directory."""
    return {name: _value(VARIABLES[name]) for name in REQUIRED} | {
        "DATABASE_URL": f"sqlite:///{directory}/tabunka.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "VAR_DIR": directory,
    }


def _value(variable: Variable) -> str:
    """Return the variable's example, or a strong secret if it has none."""
    return EXAMPLES.get(variable.name) or secrets.token_urlsafe(64)


def main() -> None:
    """Run manage.py's command line."""
    os.environ.pop("DEMO", None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(variables(directory))
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
