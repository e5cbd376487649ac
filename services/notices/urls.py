"""Addresses of notices, for their readers."""

from django.urls import path

from services.notices.views import public

app_name = "notices"
urlpatterns = [
    path("", public.index, name="index"),
    path("archive/", public.archive, name="archive"),
    path("feed/", public.feed, name="feed"),
    path("feed/<slug:topic>/", public.feed, name="topic_feed"),
    path("subscribe/", public.subscribe, name="subscribe"),
    path("subscribe/asked/", public.asked, name="asked"),
    path("subscription/confirm/<str:token>/", public.confirm, name="confirm"),
    path("subscription/settings/<str:token>/", public.manage, name="manage"),
    path("subscription/leave/<str:token>/", public.leave, name="leave"),
    path("<str:public_id>/", public.notice, name="notice"),
    path("<str:public_id>/alert.xml", public.alert, name="alert"),
    path("<str:public_id>/calendar.ics", public.calendar, name="calendar"),
    path("<str:public_id>/put-away/", public.put_away_banner, name="put_away"),
]
