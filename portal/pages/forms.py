"""How all forms look, and the forms of the roof's own pages."""

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from services.base.hygiene import LineField


class Renderer(TemplatesSetting):
    """Every form of the portal, Django's and allauth's too, through our own components."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class SearchForm(forms.Form):
    """What somebody looks for."""

    q = LineField(label=_("What are you looking for?"), max_length=100, required=False)
