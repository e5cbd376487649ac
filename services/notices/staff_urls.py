"""Addresses of notices, for those who write, approve and watch over them."""

from django.urls import path

from services.notices.views import deciding, warning, watching, writing

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
    path("<str:public_id>/", deciding.notice, name="notice"),
    path("<str:public_id>/edit/", writing.edit, name="edit"),
    path("<str:public_id>/preview/<str:language>/", deciding.preview, name="preview"),
    path("<str:public_id>/languages/<str:language>/", warning.add_language, name="add_language"),
    path("<str:public_id>/page/", deciding.page, name="page"),
    path("<str:public_id>/progress/", deciding.progress, name="progress"),
    path("<str:public_id>/submit/", deciding.submit, name="submit"),
    path("<str:public_id>/approve/", deciding.approve, name="approve"),
    path("<str:public_id>/send-back/", deciding.send_back, name="send_back"),
    path("<str:public_id>/cancel/", deciding.cancel, name="cancel"),
    path("<str:public_id>/end/", deciding.end, name="end"),
    path("<str:public_id>/pause/", deciding.pause, name="pause"),
    path("<str:public_id>/resume/", deciding.resume, name="resume"),
    path("<str:public_id>/correct/", deciding.correct, name="correct"),
]
