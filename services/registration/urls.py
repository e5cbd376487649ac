"""URLs of a person's own registration, opened by the link in a message."""

from django.urls import path

from services.registration import views

app_name = "registration"
urlpatterns = [
    path("<str:token>/", views.show, name="show"),
    path("<str:token>/party/", views.party, name="party"),
    path("<str:token>/calendar.ics", views.calendar, name="calendar"),
    path("<str:token>/<slug:verb>/", views.answer, name="answer"),
]
