"""All URLs of the portal. After the language, paths are the same in every language."""

from allauth.account import urls as account_urls
from allauth.mfa.base import urls as mfa_urls
from allauth.mfa.recovery_codes import urls as recovery_urls
from allauth.mfa.totp import urls as totp_urls
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from portal import health
from portal.pages import dashboard, demo, own_data, views

handler400 = "portal.pages.errors.bad_request"
handler403 = "portal.pages.errors.permission_denied"
handler404 = "portal.pages.errors.not_found"
handler429 = "portal.pages.errors.too_many_requests"
handler500 = "portal.pages.errors.server_error"

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
        path("staff/", dashboard.board, name="staff"),
        path("staff/notices/", include("services.notices.staff_urls")),
        path("staff/desk/", include("consultations.desk_urls")),
        path("staff/cases/", include("consultations.cases.urls")),
        path("staff/statistics/", include("consultations.statistics.urls")),
        path("staff/consultations/import/", include("consultations.imports.urls")),
        path("staff/consultations/", include("consultations.log.urls")),
        path("staff/admin/", admin.site.urls),
        path("demo/", demo.people, name="demo"),
        path("styleguide/", views.styleguide, name="styleguide"),
    ),
]
