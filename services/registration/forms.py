"""What people type about their registration."""

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from services.base.hygiene import NumberField

LARGEST_PARTY = 50


class PartyForm(forms.Form):
    """How many people come."""

    party_size = NumberField(
        label=_("How many of you will come?"),
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_PARTY)],
    )
