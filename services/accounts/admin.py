"""People and their roles, for administrators. Roles say who may do what; Django's permissions are not used."""

from django import forms
from django.contrib import admin, messages
from django.db import transaction

from services.accounts import actions
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.refusals import Refused


class RoleAdmin(admin.ModelAdmin):
    """A model's admin that opens to the holders of `open_to`. Nothing is deleted here."""

    open_to: tuple[str, ...] = ()

    def has_view_permission(self, request, obj=None):
        """By role."""
        return request.user.has_role(*self.open_to)

    def has_change_permission(self, request, obj=None):
        """By role."""
        return request.user.has_role(*self.open_to)

    def has_add_permission(self, request):
        """By role."""
        return request.user.has_role(*self.open_to)

    def has_module_permission(self, request):
        """By role."""
        return request.user.has_role(*self.open_to)

    def has_delete_permission(self, request, obj=None):
        """Articles are withdrawn and people made inactive; nothing vanishes."""
        return False

    def log_addition(self, request, obj, message):
        """The audit trail has it, chained; a second, changeable log would only disagree."""

    log_change = log_addition


class UserForm(forms.ModelForm):
    """A user and the roles they hold."""

    roles = forms.MultipleChoiceField(choices=Role, widget=forms.CheckboxSelectMultiple, required=False)

    class Meta:
        model = User
        fields = ["email", "name", "language", "is_active"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["roles"] = sorted(self.instance.roles)


@admin.register(User)
class UserAdmin(RoleAdmin):
    """Who can sign in, and what they do at the centre."""

    open_to = (Role.ADMINISTRATOR,)
    form = UserForm
    list_display = ["email", "name", "is_active", "joined_at"]
    list_filter = ["is_active", "grants__role"]
    search_fields = ["email", "name"]

    def save_model(self, request, user, form, change):
        """A new user signs in by a code until they set a password."""
        try:
            with transaction.atomic():  # both or neither
                actions.save_user(user, by=request.user, changed=form.changed_data)
                actions.set_roles(user, form.cleaned_data["roles"], by=request.user)
        except Refused as refusal:
            messages.error(request, refusal)
