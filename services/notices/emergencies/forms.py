"""What staff type about emergencies, turned into clean arguments: a pattern's slots, one more language."""

import datetime
import re

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.base.hygiene import DayField, LineField
from services.languages.choice import staff_language
from services.languages.fields import LanguagesField
from services.languages.table import SPOKEN, Language
from services.notices.models import Notice
from services.notices.patterns import NAMES_OF_PLACES, TIMES, Pattern, intensities, levels, words_of_pattern
from services.notices.staff_fields import (
    AreaField,
    FutureField,
    KeyField,
    MomentField,
    PhoneField,
    TimeField,
    body_field,
    title_field,
)

LONGEST_NAME = 80  # of a place in an emergency: a line on a phone
LONGEST_SOURCE = 100
LONGEST_EMERGENCY = datetime.timedelta(days=30)
USUAL_EMERGENCY = datetime.timedelta(hours=6)
_LATIN_UP_TO = "\u024f"


class EmergencyForm(forms.Form):
    """The slots of one pattern, and what every emergency says: how grave, where, until when, who says so."""

    def __init__(self, *args, pattern: Pattern, language: str, **options):
        super().__init__(*args, **options)
        self.pattern = pattern
        spoken = staff_language(language)
        for slot in pattern.slots:
            if slot != "area":  # every emergency has one
                self._add_slot(slot, spoken)
        self.fields["area"] = AreaField(spoken)
        self.fields["level"] = forms.TypedChoiceField(
            label=pgettext("staff", "Warning level"),
            coerce=int,
            choices=[(number, f"{number} – {level.names[spoken]}") for number, level in levels().items()],
            initial=pattern.usual_level,
            help_text=pgettext("staff", "From level 4 on nobody can put the banner away."),
        )
        self.fields["until"] = FutureField(
            label=pgettext("staff", "Holds until"),
            initial=default_until,
            help_text=pgettext("staff", "Six hours are usual."),
        )
        self.fields["source"] = LineField(
            label=pgettext("staff", "Source"),
            max_length=LONGEST_SOURCE,
            help_text=pgettext(
                "staff", "Who says so, for example the meteorological agency. Readers see it as you write it."
            ),
        )
        self.fields["is_exercise"] = forms.BooleanField(
            label=pgettext("staff", "This is a drill: every text says so"), required=False
        )
        self.fields["updates"] = forms.CharField(widget=forms.HiddenInput, max_length=22, required=False)
        self.fields["key"] = KeyField()

    def _add_slot(self, slot: str, language: str) -> None:
        label = _SLOT_LABELS[slot]
        if slot in NAMES_OF_PLACES:
            self.fields[slot] = LineField(
                label=label,
                max_length=LONGEST_NAME,
                help_text=pgettext(
                    "staff", "As it stands on the signs. Readings may be written as &#123;漢字|かんじ}."
                ),
            )
            self.fields[f"{slot}_latin"] = LineField(
                label=pgettext("staff", "The same in Latin letters"), max_length=LONGEST_NAME, required=False
            )
        elif slot in TIMES:
            self.fields[slot] = TimeField(label=label)
        elif slot == "date":
            self.fields[slot] = DayField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        elif slot == "eta":
            self.fields[slot] = MomentField(label=label)
        elif slot == "intensity":
            names = [(code, names[language]) for code, names in intensities().items()]
            self.fields[slot] = forms.ChoiceField(label=label, choices=names)
        elif slot == "languages":
            self.fields[slot] = LanguagesField(label=label)
        elif slot == "phone":
            self.fields[slot] = PhoneField(label=label)

    def clean_until(self):
        """No banner stands for a year."""
        until = self.cleaned_data["until"]
        if until > timezone.now() + LONGEST_EMERGENCY:
            raise ValidationError(pgettext("staff", "At most 30 days. Update it if it holds longer."))
        return until

    def clean(self):
        """Names that readers of other scripts can read."""
        words = super().clean()
        for slot in NAMES_OF_PLACES & set(self.pattern.slots):
            if words.get(slot) and not words.get(f"{slot}_latin") and _needs_latin(words[slot]):
                told = pgettext("staff", "Please write it in Latin letters too: readers of other scripts need them.")
                self.add_error(f"{slot}_latin", told)
            for name in (slot, f"{slot}_latin"):
                if re.search(r"\{[a-z]+\}", words.get(name) or ""):
                    self.add_error(name, pgettext("staff", "Please write a name, without braces."))
        return words

    def slots(self) -> dict:
        """What fills the pattern, as patterns.say_slot takes it."""
        return {slot: self._slot(slot) for slot in self.pattern.slots}

    def _slot(self, slot: str):
        value = self.cleaned_data[slot]
        if slot in NAMES_OF_PLACES:
            return {"local": value, "latin": self.cleaned_data[f"{slot}_latin"]}
        if slot in TIMES:
            return value.strftime("%H:%M")
        if slot == "date":
            return value.isoformat()
        if slot == "eta":
            return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
        return value

    def notice(self) -> Notice:
        """The emergency as it would go out, in every language that the pattern is ready in; not saved."""
        words = self.cleaned_data
        slots = self.slots()
        texts = {}
        for code in self.pattern.languages():
            column = SPOKEN[code].column
            texts[f"title_{column}"] = self.pattern.titles[code]
            texts[f"body_{column}"] = self.pattern.fill(slots, code)
        kept = {name: words[name] for name in ("level", "area", "until", "source", "is_exercise")}
        return Notice(
            public_id=words["key"],
            source_language=settings.CITY.default_language,
            pattern=self.pattern.code,
            slots=slots,
            **kept,
            **texts,
        )


