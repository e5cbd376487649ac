"""The environment variables that configure the portal: the one list for settings, documents and tests.

docs/deploy.md explains them at length; a test compares its table with this one. No module but this one reads them.
"""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable.

    `purpose` completes the sentence "It …". `default` applies where nothing is set; `demo` instead of it in the demo.
    `is_required`: outside the demo the portal does not start without it. `is_web_service`: the URL of a provider, from
    which portal/settings.py makes a setting of the same name.
    """

    name: str
    purpose: str
    default: str = ""
    demo: str = ""
    is_required: bool = False
    is_secret: bool = False
    is_web_service: bool = False


_TABLE = (
    Variable("SECRET_KEY", "signs sessions, codes and links", is_required=True, is_secret=True),
    Variable("AUDIT_KEY", "authenticates the audit trail", is_required=True, is_secret=True),
    Variable(
        "RECORD_KEYS",
        "encrypts what people tell the consultation desk; the first of several keys, separated by commas, encrypts",
        demo="dGFidW5rYS1kZW1vLWtleS1rbm93bi10by1ldmVyeWI=",  # known to everybody: protects nothing
        is_required=True,
        is_secret=True,
    ),
    Variable("SITE_URL", "is the portal's public URL, for emails and feeds", is_required=True),
    Variable(
        "ALLOWED_HOSTS",
        "lists the host names that the portal answers to, separated by commas",
        demo="localhost,127.0.0.1,[::1]",
        is_required=True,
    ),
    Variable("EMAIL_URL", "is the mail server, such as smtp://user:password@host:587?tls=1", is_required=True),
    Variable(
        "MAIL_FROM",
        "is the sender of the portal's emails",
        demo="Tabunka <noreply@tabunka.example>",
        is_required=True,
    ),
    Variable("CITY", "chooses the preset in portal/cities/", default="ota"),
    Variable("DATABASE_URL", "is the database; without it, an SQLite file in VAR_DIR"),
    Variable("MAIL_BOUNCES", "is the address to which undeliverable email is returned"),
    Variable("SMS_URL", "is the gateway for text messages, with its key before the @", is_web_service=True),
    Variable("PUSH_URL", "is the web-hook of a messaging app, with its key before the @", is_web_service=True),
    Variable("REDIS_URL", "is the Redis that wakes the workers; without it, the web process does their work"),
    Variable("BEHIND_PROXY", "is 1 if nobody can reach the portal except through a proxy"),
    Variable("PORT", "is the port of `manage.py run`", default="8000"),
    Variable("VAR_DIR", "is the directory for the SQLite file, static files, backups and the demo's emails"),
    Variable("LOG_LEVEL", "is the lowest level of log entries to write", default="INFO"),
    Variable("DEMO", "is 1 for the demo with invented people, which protects nothing"),
)
VARIABLES = {variable.name: variable for variable in _TABLE}


def is_demo() -> bool:
    """Whether this is the demo."""
    return os.environ.get("DEMO") == "1"


def read(name: str, *, demo: str = "") -> str:
    """Return a variable's value, or its default. demo: the default in the demo, if it depends on other variables.

    Raises ImproperlyConfigured, with the purpose, for a required variable that is not set outside the demo.
    """
    variable = VARIABLES[name]
    if value := os.environ.get(name, "").strip():
        return value
    if variable.is_required and not is_demo():
        raise ImproperlyConfigured(
            f"Set {name}: it {variable.purpose} (docs/deploy.md). To try the portal out, run `make run`."
        )
    return (demo or variable.demo or variable.default) if is_demo() else variable.default


def read_web_services() -> dict[str, str]:
    """Return the URLs of all providers by the name of their variables; those that are not set are empty."""
    return {variable.name: _read_web_service(variable.name) for variable in _TABLE if variable.is_web_service}


def _read_web_service(name: str) -> str:
    value = read(name)
    url = urlsplit(value)
    if value and url.scheme != "https" and url.hostname not in {"127.0.0.1", "localhost"}:
        raise ImproperlyConfigured(f"{name} must begin with https:// (docs/deploy.md).")
    return value
