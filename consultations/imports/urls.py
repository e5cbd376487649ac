"""Addresses of taking over a past log, for managers."""

from django.urls import path

from consultations.views import importing

app_name = "importing"
urlpatterns = [
    path("", importing.index, name="index"),
    path("<str:public_id>/", importing.plan, name="plan"),
    path("<str:public_id>/discard/", importing.discard, name="discard"),
]
