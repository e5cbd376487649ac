"""Addresses of notices, for those who write, approve and watch over them."""

from django.urls import path

from services.notices.views import warning, watching, writing

app_name = "newsroom"
urlpatterns = [
    path("", writing.index, name="index"),
    path("new/", writing.write, name="write"),
    path("emergency/", warning.choose, name="patterns"),
    path("emergency/<slug:pattern>/", warning.warn, name="warn"),
    path("messages/", watching.ledger, name="ledger"),
    path("messages/again/", watching.try_again, name="try_again"),
    path("messages/addresses/<int:key>/lift/", watching.lift, name="lift"),
    path("messages/<str:public_id>/arrived/", watching.arrived, name="arrived"),
    path("<str:public_id>/", writing.notice, name="notice"),
    path("<str:public_id>/edit/", writing.edit, name="edit"),
    path("<str:public_id>/preview/<str:language>/", writing.preview, name="preview"),
    path("<str:public_id>/page/", writing.page, name="page"),
    path("<str:public_id>/progress/", writing.progress, name="progress"),
    path("<str:public_id>/submit/", writing.submit, name="submit"),
    path("<str:public_id>/approve/", writing.approve, name="approve"),
    path("<str:public_id>/send-back/", writing.send_back, name="send_back"),
    path("<str:public_id>/cancel/", writing.cancel, name="cancel"),
    path("<str:public_id>/end/", writing.end, name="end"),
    path("<str:public_id>/pause/", writing.pause, name="pause"),
    path("<str:public_id>/resume/", writing.resume, name="resume"),
    path("<str:public_id>/correct/", writing.correct, name="correct"),
]
