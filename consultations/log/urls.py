"""URLs of the consultation log."""

from django.urls import path

from consultations.log import entry_views, views

app_name = "log"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", entry_views.new, name="new"),
    path("drafts/<str:key>/", entry_views.save_draft, name="keep"),
    path("drafts/<str:key>/discard/", entry_views.discard_draft, name="discard"),
    path("code/", views.find, name="find"),
    path("code/open/", views.break_glass_by_code, name="open_by_code"),
    path("<str:public_id>/", views.consultation, name="consultation"),
    path("<str:public_id>/amend/", entry_views.amend, name="amend"),
    path("<str:public_id>/assign/", views.assign, name="assign"),
    path("<str:public_id>/glass/", views.break_the_glass, name="glass"),
    path("<str:public_id>/print/", views.print_view, name="print"),
    path("<str:public_id>/versions/<int:version>/", views.version, name="version"),
]
