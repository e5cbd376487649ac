"""Every address of the portal. Below the language: plain words, the same in each."""

from allauth.account import urls as account_urls
from allauth.mfa.base import urls as mfa_urls
from allauth.mfa.recovery_codes import urls as recovery_urls
from allauth.mfa.totp import urls as totp_urls
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from portal import demo, health, own_data, staff, views

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.permission_denied"
handler404 = "portal.errors.not_found"
handler429 = "portal.errors.too_many"
handler500 = "portal.errors.server_error"

PROGRAMMES = ("classes", "events", "volunteers", "interpreting")

urlpatterns = [
    path("", views.first_visit, name="first_visit"),
    path("choose/", views.choose, name="choose"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    *i18n_patterns(
        path("", views.home, name="home"),
        path("emergency/", views.emergency, name="emergency"),
        path("search/", views.search, name="search"),
        path("guide/", include("services.guide.urls")),
        path("notices/", include("services.notices.urls")),
        path("registrations/", include("services.registration.urls")),
        path("consultations/", include("consultations.urls")),
        *(path(f"{name}/", views.programme, {"name": name}, name=name) for name in PROGRAMMES),
        path("me/", views.me, name="me"),
        path("me/messages/", views.inbox, name="messages"),
        path("me/messages/<str:public_id>/", views.message, name="message"),
        path("me/data/", own_data.own_data, name="own_data"),
        path("me/data/download/", own_data.download, name="own_data_download"),
        path("me/data/forget/", own_data.forget, name="own_data_forget"),
        path("me/", include(account_urls)),
        path("me/second-factor/", include([*mfa_urls.urlpatterns])),
        path("me/second-factor/app/", include([*totp_urls.urlpatterns])),
        path("me/second-factor/recovery-codes/", include([*recovery_urls.urlpatterns])),
        path("staff/", staff.board, name="staff"),
        path("staff/notices/", include("services.notices.staff_urls")),
        path("staff/desk/", include("consultations.urls.desk")),
        path("staff/cases/", include("consultations.urls.cases")),
        path("staff/statistics/", include("consultations.urls.statistics")),
        path("staff/consultations/import/", include("consultations.urls.importing")),
        path("staff/consultations/", include("consultations.urls.log")),
        path("staff/admin/", admin.site.urls),
        path("demo/", demo.people, name="demo"),
        path("styleguide/", views.styleguide, name="styleguide"),
    ),
]
