"""Forms of emergencies: a template's placeholders, and a text in an additional language."""

import datetime
import re

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.base.form_fields import DayField, LineField
from services.languages.form_fields import LanguagesField
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN, Language
from services.notices.alert_templates import (
    PLACE_PLACEHOLDERS,
    TIME_PLACEHOLDERS,
    AlertTemplate,
    alert_levels,
    fill_template,
    intensities,
)
from services.notices.form_fields import (
    AreaField,
    FutureMomentField,
    IdempotencyKeyField,
    MomentField,
    PhoneField,
    TimeInputField,
    body_field,
    title_field,
)
from services.notices.news.models import Notice

MAX_NAME_LENGTH = 80  # of a place: fits a line on a phone
MAX_SOURCE_LENGTH = 100
MAX_DURATION = datetime.timedelta(days=30)
DEFAULT_DURATION = datetime.timedelta(hours=6)
_LAST_LATIN_LETTER = "\u024f"


class EmergencyForm(forms.Form):
    """A template's placeholders, and what every emergency has: level, area, end and source."""

    def __init__(self, *args, pattern: AlertTemplate, language: str, **options):
        super().__init__(*args, **options)
        self.pattern = pattern
        spoken = staff_language(language)
        for name in pattern.placeholders:
            if name != "area":  # every emergency has one
                self._add_placeholder(name, spoken)
        self.fields["area"] = AreaField(spoken)
        self.fields["level"] = forms.TypedChoiceField(
            label=pgettext("staff", "Warning level"),
            coerce=int,
            choices=[(number, f"{number} – {level.names[spoken]}") for number, level in alert_levels().items()],
            initial=pattern.usual_level,
            help_text=pgettext("staff", "At level 4 and above, the banner cannot be hidden."),
        )
        self.fields["until"] = FutureMomentField(
            label=pgettext("staff", "Valid until"),
            initial=default_until,
            help_text=pgettext("staff", "Usually six hours."),
        )
        self.fields["source"] = LineField(
            label=pgettext("staff", "Source"),
            max_length=MAX_SOURCE_LENGTH,
            help_text=pgettext(
                "staff",
                "The organisation that issued the information, for example the meteorological agency. Readers will "
                "see the name exactly as you enter it.",
            ),
        )
        self.fields["is_exercise"] = forms.BooleanField(
            label=pgettext("staff", "This is a drill (all texts will say so)"), required=False
        )
        self.fields["updates"] = forms.CharField(widget=forms.HiddenInput, max_length=22, required=False)
        self.fields["key"] = IdempotencyKeyField()

    def _add_placeholder(self, name: str, language: str) -> None:
        label = _PLACEHOLDER_LABELS[name]
        if name in PLACE_PLACEHOLDERS:
            self.fields[name] = LineField(
                label=label,
                max_length=MAX_NAME_LENGTH,
                help_text=pgettext(
                    "staff",
                    "Enter the name as it appears on signs. You can add furigana like this: &#123;漢字|かんじ}.",
                ),
            )
            self.fields[f"{name}_latin"] = LineField(
                label=pgettext("staff", "Name in Latin letters"), max_length=MAX_NAME_LENGTH, required=False
            )
        elif name in TIME_PLACEHOLDERS:
            self.fields[name] = TimeInputField(label=label)
        elif name == "date":
            self.fields[name] = DayField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        elif name == "eta":
            self.fields[name] = MomentField(label=label)
        elif name == "intensity":
            names = [(code, names[language]) for code, names in intensities().items()]
            self.fields[name] = forms.ChoiceField(label=label, choices=names)
        elif name == "languages":
            self.fields[name] = LanguagesField(label=label)
        elif name == "phone":
            self.fields[name] = PhoneField(label=label)

    def clean_until(self):
        """Limit the duration of an emergency."""
        until = self.cleaned_data["until"]
        if until > timezone.now() + MAX_DURATION:
            raise ValidationError(
                pgettext(
                    "staff",
                    "Choose a time within the next 30 days. You can update the notice later if it needs to last "
                    "longer.",
                )
            )
        return until

    def clean(self):
        """Require names in Latin letters too, for readers of other scripts."""
        data = super().clean()
        for name in PLACE_PLACEHOLDERS & set(self.pattern.placeholders):
            if data.get(name) and not data.get(f"{name}_latin") and _needs_latin(data[name]):
                message = pgettext("staff", "Enter the name in Latin letters too. Readers of other scripts need it.")
                self.add_error(f"{name}_latin", message)
            for field in (name, f"{name}_latin"):
                if re.search(r"\{[a-z]+\}", data.get(field) or ""):
                    self.add_error(field, pgettext("staff", "Enter a name without curly brackets."))
        return data

    def placeholders(self) -> dict:
        """Return the values of the placeholders, in the form that `alert_templates.format_placeholder` takes."""
        return {name: self._placeholder_value(name) for name in self.pattern.placeholders}

    def _placeholder_value(self, name: str):
        value = self.cleaned_data[name]
        if name in PLACE_PLACEHOLDERS:
            return {"local": value, "latin": self.cleaned_data[f"{name}_latin"]}
        if name in TIME_PLACEHOLDERS:
            return value.strftime("%H:%M")
        if name == "date":
            return value.isoformat()
        if name == "eta":
            return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
        return value

    def notice(self) -> Notice:
        """Return the emergency, unsaved, with the texts of all the template's languages."""
        data = self.cleaned_data
        placeholders = self.placeholders()
        texts = {}
        for code in self.pattern.languages():
            column = SPOKEN[code].column
            texts[f"title_{column}"] = self.pattern.titles[code]
            texts[f"body_{column}"] = self.pattern.fill(placeholders, code)
        fields = {name: data[name] for name in ("level", "area", "until", "source", "is_exercise")}
        return Notice(
            public_id=data["key"],
            source_language=settings.CITY.default_language,
            pattern=self.pattern.code,
            placeholders=placeholders,
            **fields,
            **texts,
        )


