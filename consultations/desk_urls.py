"""URLs of the desk's timetable and appointments for staff."""

from django.urls import path

from consultations.appointments import staff_views
from consultations.roster import views

app_name = "desk"
urlpatterns = [
    path("", views.index, name="index"),
    path("appointments/", staff_views.index, name="appointments"),
    path("appointments/new/", staff_views.book, name="book"),
    path("appointments/calls/<str:public_id>/", staff_views.record_call, name="record_call"),
    path("appointments/<str:public_id>/cancel/", staff_views.cancel, name="cancel"),
    path("appointments/<str:public_id>/came/", staff_views.record_attendance, name="record_attendance"),
    path("closed-days/", views.closed_days, name="closed_days"),
    path("closed-days/reopen/", views.reopen, name="reopen"),
    path("<slug:kind>/new/", views.add, name="new"),
    path("<slug:kind>/<str:public_id>/", views.edit, name="edit"),
    path("<slug:kind>/<str:public_id>/day/", views.change, name="change"),
    path("<slug:kind>/<str:public_id>/day/back/", views.restore_regular, name="keep"),
    path("<slug:kind>/<str:public_id>/end/", views.end, name="end"),
]
