"""The audit trail in Django's admin: to be read, by administrators; nobody can change it, here or anywhere."""

from django.contrib import admin

from services.accounts.admin import RoleAdmin
from services.accounts.roles import Role
from services.audit.models import Line

admin.site.site_url = None


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
