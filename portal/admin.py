"""Site-wide admin settings: hide other packages' models, and show the audit trail."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import OuterRef, Subquery
from django.utils.translation import pgettext_lazy

from services.accounts.admin import RoleRestrictedAdmin
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.models import AuditEntry

admin.site.site_url = None
admin.site.unregister([EmailAddress, Authenticator, Group])


@admin.register(AuditEntry)
class AuditEntryAdmin(RoleRestrictedAdmin):
    """The audit trail, read-only."""

    open_to = (Role.ADMINISTRATOR,)
    list_display = ["sequence", "at", "who", "roles", "action", "reason", "object_type", "object_id", "fields"]
    list_filter = ["action"]
    search_fields = ["=actor", "=object_id"]
    ordering = ["-sequence"]

    def get_queryset(self, request):
        """Add the names of users who still exist: entries only hold public ids."""
        names = User.objects.filter(public_id=OuterRef("actor")).values("name")
        return super().get_queryset(request).annotate(name=Subquery(names))

    @admin.display(description=pgettext_lazy("staff: of the audit trail", "User"), ordering="actor")
    def who(self, entry):
        """Return the name of the user who acted, or the public id of a deleted user."""
        return entry.name or entry.actor

    def has_add_permission(self, request):
        """Never: only actions write entries."""
        return False

    def has_change_permission(self, request, obj=None):
        """Never."""
        return False
