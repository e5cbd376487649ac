"""Form fields for text, numbers and dates: normalised, visible, and within the database's limits."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator

from services.base.machine_text import clean_code, fold_code, fold_width, parse_clock, parse_day
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


class MachineTextField(forms.CharField):
    """A code, an email address or a phone number: without invisible marks, and with ASCII for full-width characters.

    `services.base.machine_text` has the functions that turn each kind into its one spelling.
    """

    def to_python(self, value):
        """Normalise before the length is validated."""
        value = super().to_python(value)
        return clean_line(fold_width(value)) if value else value


class CodeField(MachineTextField):
    """A code that somebody copies by hand."""

    def to_python(self, value):
        """Normalise as `clean_code` does."""
        value = super().to_python(value)
        return clean_code(value) if value else value


class ClockField(forms.TimeField):
    """A time of day, on a clock of 24 or of 12 hours."""

    def to_python(self, value):
        """Return the time, or None for an empty field."""
        if value in self.empty_values or not isinstance(value, str):
            return super().to_python(value)
        try:
            return parse_clock(value)
        except ValueError as fault:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from fault


class NumberField(forms.IntegerField):
    """A whole number that fits every integer column."""

    default_validators = [MinValueValidator(-LARGEST_NUMBER), MaxValueValidator(LARGEST_NUMBER)]


class DayField(forms.DateField):
    """A date from 1900 to 2100."""

    default_validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]

    def to_python(self, value):
        """Read a date as offices write it, Japanese years included, or in the order of the reader's language."""
        if not isinstance(value, str) or not value:
            return super().to_python(value)
        try:
            return parse_day(value)
        except ValueError:
            return super().to_python(fold_code(value))
