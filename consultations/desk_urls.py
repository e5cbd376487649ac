"""Addresses of the desk's timetable and appointments, for its coordinator and its advisers."""

from django.urls import path

from consultations.views import counter, roster

app_name = "desk"
urlpatterns = [
    path("", roster.index, name="index"),
    path("appointments/", counter.index, name="appointments"),
    path("appointments/new/", counter.write, name="book"),
    path("appointments/<str:public_id>/cancel/", counter.cancel, name="cancel"),
    path("appointments/<str:public_id>/came/", counter.came, name="came"),
    path("<slug:kind>/new/", roster.write, name="new"),
    path("<slug:kind>/<str:public_id>/", roster.edit, name="edit"),
    path("<slug:kind>/<str:public_id>/day/", roster.change, name="change"),
    path("<slug:kind>/<str:public_id>/day/back/", roster.keep, name="keep"),
    path("<slug:kind>/<str:public_id>/end/", roster.end, name="end"),
]
