"""URLs of cases, for advisers and managers."""

from django.urls import path

from consultations.cases import client_views, followup_views, referral_views, views

app_name = "cases"
urlpatterns = [
    path("", views.index, name="index"),
    path("today/", followup_views.today, name="today"),
    path("earlier/", client_views.earlier, name="earlier"),
    path("from/<str:public_id>/", views.open_from, name="open"),
    path("follow-ups/<str:public_id>/<slug:verb>/", followup_views.run_action, name="follow_up"),
    path("referrals/<str:public_id>/", referral_views.show, name="referral"),
    path("referrals/<str:public_id>/consent/<slug:language>/", referral_views.consent, name="consent"),
    path("referrals/<str:public_id>/do/<slug:verb>/", referral_views.run_action, name="refer"),
    path("undo/<str:public_id>/", views.undo, name="undo"),
    path("<str:public_id>/", views.case, name="case"),
    path("<str:public_id>/person/", client_views.person, name="person"),
    path("<str:public_id>/person/forget/", client_views.forget, name="forget"),
    path("<str:public_id>/person/tell/", client_views.notify, name="tell"),
    path("<str:public_id>/person/same/", client_views.merge, name="same_person"),
    path("<str:public_id>/referral/", referral_views.draft, name="new_referral"),
    path("<str:public_id>/do/<slug:verb>/", views.run_action, name="do"),
]
