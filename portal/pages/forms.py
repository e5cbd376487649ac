"""The renderer of all forms, and the search form."""

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from services.base.form_fields import LineField


class Renderer(TemplatesSetting):
    """Render all forms, also Django's and allauth's, with our own components."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class SearchForm(forms.Form):
    """A search query."""

    q = LineField(label=_("What are you looking for?"), max_length=100, required=False)