class LanguageForm(forms.Form):
    """An emergency's text in an additional language, prefilled if the template has one by now."""

    def __init__(self, *args, notice: Notice, spoken: Language, **options):
        title, body = fill_template(notice.pattern, notice.placeholders, spoken.code)
        super().__init__(*args, initial={"title": title, "body": body}, **options)
        self.fields["title"] = title_field(spoken, required=True)
        self.fields["body"] = body_field(spoken, required=True)

    def clean_body(self):
        """Return the typed text, but the template's own text, with bidi controls that nobody can type, if unchanged."""
        typed, initial = self.cleaned_data["body"], self.initial["body"]
        return initial if initial and typed == self.fields["body"].clean(initial) else typed


def _needs_latin(name: str) -> bool:
    return any(letter.isalpha() and letter > _LAST_LATIN_LETTER for letter in name)


def named_placeholders(text: str) -> str:
    """Return a template's text with placeholders shown by their labels: "Go to [Shelter]."."""
    for name, label in _PLACEHOLDER_LABELS.items():
        text = text.replace(f"{{{name}}}", f"[{label}]")
    return text


def typed_placeholders(notice: Notice) -> dict:
    """Return an emergency's values as initial values of the form for its update."""
    typed = {"level": notice.level, "area": notice.area, "source": notice.source, "is_exercise": notice.is_exercise}
    for name, value in notice.placeholders.items():
        if isinstance(value, dict):
            typed |= {name: value["local"], f"{name}_latin": value.get("latin", "")}
        elif name != "area":
            typed[name] = value
    if notice.until and notice.until > timezone.now():
        typed["until"] = notice.until
    return typed | {"updates": notice.public_id}


def default_until() -> datetime.datetime:
    """Return the time six hours from now, to the minute."""
    return (timezone.now() + DEFAULT_DURATION).replace(second=0, microsecond=0)


_PLACEHOLDER_LABELS = {
    "area": pgettext_lazy("staff", "Area"),
    "place": pgettext_lazy("staff", "Location"),
    "shelter": pgettext_lazy("staff", "Shelter"),
    "alternative": pgettext_lazy("staff", "Alternative shelter"),
    "line": pgettext_lazy("staff", "Railway line"),
    "time": pgettext_lazy("staff", "Time"),
    "start": pgettext_lazy("staff", "From"),
    "end": pgettext_lazy("staff", "To"),
    "date": pgettext_lazy("staff", "Date"),
    "eta": pgettext_lazy("staff", "Expected restoration time"),
    "intensity": pgettext_lazy("staff", "Seismic intensity"),
    "languages": pgettext_lazy("staff", "Languages of the helpline"),
    "phone": pgettext_lazy("staff", "Phone number"),
}
