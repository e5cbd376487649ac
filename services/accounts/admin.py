"""Admin pages for users and their roles. Roles decide who may do what; Django's permissions are not used."""

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.shortcuts import redirect

from services.accounts import actions
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.form_fields import DayField, LineField, MachineTextField, ProseField
from services.base.machine_text import MAX_EMAIL_LENGTH, clean_email
from services.base.refusals import Refused
from services.languages.registry import SPOKEN


class RoleRestrictedAdmin(admin.ModelAdmin):
    """A ModelAdmin for users with one of the roles in `open_to`. Nothing can be deleted here."""

    open_to: tuple[str, ...] = ()
    formfield_overrides = {
        models.CharField: {"form_class": LineField},
        models.TextField: {"form_class": ProseField},
        models.DateField: {"form_class": DayField},
        models.SlugField: {"form_class": forms.SlugField},
        models.EmailField: {"form_class": forms.EmailField},
    }

    def has_view_permission(self, request, obj=None):
        """Decide by role."""
        return request.user.has_role(*self.open_to)

    def has_change_permission(self, request, obj=None):
        """Decide by role."""
        return request.user.has_role(*self.open_to)

    def has_add_permission(self, request):
        """Decide by role."""
        return request.user.has_role(*self.open_to)

    def has_module_permission(self, request):
        """Decide by role."""
        return request.user.has_role(*self.open_to)

    def has_delete_permission(self, request, obj=None):
        """Never: articles are withdrawn and users deactivated instead."""
        return False

    def log_addition(self, request, obj, message):
        """Log nothing here: the audit trail has the entry, and a second log that can be changed would only disagree."""

    log_change = log_addition


class UserForm(forms.ModelForm):
    """A user and their roles."""

    email = MachineTextField(max_length=MAX_EMAIL_LENGTH, widget=forms.EmailInput)
    language = forms.ChoiceField(
        choices=[("", "–"), *((it.code, it.own_name) for it in SPOKEN.values())], required=False
    )
    roles = forms.MultipleChoiceField(choices=Role, widget=forms.CheckboxSelectMultiple, required=False)

    class Meta:
        model = User
        fields = ["email", "name", "language", "is_active"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["roles"] = sorted(self.instance.roles)

    def clean_email(self):
        """Normalise the address as it is stored, before it is compared with those of other users."""
        return clean_email(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(RoleRestrictedAdmin):
    """Admin pages of the users: who can sign in, and their roles."""

    open_to = (Role.ADMINISTRATOR,)
    form = UserForm
    list_display = ["email", "name", "is_active", "joined_at"]
    list_filter = ["is_active", "grants__role"]
    search_fields = ["email", "name"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the page and write an audit entry: no entry, no page."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200:  # also for a form with errors: it names the person
            seen = response.context_data["original"]
            record(request.user, "accounts.view", seen, fields=self.form.base_fields, changes=False)
        return response

    def history_view(self, request, object_id, extra_context=None):
        """Write an audit entry here too: Django's page of changes is empty, but it names the person."""
        response = super().history_view(request, object_id, extra_context)
        if response.status_code == 200:
            record(request.user, "accounts.view", response.context_data["object"], fields=["name"], changes=False)
        return response

    def changelist_view(self, request, extra_context=None):
        """Show the list and write an audit entry, with the names of the filters but never their values."""
        response = super().changelist_view(request, extra_context)
        if response.status_code == 200:
            asked = [name for name in request.GET if name.partition("__")[0] in {"q", "is_active", "grants"}]
            record(request.user, "accounts.list", fields=asked, changes=False)
        return response

    def lookup_allowed(self, lookup, value, request=None):
        """Refuse filters on the password hash: `?password__startswith=` would reveal it letter by letter."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request, user, form, change):
        """Save through the actions; a refusal is shown by `response_change`."""
        try:
            with transaction.atomic():  # both or neither
                actions.save_user(user, by=request.user, changed=form.changed_data)
                actions.set_roles(user, form.cleaned_data["roles"], by=request.user)
        except Refused as refusal:
            user.refusal = refusal

    def response_change(self, request, user):
        """Show the refusal instead of "changed successfully" if the action refused and nothing was saved."""
        if refusal := getattr(user, "refusal", None):
            messages.error(request, refusal)
            return redirect(request.path)
        return super().response_change(request, user)
