"""The baseline: a Django project of a single file, without middleware, whose only view is empty."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(SECRET_KEY="measured, never used", ALLOWED_HOSTS=["localhost", "127.0.0.1"], ROOT_URLCONF=__name__)


def empty(request):
    """Return an empty response."""
    return HttpResponse("")


urlpatterns = [path("", empty)]
application = get_wsgi_application()
