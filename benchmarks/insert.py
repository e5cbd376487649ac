"""The portal with one address more, as the yardstick for whatever is saved: a POST that only inserts a row."""

from portal.wsgi import application  # noqa: F401  what the web server runs; it sets Django up

# isort: split
from django.http import HttpResponse
from django.urls import path

from benchmarks.saving import INSERTING
from consultations.models import Draft
from portal import access, urls


def insert(request):
    """The least that can be saved by somebody who has signed in."""
    Draft(adviser=request.user, typed="").save(force_insert=True)
    return HttpResponse(status=204)


urls.urlpatterns.append(path(INSERTING.lstrip("/"), insert, name="measured"))
access.ACCESS["measured"] = access.SIGNED_IN
