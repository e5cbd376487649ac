"""What is typed on the pages of figures, turned into clean arguments."""

from django import forms
from django.utils.translation import pgettext_lazy

from consultations import taxonomy
from consultations.figures.periods import read_month
from consultations.models import Channel, Outcome
from services.base.hygiene import LineField


class MonthField(forms.CharField):
    """A month as YYYY-MM; its first day."""

    default_error_messages = {"invalid": pgettext_lazy("staff", "This is no month.")}

    def __init__(self, **options):
        super().__init__(max_length=7, **options)

    def clean(self, value):
        """The first day of the month."""
        month = read_month(super().clean(value))
        if month is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return month


class MonthForm(forms.Form):
    """Which month is closed."""

    month = MonthField(widget=forms.HiddenInput)


class ReopenForm(MonthForm):
    """Which month is reopened, and why."""

    reason = LineField(label=pgettext_lazy("staff", "Why it is reopened"), max_length=200)


class RowsForm(forms.Form):
    """Which consultations are taken along: the same words as in the list's address."""

    language = forms.ChoiceField(required=False, choices=lambda: _codes(taxonomy.tongues()))
    topic = forms.ChoiceField(required=False, choices=lambda: _codes(taxonomy.topics()))
    channel = forms.ChoiceField(required=False, choices=Channel)
    outcome = forms.ChoiceField(required=False, choices=Outcome)

    def chosen(self) -> dict[str, str]:
        """What was chosen, by column."""
        return {name: value for name, value in self.cleaned_data.items() if value}


def _codes(rows) -> list[tuple[str, str]]:
    return [("", ""), *((code, code) for code in rows)]
