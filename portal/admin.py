"""Django's admin as a whole: what other packages bring has no place in it; the audit trail can be read."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from services.accounts.admin import RoleAdmin
from services.accounts.roles import Role
from services.audit.models import Line

admin.site.site_url = None
admin.site.unregister([EmailAddress, Authenticator, Group])


@admin.register(Line)
class LineAdmin(RoleAdmin):
    """Who did or saw what, when."""

    open_to = (Role.ADMINISTRATOR,)
    list_display = ["sequence", "at", "action", "object_type", "object_id", "actor", "roles", "fields"]
    list_filter = ["action"]
    search_fields = ["=actor", "=object_id"]
    ordering = ["-sequence"]

    def has_add_permission(self, request):
        """Only actions write lines."""
        return False

    def has_change_permission(self, request, obj=None):
        """Never."""
        return False
