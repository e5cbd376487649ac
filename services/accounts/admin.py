"""People and their roles, for administrators. Roles say who may do what; Django's permissions are not used."""

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.shortcuts import redirect

from services.accounts import actions
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.hygiene import DayField, LineField, ProseField, clean_code
from services.base.refusals import Refused
from services.languages.table import SPOKEN


class RoleAdmin(admin.ModelAdmin):
    """A model's admin that opens to the holders of `open_to`. Nothing is deleted here."""

    open_to: tuple[str, ...] = ()
    formfield_overrides = {
        models.CharField: {"form_class": LineField},
        models.TextField: {"form_class": ProseField},
        models.DateField: {"form_class": DayField},
        models.SlugField: {"form_class": forms.SlugField},
        models.EmailField: {"form_class": forms.EmailField},
    }

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
        """As it is kept, before it is compared with everybody else's."""
        return clean_code(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(RoleAdmin):
    """Who can sign in, and what they do at the centre."""

    open_to = (Role.ADMINISTRATOR,)
    form = UserForm
    list_display = ["email", "name", "is_active", "joined_at"]
    list_filter = ["is_active", "grants__role"]
    search_fields = ["email", "name"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The page, with a line in the trail that it was seen: no line, no view."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200:  # also with what was typed wrong: it names the person
            seen = response.context_data["original"]
            record(request.user, "accounts.view", seen, fields=self.form.base_fields, changes=False)
        return response

    def history_view(self, request, object_id, extra_context=None):
        """Django's page of changes is empty here, but it names the person."""
        response = super().history_view(request, object_id, extra_context)
        if response.status_code == 200:
            record(request.user, "accounts.view", response.context_data["object"], fields=["name"], changes=False)
        return response

    def changelist_view(self, request, extra_context=None):
        """The list, likewise; the trail keeps what was filtered by, never what for."""
        response = super().changelist_view(request, extra_context)
        if response.status_code == 200:
            asked = [name for name in request.GET if name.partition("__")[0] in {"q", "is_active", "grants"}]
            record(request.user, "accounts.list", fields=asked, changes=False)
        return response

    def lookup_allowed(self, lookup, value, request=None):
        """Never by the password's hash: `?password__startswith=` would tell it letter by letter."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request, user, form, change):
        """A new user signs in by a code until they set a password."""
        try:
            with transaction.atomic():  # both or neither
                actions.save_user(user, by=request.user, changed=form.changed_data)
                actions.set_roles(user, form.cleaned_data["roles"], by=request.user)
        except Refused as refusal:
            user.refusal = refusal

    def response_change(self, request, user):
        """Where the action refused, nothing was kept: say why instead of "changed successfully"."""
        if refusal := getattr(user, "refusal", None):
            messages.error(request, refusal)
            return redirect(request.path)
        return super().response_change(request, user)
