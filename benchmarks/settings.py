"""The portal's settings without the page cache: each request renders its page."""

from portal.settings import *  # noqa: F403
from portal.settings import CACHES

CACHES["pages"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
