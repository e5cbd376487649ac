"""URLs of the desk's statistics, for advisers and managers."""

from django.urls import path

from consultations.statistics import views

app_name = "statistics"
urlpatterns = [
    path("", views.index, name="index"),
    path("export/<slug:kind>/", views.export, name="export"),
    path("rows/<slug:kind>/", views.export_rows, name="export_rows"),
    path("hours/", views.hours, name="hours"),
    path("hours/<slug:kind>/", views.export_hours, name="export_hours"),
    path("report/", views.report, name="report"),
    path("report/<slug:kind>/", views.export_report, name="export_report"),
    path("months/", views.months, name="months"),
    path("months/close/", views.close, name="close"),
    path("months/reopen/", views.reopen, name="reopen"),
]
