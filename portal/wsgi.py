"""The WSGI application that the web server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()

from portal import urls  # noqa: E402, F401  after Django's setup; loads the views before the first request
from portal.page_cache import CachedPageApplication  # noqa: E402

application = CachedPageApplication(_django)

# Exclude all objects created so far from garbage collection, which would delay requests (docs/adr/0003-web-server.md).
gc.freeze()
gc.set_threshold(2_000, 50, 50)
