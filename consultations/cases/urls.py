"""Addresses of cases, for advisers and managers."""

from django.urls import path

from consultations.views import cases, clients, followups, referrals

app_name = "cases"
urlpatterns = [
    path("", cases.index, name="index"),
    path("today/", followups.today, name="today"),
    path("earlier/", clients.earlier, name="earlier"),
    path("from/<str:public_id>/", cases.open_from, name="open"),
    path("follow-ups/<str:public_id>/<slug:verb>/", followups.do, name="follow_up"),
    path("referrals/<str:public_id>/", referrals.show, name="referral"),
    path("referrals/<str:public_id>/consent/<slug:language>/", referrals.consent, name="consent"),
    path("referrals/<str:public_id>/do/<slug:verb>/", referrals.do, name="refer"),
    path("undo/<str:public_id>/", cases.undo, name="undo"),
    path("<str:public_id>/", cases.show, name="case"),
    path("<str:public_id>/person/", clients.person, name="person"),
    path("<str:public_id>/person/forget/", clients.forget, name="forget"),
    path("<str:public_id>/person/tell/", clients.tell, name="tell"),
    path("<str:public_id>/person/same/", clients.same, name="same_person"),
    path("<str:public_id>/referral/", referrals.write, name="new_referral"),
    path("<str:public_id>/do/<slug:verb>/", cases.do, name="do"),
]