class LanguageForm(forms.Form):
    """An emergency's words in one more language; where its pattern is ready in it by now, those to begin from."""

    def __init__(self, *args, notice: Notice, spoken: Language, **options):
        title, body = words_of_pattern(notice.pattern, notice.slots, spoken.code)
        super().__init__(*args, initial={"title": title, "body": body}, **options)
        self.fields["title"] = title_field(spoken, required=True)
        self.fields["body"] = body_field(spoken, required=True)

    def clean_body(self):
        """What was typed; the pattern's own text with its marks of direction, which nobody may type, if it is that."""
        typed, kept = self.cleaned_data["body"], self.initial["body"]
        return kept if kept and typed == self.fields["body"].clean(kept) else typed


def _needs_latin(name: str) -> bool:
    return any(mark.isalpha() and mark > _LATIN_UP_TO for mark in name)


def with_named_slots(text: str) -> str:
    """A pattern's text with what is to be filled in by its name: "Go to [Shelter]."."""
    for slot, label in _SLOT_LABELS.items():
        text = text.replace(f"{{{slot}}}", f"[{label}]")
    return text


def typed_slots(notice: Notice) -> dict:
    """An emergency's values as its form takes them, for the form of what updates it."""
    typed = {"level": notice.level, "area": notice.area, "source": notice.source, "is_exercise": notice.is_exercise}
    for slot, value in notice.slots.items():
        if isinstance(value, dict):
            typed |= {slot: value["local"], f"{slot}_latin": value.get("latin", "")}
        elif slot != "area":
            typed[slot] = value
    if notice.until and notice.until > timezone.now():
        typed["until"] = notice.until
    return typed | {"updates": notice.public_id}


def default_until() -> datetime.datetime:
    """Six hours from now, on a full minute."""
    return (timezone.now() + USUAL_EMERGENCY).replace(second=0, microsecond=0)


_SLOT_LABELS = {
    "area": pgettext_lazy("staff", "Area"),
    "place": pgettext_lazy("staff", "Place"),
    "shelter": pgettext_lazy("staff", "Shelter"),
    "alternative": pgettext_lazy("staff", "Go instead to"),
    "line": pgettext_lazy("staff", "Railway line"),
    "time": pgettext_lazy("staff", "Time"),
    "start": pgettext_lazy("staff", "From"),
    "end": pgettext_lazy("staff", "To"),
    "date": pgettext_lazy("staff", "Day"),
    "eta": pgettext_lazy("staff", "Expected back"),
    "intensity": pgettext_lazy("staff", "Seismic intensity"),
    "languages": pgettext_lazy("staff", "Languages of the telephone help"),
    "phone": pgettext_lazy("staff", "Phone number"),
}
