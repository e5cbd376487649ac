"""A table that somebody uploads, and how it is to be read."""

import hashlib
from collections.abc import Iterator

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import pgettext, pgettext_lazy

from consultations import importing, reading
from consultations.forms.roster import AdviserField
from consultations.models.consultations import LONGEST_MINUTES
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.hygiene import NumberField
from services.base.tables import Table, Unreadable, decode_table, read_table

MOST_WORDS = 60  # of one column that the form asks about
LABELS = {
    "number": pgettext_lazy("staff: column of a past log", "Number"),
    "day": pgettext_lazy("staff: column of a past log", "Day"),
    "time": pgettext_lazy("staff: column of a past log", "Time"),
    "minutes": pgettext_lazy("staff: column of a past log", "Minutes"),
    "channel": pgettext_lazy("staff: column of a past log", "Channel"),
    "language": pgettext_lazy("staff: column of a past log", "Language used"),
    "bridging": pgettext_lazy("staff: column of a past log", "How the two understood each other"),
    "topics": pgettext_lazy("staff: column of a past log", "Topics"),
    "outcome": pgettext_lazy("staff: column of a past log", "Outcome"),
    "asker": pgettext_lazy("staff: column of a past log", "Who asked"),
    "note": pgettext_lazy("staff: column of a past log", "Note"),
    "mother_tongue": pgettext_lazy("staff: column of a past log", "Mother tongue"),
    "nationality": pgettext_lazy("staff: column of a past log", "Nationality"),
    "referred_to": pgettext_lazy("staff: column of a past log", "Where they were referred to"),
    "adviser": pgettext_lazy("staff: column of a past log", "Adviser's e-mail address"),
}


class UploadForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label=pgettext_lazy("staff", "CSV file"),
        help_text=pgettext_lazy("staff", "UTF-8, UTF-16 or Shift_JIS; the separator is found out."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
        allow_empty_file=True,
    )

    def __init__(self, *args, sent_bytes: int = 0, **options):
        self.sent_bytes = sent_bytes
        super().__init__(*args, **options)

    def clean(self):
        """What was too large did not get this far (FILE_UPLOAD_HANDLERS): the form must say so."""
        if "file" not in self.cleaned_data and self.sent_bytes > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            del self.errors["file"]
            told = pgettext("staff", "This file is too large: %(number)s MB at most. Please cut it into several.")
            self.add_error("file", told % {"number": settings.FILE_UPLOAD_MAX_MEMORY_SIZE // 2**20})
        return self.cleaned_data

    def clean_file(self):
        """Its text; refused if it is no table."""
        try:
            text = decode_table(self.cleaned_data["file"].read())
            read_table(text)
        except Unreadable as why:
            raise ValidationError(str(why)) from why
        return text


class PlanForm(forms.Form):
    """Which column is which, what its words mean, what holds where a cell is empty. Guessed, then changed by hand."""

    def __init__(self, table: Table, typed=None):
        self.table, self.guesses = table, importing.guess_columns(table)
        super().__init__(typed.copy() if typed is not None else None)
        with reading.for_staff():
            self._make_fields()

    def _make_fields(self) -> None:
        self.fields["adviser"] = AdviserField(
            label=pgettext("staff", "Whose consultations"),
            help_text=pgettext(
                "staff", "This adviser alone can read the notes. A column with e-mail addresses goes first."
            ),
        )
        self.fields["adviser"].queryset = _advisers()
        places = [("", "–"), *((str(place), importing.shown(name)) for place, name in enumerate(self.table.columns))]
        for name, label in LABELS.items():
            guess = self.guesses.get(name, "")
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=str(label), choices=places, required=False, initial=str(guess)
            )
            if name in importing.CODED:
                self.fields[f"otherwise_{name}"] = _chosen(pgettext("staff", "If it is empty"), name)
                self._ask_for_meanings(name)
        self.fields["otherwise_minutes"] = NumberField(
            label=pgettext("staff", "If it is empty"), min_value=1, max_value=LONGEST_MINUTES, required=False
        )

    def _ask_for_meanings(self, name: str) -> None:
        """A field for each of the words that stand in the column as it is chosen now; those that nobody knows first."""
        place = str(self.data.get(f"column_{name}", "")) if self.is_bound else str(self.guesses.get(name, ""))
        if not (place.isascii() and place.isdigit() and len(place) < 4 and int(place) < len(self.table.columns)):
            return
        found = importing.words_in(self.table, name, int(place))
        for words in sorted(found, key=lambda words: bool(importing.meaning(name, words)))[:MOST_WORDS]:
            guess, called = importing.meaning(name, words), _name_of(name, words)
            self.fields[called] = _chosen(importing.shown(words), name, initial=guess)
            self.fields[called].words = (name, words)
            if self.is_bound and called not in self.data:
                self.data[called] = guess

    def clean(self):
        """What is needed stands in a column, or holds for all."""
        words = super().clean()
        for name in importing.NEEDED:
            if not (words.get(f"column_{name}") or words.get(f"otherwise_{name}")) and not self._is_wrong(name):
                self.add_error(f"column_{name}", pgettext("staff", "Please choose a column."))
        taken = [value for name, value in words.items() if name.startswith("column_") and value]
        for name in LABELS:
            if taken.count(words.get(f"column_{name}")) > 1 and not self._is_wrong(name):
                self.add_error(f"column_{name}", pgettext("staff", "This column is chosen twice."))
        return words

    def _is_wrong(self, name: str) -> bool:
        return f"column_{name}" in self.errors or f"otherwise_{name}" in self.errors

    def plan(self) -> importing.Plan:
        """What was chosen."""
        words = self.cleaned_data
        return importing.Plan(
            columns={name: int(words[f"column_{name}"]) for name in LABELS if words[f"column_{name}"]},
            adviser=words["adviser"],
            otherwise={name: str(words[f"otherwise_{name}"] or "") for name in (*importing.CODED, "minutes")},
            meanings={
                it.words: words[name] for name, it in self.fields.items() if hasattr(it, "words") and words[name]
            },
            advisers={adviser.email.casefold(): adviser for adviser in _advisers()},
        )

    def lines(self) -> Iterator[tuple]:
        """For each of our fields: its column, what holds if that is empty, and what its words mean."""
        for name in LABELS:
            otherwise = f"otherwise_{name}"
            asked = [self[called] for called, it in self.fields.items() if getattr(it, "words", ("",))[0] == name]
            yield self[f"column_{name}"], self[otherwise] if otherwise in self.fields else None, asked


def _advisers():
    return User.objects.filter(grants__role=Role.ADVISER, is_active=True).order_by("name", "pk")


def _chosen(label: str, name: str, **options) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[("", "–"), *importing.codes(name).items()], required=False, **options
    )


def _name_of(name: str, words: str) -> str:
    return f"means_{name}_{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:16]}"
