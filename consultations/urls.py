"""Addresses of the consultation desk, for everybody."""

from django.urls import path

from consultations.views import appointments, public

app_name = "consultations"
urlpatterns = [
    path("", public.index, name="index"),
    path("calendar.ics", public.calendar, name="calendar"),
    path("appointments/", appointments.index, name="appointments"),
    path("appointments/time/<str:hours>/<str:at>/", appointments.book, name="book"),
    path("appointments/booked/<str:token>/", appointments.booked, name="booked"),
    path("appointments/another/<str:token>/", appointments.another, name="another"),
    path("appointments/another/<str:token>/<str:hours>/<str:at>/", appointments.change, name="change"),
    path("appointments/<slug:service>/", appointments.times, name="times"),
    path("figures/", public.figures, name="figures"),
]
