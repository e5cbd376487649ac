"""The portal's settings without copies of pages: each request makes its page anew."""

from portal.settings import *  # noqa: F403
from portal.settings import CACHES

CACHES["pages"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
