"""The yardstick: a Django project of one file, without middleware, whose one view answers nothing."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(SECRET_KEY="measured, never used", ALLOWED_HOSTS=["localhost", "127.0.0.1"], ROOT_URLCONF=__name__)


def nothing(request):
    """The least that Django can do."""
    return HttpResponse("")


urlpatterns = [path("", nothing)]
application = get_wsgi_application()
