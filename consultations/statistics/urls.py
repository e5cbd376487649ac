"""Addresses of the desk's figures, for its advisers and its manager."""

from django.urls import path

from consultations.views import statistics

app_name = "statistics"
urlpatterns = [
    path("", statistics.index, name="index"),
    path("export/<slug:kind>/", statistics.export, name="export"),
    path("rows/<slug:kind>/", statistics.export_rows, name="export_rows"),
    path("hours/", statistics.hours, name="hours"),
    path("hours/<slug:kind>/", statistics.export_hours, name="export_hours"),
    path("report/", statistics.report, name="report"),
    path("report/<slug:kind>/", statistics.export_report, name="export_report"),
    path("months/", statistics.months, name="months"),
    path("months/close/", statistics.close, name="close"),
    path("months/reopen/", statistics.reopen, name="reopen"),
]
