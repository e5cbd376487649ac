"""The portal's one settings file, read from the environment and secure by default.

portal/environment.py lists the variables, and docs/deploy.md explains them. With DEMO=1 the portal has values of its
own (secrets that everybody knows, local addresses, email into a folder); otherwise it does not start until every
required variable is set.
"""

import base64
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from portal.city import PRESETS, UnknownCity, read_city
from services.languages.registry import MISSING_IN_DJANGO, SPOKEN

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(environment.read("VAR_DIR") or BASE_DIR / "var")
DEMO = environment.is_demo()
DEBUG = False


def _secret(name: str) -> str:
    """Return a secret of at least 50 characters, of which 10 differ."""
    value = environment.read(name, demo=f"demo-{name.lower()}-is-known-to-everybody-and-protects-nothing")
    if len(value) < 50 or len(set(value)) < 10 or (value.startswith("demo-") and not DEMO):
        raise ImproperlyConfigured(
            f"{name} is too weak: at least 50 characters are needed. One made just now: {secrets.token_urlsafe(48)}"
        )
    return value


def _record_keys() -> tuple[str, ...]:
    """Return the keys of encrypted texts, the one that encrypts first."""
    demo_key = environment.VARIABLES["RECORD_KEYS"].demo
    keys = tuple(key.strip() for key in environment.read("RECORD_KEYS").split(","))
    if not all(re.fullmatch(r"[\w-]{43}=", key, re.ASCII) for key in keys) or (demo_key in keys and not DEMO):
        new = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        raise ImproperlyConfigured(f"Each of RECORD_KEYS must be 32 bytes in base64url. One made just now: {new}")
    return keys


# --- Identity -----------------------------------------------------------------------------------

try:
    CITY = read_city(environment.read("CITY"))
except UnknownCity as unknown:
    raise ImproperlyConfigured(str(unknown)) from unknown

SECRET_KEY = _secret("SECRET_KEY")
RECORD_KEYS = _record_keys()
AUDIT_KEY = _secret("AUDIT_KEY")
SITE_URL = environment.read("SITE_URL", demo=f"http://localhost:{environment.read('PORT')}").rstrip("/")
ALLOWED_HOSTS = [host.strip() for host in environment.read("ALLOWED_HOSTS").split(",")]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the portal's hosts; '*' would let anybody forge links.")
HTTPS = SITE_URL.startswith("https://")
if not (HTTPS or DEMO):
    raise ImproperlyConfigured("SITE_URL must begin with https:// outside the demo.")

# --- Apps, middleware, templates ----------------------------------------------------------------

INSTALLED_APPS = [
    "modeltranslation",
    "services.languages",
    "services.audit",
    "services.accounts",
    "services.schedules",
    "services.messaging",
    "services.notices",
    "services.registration",
    "services.guide",
    "consultations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "portal",
]

MIDDLEWARE = [
    "portal.page_cache.PageCache",
    "portal.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.RequestLog",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",  # inside gzip, whose padding would make each ETag another
    "services.languages.middleware.PageTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "services.languages.middleware.LanguageMiddleware",
    "portal.middleware.RejectMalformedInput",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.Access",
    "portal.middleware.MethodNotAllowedPage",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.page",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "services.languages.templatetags.languages",
                "portal.templatetags.components",
                "django.templatetags.cache",
            ],
        },
    },
]
FORM_RENDERER = "portal.pages.forms.Renderer"

# --- Databases and caches -----------------------------------------------------------------------

DATABASES = {
    "default": dj_database_url.parse(
        environment.read("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'tabunka.sqlite3'}",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # With Django's defaults, SQLite answers "database is locked" under load; with these, it waits.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Makes the audit trail's triggers fire for INSERT OR REPLACE too.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
        ),
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
else:
    DATABASES["default"].setdefault("OPTIONS", {}).update(connect_timeout=5, options="-c lock_timeout=3000")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.read("REDIS_URL")
CACHES = {
    # Rate limits and sessions, shared between web servers if there is Redis. No data is stored only here.
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"}
    ),
    # Public pages, cached in each process; the database says when they are stale (portal/page_cache.py).
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "TIMEOUT": 600,
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
    # Fragments that are the same for everybody, for `{% cache %}`; never personal data.
    "template_fragments": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "fragments",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
}

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static_files.StaticFiles"},
}

