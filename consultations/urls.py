"""Addresses of the consultation desk, for everybody."""

from django.urls import path

from consultations.views import public

app_name = "consultations"
urlpatterns = [
    path("", public.index, name="index"),
    path("calendar.ics", public.calendar, name="calendar"),
    path("figures/", public.figures, name="figures"),
]
