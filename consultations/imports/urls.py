"""URLs of the import of a past log, for managers."""

from django.urls import path

from consultations.imports import views

app_name = "importing"
urlpatterns = [
    path("", views.index, name="index"),
    path("<str:public_id>/", views.plan, name="plan"),
    path("<str:public_id>/discard/", views.discard, name="discard"),
]
