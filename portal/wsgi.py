"""The WSGI application that the web server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()

from portal import urls  # noqa: E402, F401  models need Django set up; the views are there before the first reader is
from portal.page_cache import PageDoor  # noqa: E402

application = PageDoor(_django)

# What is there now stays: no reader waits for a search through it (docs/adr/0003-web-server.md).
gc.freeze()
gc.set_threshold(2_000, 50, 50)
