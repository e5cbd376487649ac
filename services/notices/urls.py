"""URLs of public pages: notices, feeds and subscriptions."""

from django.urls import path

from services.notices.emergencies import public_views as emergency_views
from services.notices.news import public_views
from services.notices.subscriptions import views

app_name = "notices"
urlpatterns = [
    path("", public_views.index, name="index"),
    path("archive/", public_views.archive, name="archive"),
    path("feed/", public_views.feed, name="feed"),
    path("feed/<slug:topic>/", public_views.feed, name="topic_feed"),
    path("subscribe/", views.subscribe, name="subscribe"),
    path("subscribe/asked/", views.asked, name="asked"),
    path("subscription/confirm/<str:token>/", views.confirm, name="confirm"),
    path("subscription/settings/<str:token>/", views.manage, name="manage"),
    path("subscription/leave/<str:token>/", views.unsubscribe, name="leave"),
    path("<str:public_id>/", public_views.notice, name="notice"),
    path("<str:public_id>/alert.xml", public_views.alert, name="alert"),
    path("<str:public_id>/calendar.ics", public_views.calendar, name="calendar"),
    path("<str:public_id>/put-away/", emergency_views.dismiss_banner, name="put_away"),
]
