"""The portal with one more URL, as the baseline for saving: a POST that only inserts a row."""

from portal.wsgi import application  # noqa: F401  the web server's application; sets Django up

# isort: split
from django.http import HttpResponse
from django.urls import path

from benchmarks.saving import INSERTING
from consultations.models import ConsultationDraft
from portal import access, urls


def insert(request):
    """Insert a minimal row for the signed-in user."""
    ConsultationDraft(adviser=request.user, typed="").save(force_insert=True)
    return HttpResponse(status=204)


urls.urlpatterns.append(path(INSERTING.lstrip("/"), insert, name="measured"))
access.ACCESS["measured"] = access.SIGNED_IN
