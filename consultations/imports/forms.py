"""Forms for uploading a past log and for planning how to read it."""

import hashlib
from collections.abc import Iterator

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import pgettext, pgettext_lazy

from consultations.imports import parsing
from consultations.records.models import LONGEST_MINUTES
from consultations.roster.forms import AdviserField
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.csv_files import CsvTable, UnreadableFile, decode_table, read_table
from services.base.form_fields import NumberField
from services.languages import negotiation

MAX_MEANINGS = 60  # different values of one column that the form asks about
LABELS = {
    "number": pgettext_lazy("staff: column of a past log", "Number"),
    "day": pgettext_lazy("staff: column of a past log", "Date"),
    "time": pgettext_lazy("staff: column of a past log", "Start time"),
    "minutes": pgettext_lazy("staff: column of a past log", "Minutes"),
    "channel": pgettext_lazy("staff: column of a past log", "How they contacted us"),
    "language": pgettext_lazy("staff: column of a past log", "Language used"),
    "language_support": pgettext_lazy("staff: column of a past log", "Language support"),
    "topics": pgettext_lazy("staff: column of a past log", "Topics"),
    "outcome": pgettext_lazy("staff: column of a past log", "Outcome"),
    "enquirer": pgettext_lazy("staff: column of a past log", "Who contacted us"),
    "note": pgettext_lazy("staff: column of a past log", "Note"),
    "mother_tongue": pgettext_lazy("staff: column of a past log", "Mother tongue"),
    "nationality": pgettext_lazy("staff: column of a past log", "Nationality"),
    "referred_to": pgettext_lazy("staff: column of a past log", "Referred to"),
    "adviser": pgettext_lazy("staff: column of a past log", "Adviser's email address"),
}


class ImportUploadForm(forms.Form):
    """A CSV file to upload."""

    file = forms.FileField(
        label=pgettext_lazy("staff", "CSV file"),
        help_text=pgettext_lazy("staff", "UTF-8, UTF-16 or Shift_JIS. The separator is detected automatically."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
        allow_empty_file=True,
    )

    def __init__(self, *args, sent_bytes: int = 0, **options):
        self.sent_bytes = sent_bytes
        super().__init__(*args, **options)

    def clean(self):
        """Say that the file is too large: the upload handlers (FILE_UPLOAD_HANDLERS) drop it before it gets here."""
        if "file" not in self.cleaned_data and self.sent_bytes > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            del self.errors["file"]
            text = pgettext("staff", "This file is too large. The limit is %(number)s MB. Split it into several files.")
            self.add_error("file", text % {"number": settings.FILE_UPLOAD_MAX_MEMORY_SIZE // 2**20})
        return self.cleaned_data

    def clean_file(self):
        """Return the file's text. Raises `ValidationError` if it is not a table."""
        try:
            text = decode_table(self.cleaned_data["file"].read())
            read_table(text)
        except UnreadableFile as why:
            raise ValidationError(str(why)) from why
        return text


class ImportPlanForm(forms.Form):
    """Which column holds which field, what its values mean, and defaults for empty cells. Guessed, then edited."""

    def __init__(self, table: CsvTable, typed=None):
        self.table, self.guesses = table, parsing.guess_columns(table)
        super().__init__(typed.copy() if typed is not None else None)
        with negotiation.staff_language_override():
            self._make_fields()

    def _make_fields(self) -> None:
        self.fields["adviser"] = AdviserField(
            label=pgettext("staff", "Adviser for these consultations"),
            help_text=pgettext(
                "staff",
                "Only this adviser will be able to read the notes. If there is a column with advisers' email "
                "addresses, it takes priority.",
            ),
        )
        self.fields["adviser"].queryset = _advisers()
        columns = enumerate(self.table.columns)
        places = [("", "–"), *((str(place), parsing.display_text(name)) for place, name in columns)]
        for name, label in LABELS.items():
            guess = self.guesses.get(name, "")
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=str(label), choices=places, required=False, initial=str(guess)
            )
            if name in parsing.CODED_FIELDS:
                self.fields[f"otherwise_{name}"] = _code_field(pgettext("staff", "If the cell is empty"), name)
                self._add_meaning_fields(name)
        self.fields["otherwise_minutes"] = NumberField(
            label=pgettext("staff", "If the cell is empty"), min_value=1, max_value=LONGEST_MINUTES, required=False
        )

    def _add_meaning_fields(self, name: str) -> None:
        """Add a field for each value of the chosen column, those without a guess first."""
        place = str(self.data.get(f"column_{name}", "")) if self.is_bound else str(self.guesses.get(name, ""))
        if not (place.isascii() and place.isdigit() and len(place) < 4 and int(place) < len(self.table.columns)):
            return
        found = parsing.distinct_values(self.table, name, int(place))
        for value in sorted(found, key=lambda value: bool(parsing.guess_meaning(name, value)))[:MAX_MEANINGS]:
            guess, field_name = parsing.guess_meaning(name, value), _meaning_field_name(name, value)
            self.fields[field_name] = _code_field(parsing.display_text(value), name, initial=guess)
            self.fields[field_name].meaning_of = (name, value)
            if self.is_bound and field_name not in self.data:
                self.data[field_name] = guess

    def clean(self):
        """Require a column or a default for every required field, and no column twice."""
        data = super().clean()
        for name in parsing.REQUIRED_FIELDS:
            if not (data.get(f"column_{name}") or data.get(f"otherwise_{name}")) and not self._is_wrong(name):
                self.add_error(f"column_{name}", pgettext("staff", "Choose a column."))
        taken = [value for name, value in data.items() if name.startswith("column_") and value]
        for name in LABELS:
            if taken.count(data.get(f"column_{name}")) > 1 and not self._is_wrong(name):
                self.add_error(f"column_{name}", pgettext("staff", "You have chosen this column twice."))
        return data

    def _is_wrong(self, name: str) -> bool:
        return f"column_{name}" in self.errors or f"otherwise_{name}" in self.errors

    def plan(self) -> parsing.ImportPlan:
        """Return the import plan that was chosen."""
        data = self.cleaned_data
        return parsing.ImportPlan(
            columns={name: int(data[f"column_{name}"]) for name in LABELS if data[f"column_{name}"]},
            adviser=data["adviser"],
            defaults={name: str(data[f"otherwise_{name}"] or "") for name in (*parsing.CODED_FIELDS, "minutes")},
            meanings={
                field.meaning_of: data[name]
                for name, field in self.fields.items()
                if hasattr(field, "meaning_of") and data[name]
            },
            advisers={adviser.email.casefold(): adviser for adviser in _advisers()},
        )

    def lines(self) -> Iterator[tuple]:
        """Yield for each field of an entry: its column, its default for empty cells, and the meanings of its values."""
        for name in LABELS:
            default = f"otherwise_{name}"
            meanings = [self[key] for key, it in self.fields.items() if getattr(it, "meaning_of", ("",))[0] == name]
            yield self[f"column_{name}"], self[default] if default in self.fields else None, meanings


def _advisers():
    return User.objects.filter(grants__role=Role.ADVISER, is_active=True).order_by("name", "pk")


def _code_field(label: str, name: str, **options) -> forms.ChoiceField:
    choices = [("", "–"), *parsing.code_labels(name).items()]
    return forms.ChoiceField(label=label, choices=choices, required=False, **options)


def _meaning_field_name(name: str, value: str) -> str:
    return f"means_{name}_{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:16]}"
