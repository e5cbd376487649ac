"""URLs of staff pages: notices, emergencies and messages."""

from django.urls import path

from services.messaging import staff_views as messaging_staff_views
from services.notices import staff_views as notices_staff_views
from services.notices.emergencies import views
from services.notices.news import draft_views

app_name = "newsroom"
urlpatterns = [
    path("", draft_views.index, name="index"),
    path("new/", draft_views.write, name="write"),
    path("emergency/", views.choose, name="patterns"),
    path("emergency/<slug:pattern>/", views.warn, name="warn"),
    path("messages/", messaging_staff_views.ledger, name="ledger"),
    path("messages/again/", messaging_staff_views.try_again, name="try_again"),
    path("messages/addresses/<int:key>/lift/", messaging_staff_views.lift_suppression, name="lift"),
    path("messages/<str:public_id>/arrived/", messaging_staff_views.mark_delivered, name="arrived"),
    path("<str:public_id>/", notices_staff_views.notice, name="notice"),
    path("<str:public_id>/edit/", draft_views.edit, name="edit"),
    path("<str:public_id>/preview/<str:language>/", notices_staff_views.preview_message, name="preview"),
    path("<str:public_id>/languages/<str:language>/", views.add_language, name="add_language"),
    path("<str:public_id>/page/", notices_staff_views.preview_public_page, name="page"),
    path("<str:public_id>/progress/", notices_staff_views.progress, name="progress"),
    path("<str:public_id>/submit/", notices_staff_views.submit, name="submit"),
    path("<str:public_id>/approve/", notices_staff_views.approve, name="approve"),
    path("<str:public_id>/send-back/", notices_staff_views.send_back, name="send_back"),
    path("<str:public_id>/cancel/", notices_staff_views.cancel, name="cancel"),
    path("<str:public_id>/end/", notices_staff_views.end, name="end"),
    path("<str:public_id>/pause/", notices_staff_views.pause, name="pause"),
    path("<str:public_id>/resume/", notices_staff_views.resume, name="resume"),
    path("<str:public_id>/correct/", notices_staff_views.correct, name="correct"),
]