# --- Languages ----------------------------------------------------------------------------------

LANG_INFO.update(MISSING_IN_DJANGO)
USE_I18N = True
USE_TZ = True
TIME_ZONE = CITY.time_zone
FIRST_DAY_OF_WEEK = CITY.week_starts_on
# gettext falls back to LANGUAGE_CODE, so this must be the language of the source strings.
# The city's default language is CITY.default_language.
LANGUAGE_CODE = "en"
LANGUAGES = [(language.code, language.own_name) for language in CITY.offered()]
# The city's own wording, if any, takes precedence over the portal's catalogue (services/languages/catalogue.py).
CITY_PRESETS = PRESETS
LOCALE_PATHS = [*(path for path in [PRESETS / CITY.code] if path.is_dir()), BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
# All cities have the columns of all languages, so that migrations do not depend on the preset.
MODELTRANSLATION_LANGUAGES = tuple(SPOKEN)
MODELTRANSLATION_DEFAULT_LANGUAGE = CITY.default_language
MODELTRANSLATION_FALLBACK_LANGUAGES = {"default": ("en", CITY.default_language), "ja-simple": ("ja",)}

# --- Accounts -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["services.accounts.hashers.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "me"
ACCOUNT_ADAPTER = "portal.pages.sign_in.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
# Long enough for a slow mail server and a slow reader.
CODE_SECONDS = 15 * 60
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = CODE_SECONDS
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = CODE_SECONDS
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_FORMS = {
    "login": "services.accounts.forms.LoginForm",
    "signup": "services.accounts.forms.SignUpForm",
    "add_email": "services.accounts.forms.AddEmailForm",
    "change_email": "services.accounts.forms.ChangeEmailForm",
    "reset_password": "services.accounts.forms.ResetPasswordForm",
    "request_login_code": "services.accounts.forms.RequestLoginCodeForm",
    "confirm_login_code": "services.accounts.forms.ConfirmLoginCodeForm",
    "confirm_email_verification_code": "services.accounts.forms.ConfirmEmailVerificationCodeForm",
    "confirm_password_reset_code": "services.accounts.forms.ConfirmPasswordResetCodeForm",
}
MFA_FORMS = {
    "authenticate": "services.accounts.forms.AuthenticateForm",
    "reauthenticate": "services.accounts.forms.ReauthenticateForm",
    "activate_totp": "services.accounts.forms.ActivateForm",
}
# Tight limits for an account, generous ones for an IP address, which a whole school may share.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "10/m/key,200/5m/ip",
    "signup": "100/m/ip",
    "request_login_code": "100/m/ip,3/m/key",
    "confirm_email": "3/m/key",
    "reset_password": "100/m/ip,5/m/key",
    "subscribe": "30/m/ip",
    "book": "100/m/ip",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = CITY.centre("en")
STAFF_IDLE_SECONDS = 15 * 60

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.pages.errors.csrf_failure"

# --- Browser security ---------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
if environment.read("BEHIND_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# Uploads are never written to disk; larger ones are discarded while they arrive, and the form says so.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# --- Email and background work ------------------------------------------------------------------

EMAIL_URL = environment.read("EMAIL_URL")
if EMAIL_URL:
    _mail = urlsplit(EMAIL_URL)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname, _mail.port or (465 if _mail.scheme == "smtps" else 25)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_TLS = "tls=1" in _mail.query
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = environment.read("MAIL_FROM")

# The envelope sender of each email, to identify bounces: `bounces@…` becomes `bounces+<message>@…`.
MAIL_BOUNCES = environment.read("MAIL_BOUNCES")
# SMS_URL, PUSH_URL and so on: the channels' providers, each with its key before the @.
globals().update(environment.read_web_services())

CELERY_BROKER_URL = REDIS_URL or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "personal"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Redeliver tasks of a lost worker after a minute, not an hour; the two intervals are needed for that too.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # Do not let people wait for a missing Redis (six seconds by default): workers find the row anyway.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "socket_connect_timeout": 2,
}

# --- Logs: one JSON object a line, without addresses, names and query strings -------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        }
    },
    "filters": {"impersonal": {"()": "portal.log_redaction.PersonalDataFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["impersonal"]}},
    "root": {"handlers": ["stderr"], "level": environment.read("LOG_LEVEL")},
    "loggers": {"django.server": {"handlers": [], "propagate": False}},
}
