"""Forms of the statistics pages."""

from django import forms
from django.utils.translation import pgettext_lazy

from consultations.records import taxonomy
from consultations.records.models import ConsultationChannel, Outcome
from services.base.form_fields import LineField
from services.figures.periods import parse_month


class MonthField(forms.CharField):
    """A month as YYYY-MM."""

    default_error_messages = {"invalid": pgettext_lazy("staff", "The month is not valid.")}

    def __init__(self, **options):
        super().__init__(max_length=7, **options)

    def clean(self, value):
        """Return the first day of the month."""
        month = parse_month(super().clean(value))
        if month is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return month


class CloseMonthForm(forms.Form):
    """The month to close."""

    month = MonthField(widget=forms.HiddenInput)


class ReopenMonthForm(CloseMonthForm):
    """The month to reopen, and the reason."""

    reason = LineField(label=pgettext_lazy("staff", "Reason for reopening"), max_length=200)


class ExportRowsForm(forms.Form):
    """Filters for the consultations to export, named as in the list's URL."""

    language = forms.ChoiceField(required=False, choices=lambda: _code_choices(taxonomy.languages()))
    topic = forms.ChoiceField(required=False, choices=lambda: _code_choices(taxonomy.topics()))
    channel = forms.ChoiceField(required=False, choices=ConsultationChannel)
    outcome = forms.ChoiceField(required=False, choices=Outcome)

    def chosen(self) -> dict[str, str]:
        """Return the filters that were set, by column."""
        return {name: value for name, value in self.cleaned_data.items() if value}


def _code_choices(rows) -> list[tuple[str, str]]:
    return [("", ""), *((code, code) for code in rows)]
