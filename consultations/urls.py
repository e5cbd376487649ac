"""URLs of the consultation desk's public pages."""

from django.urls import path

from consultations.appointments import resident_views
from consultations.statistics import public_views
from consultations.timetable import views

app_name = "consultations"
urlpatterns = [
    path("", views.index, name="index"),
    path("calendar.ics", views.calendar, name="calendar"),
    path("appointments/", resident_views.index, name="appointments"),
    path("appointments/time/<str:hours>/<str:at>/", resident_views.book, name="book"),
    path("appointments/booked/<str:token>/", resident_views.booked, name="booked"),
    path("appointments/another/<str:token>/", resident_views.another, name="another"),
    path("appointments/another/<str:token>/<str:hours>/<str:at>/", resident_views.change, name="change"),
    path("appointments/<slug:service>/", resident_views.times, name="times"),
    path("figures/", public_views.figures, name="figures"),
]
