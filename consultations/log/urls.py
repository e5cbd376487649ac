"""Addresses of the log of the consultation desk."""

from django.urls import path

from consultations.views import entering, log

app_name = "log"
urlpatterns = [
    path("", log.index, name="index"),
    path("new/", entering.new, name="new"),
    path("drafts/<str:key>/", entering.keep, name="keep"),
    path("drafts/<str:key>/discard/", entering.discard, name="discard"),
    path("code/", log.find, name="find"),
    path("code/open/", log.open_by_code, name="open_by_code"),
    path("<str:public_id>/", log.consultation, name="consultation"),
    path("<str:public_id>/amend/", entering.amend, name="amend"),
    path("<str:public_id>/assign/", log.assign, name="assign"),
    path("<str:public_id>/glass/", log.glass, name="glass"),
    path("<str:public_id>/print/", log.on_paper, name="print"),
    path("<str:public_id>/versions/<int:version>/", log.version, name="version"),
]
