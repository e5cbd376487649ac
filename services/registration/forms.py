"""Forms about a person's own registration."""

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from services.base.form_fields import NumberField

LARGEST_PARTY = 50


class PartySizeForm(forms.Form):
    """How many people will come."""

    party_size = NumberField(
        label=_("How many of you will come?"),
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_PARTY)],
    )
