"""Form fields for text, numbers and dates: normalised, visible, and within the database's limits."""

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from services.base.normalisation import FIRST_DAY, LAST_DAY, clean_line, clean_prose

LARGEST_NUMBER = 2**31 - 1


class LineField(forms.CharField):
    """A single line of typed text: a name, a title, a question."""

    def to_python(self, value):
        """Normalise before the length is validated."""
        value = super().to_python(value)
        return clean_line(value) if value else value


class ProseField(forms.CharField):
    """Several lines of typed text."""

    widget = forms.Textarea

    def to_python(self, value):
        """Normalise before the length is validated."""
        value = super().to_python(value)
        return clean_prose(value) if value else value


class NumberField(forms.IntegerField):
    """A whole number that fits every integer column."""

    default_validators = [MinValueValidator(-LARGEST_NUMBER), MaxValueValidator(LARGEST_NUMBER)]


class DayField(forms.DateField):
    """A date from 1900 to 2100."""

    default_validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
