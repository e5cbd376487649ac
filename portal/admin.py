"""Django's admin as a whole: what other packages bring has no place in it; the audit trail can be read."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import OuterRef, Subquery
from django.utils.translation import pgettext_lazy

from services.accounts.admin import RoleAdmin
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.models import Line

admin.site.site_url = None
admin.site.unregister([EmailAddress, Authenticator, Group])


@admin.register(Line)
class LineAdmin(RoleAdmin):
    """Who did or saw what, when."""

    open_to = (Role.ADMINISTRATOR,)
    list_display = ["sequence", "at", "who", "roles", "action", "reason", "object_type", "object_id", "fields"]
    list_filter = ["action"]
    search_fields = ["=actor", "=object_id"]
    ordering = ["-sequence"]

    def get_queryset(self, request):
        """With the names of those who are still there: a line holds public ids alone."""
        names = User.objects.filter(public_id=OuterRef("actor")).values("name")
        return super().get_queryset(request).annotate(name=Subquery(names))

    @admin.display(description=pgettext_lazy("staff: of the audit trail", "Who"), ordering="actor")
    def who(self, line):
        """The name of whoever acted, or the public id that is left of them."""
        return line.name or line.actor

    def has_add_permission(self, request):
        """Only actions write lines."""
        return False

    def has_change_permission(self, request, obj=None):
        """Never."""
        return False
