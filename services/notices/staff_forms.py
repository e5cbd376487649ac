"""What staff type about notices, turned into clean arguments: drafts in many languages, emergencies from patterns."""

import datetime
import re

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.base.hygiene import DayField, LineField, ProseField, clean_code
from services.base.public_ids import public_id
from services.languages.choice import staff_language
from services.languages.fields import LanguagesField
from services.languages.table import SPOKEN, Language
from services.notices.models import Notice, Topic
from services.notices.patterns import NAMES_OF_PLACES, TIMES, Pattern, intensities, levels, words_of_pattern

FIRST_YEAR, LAST_YEAR = 1900, 2100
LONGEST_TITLE, LONGEST_BODY, LONGEST_PLACE, LONGEST_SOURCE, LONGEST_REASON = 200, 10_000, 200, 100, 500
LONGEST_NAME = 80  # of a place in an emergency: a line on a phone
LONGEST_EMERGENCY = datetime.timedelta(days=30)
USUAL_EMERGENCY = datetime.timedelta(hours=6)
_FORM_KEY = RegexValidator(r"^[A-Za-z0-9_-]{22}\Z")
_LATIN_UP_TO = "\u024f"


class MomentField(forms.DateTimeField):
    """A day and a time in the city's zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {
        "far": pgettext_lazy("staff", "Please write a year between 1900 and 2100."),
        "past": pgettext_lazy("staff", "This time is past."),
    }

    def to_python(self, value):
        """An aware moment within what every column can hold."""
        try:
            moment = super().to_python(value)
        except OverflowError as fault:
            raise ValidationError(self.error_messages["far"], code="far") from fault
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError(self.error_messages["far"], code="far")
        return moment


class FutureField(MomentField):
    """A moment that is still to come."""

    def validate(self, value):
        """Refuse what is past."""
        super().validate(value)
        if value and value <= timezone.now():
            raise ValidationError(self.error_messages["past"], code="past")


class PhoneField(LineField):
    """A telephone number as people read it."""

    default_validators = [
        RegexValidator(r"^[0-9+#*() .-]{3,30}\Z", pgettext_lazy("staff", "Please write a phone number.")),
    ]

    def to_python(self, value):
        """Without joiners."""
        value = forms.CharField.to_python(self, value)
        return clean_code(value) if value else value


class TimeField(forms.TimeField):
    """A time of day."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class KeyField(forms.CharField):
    """A form's own key, made when it is shown: whatever is sent twice with it happens once."""

    widget = forms.HiddenInput

    def __init__(self):
        super().__init__(initial=public_id, max_length=22, validators=[_FORM_KEY])


class AreaField(forms.ChoiceField):
    """One of the city's areas; empty is the whole city."""

    def __init__(self, language: str):
        areas = [(code, settings.CITY.area(code, language)) for code in settings.CITY.areas]
        whole = ("", pgettext_lazy("staff", "The whole city"))
        super().__init__(choices=[whole, *areas], required=False, label=pgettext_lazy("staff", "Area"))


def composing_order(source: str) -> list[Language]:
    """The offered languages as a writer meets them: the source, the easy one and English, then the rest."""
    first = dict.fromkeys([source, "ja-simple", "en"])
    offered = settings.CITY.offered()
    return [SPOKEN[code] for code in first if SPOKEN[code] in offered] + [it for it in offered if it.code not in first]


class TextsForm(forms.Form):
    """A notice's texts in every offered language. A translator sees only these."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    is_minor = forms.BooleanField(
        label=pgettext_lazy("staff", "Minor edit: the other languages stay as they are"), required=False
    )

    def __init__(self, *args, notice: Notice, language: str, **options):
        self.notice = notice
        self.source = notice.source_language or settings.CITY.default_language
        self.text_columns = {}
        super().__init__(*args, **options)
        for spoken in composing_order(self.source):
            self._add_texts(spoken)
        for name in self.stored_names():
            self.fields[name].initial = getattr(notice, name, None)  # a new one has no topic
        self.fields["seen"].initial = token_of(notice)

    def _add_texts(self, spoken: Language) -> None:
        is_source = spoken.code == self.source
        title, body, place = (f"{name}_{spoken.column}" for name in ("title", "body", "place"))
        self.fields[title] = title_field(spoken, required=is_source)
        self.fields[body] = body_field(spoken, required=is_source)
        self.fields[place] = LineField(
            label=_of_language(pgettext("staff", "Place"), spoken),
            max_length=LONGEST_PLACE,
            required=False,
            widget=forms.TextInput(attrs=_marks(spoken)),
        )
        self.text_columns[spoken.code] = (title, body, place)

    def stored_names(self) -> list[str]:
        """The fields that are columns of the notice."""
        return [name for name in self.fields if name not in {"seen", "is_minor", "key"}]

    def changed_names(self) -> list[str]:
        """Columns whose typed value differs from what is stored now."""
        return [name for name in self.stored_names() if not self._is_as_before(name)]

    def _is_as_before(self, name: str) -> bool:
        typed, kept = self.cleaned_data[name], getattr(self.notice, name, None)
        if isinstance(kept, str):  # a field cuts the white space off the ends
            kept = kept.strip()
        return (typed or None) == (kept or None)

    def fill(self, notice: Notice) -> None:
        """Put what was typed onto the row."""
        for name in self.stored_names():
            setattr(notice, name, self.cleaned_data[name])


def title_field(spoken: Language, *, required: bool) -> LineField:
    """A notice's title in one language."""
    return LineField(
        label=_of_language(pgettext("staff", "Title"), spoken),
        max_length=LONGEST_TITLE,
        required=required,
        widget=forms.TextInput(attrs=_marks(spoken)),
    )


def body_field(spoken: Language, *, required: bool) -> ProseField:
    """A notice's text in one language."""
    return ProseField(
        label=_of_language(pgettext("staff", "Text (Markdown)"), spoken),
        max_length=LONGEST_BODY,
        required=required,
        widget=forms.Textarea(attrs={**_marks(spoken), "rows": 8}),
    )


def _marks(spoken: Language) -> dict[str, str]:
    return {"lang": spoken.code, "dir": spoken.dir}


def _of_language(name: str, spoken: Language) -> str:
    """A field's name with its language, so that ten titles are ten names."""
    told = pgettext("staff", "%(field)s · %(language)s")
    return told % {"field": name, "language": spoken.own_name}


class DraftForm(TextsForm):
    """A whole draft, for its editor."""

    topic = forms.ModelChoiceField(
        Topic.objects.none(), to_field_name="code", empty_label=None, label=pgettext_lazy("staff", "Topic")
    )
    starts_at = MomentField(label=pgettext_lazy("staff", "Begins"), required=False)
    ends_at = MomentField(label=pgettext_lazy("staff", "Ends"), required=False)
    until = FutureField(
        label=pgettext_lazy("staff", "On the front page until"),
        help_text=pgettext_lazy("staff", "After this it goes to the archive and is not sent any more."),
        required=False,
    )

    def __init__(self, *args, notice: Notice, language: str, **options):
        super().__init__(*args, notice=notice, language=language, **options)
        spoken = staff_language(language)
        topics = self.fields["topic"]
        topics.queryset = Topic.objects.all()
        topics.label_from_instance = lambda topic: getattr(topic, f"name_{spoken}") or topic.code
        topics.initial = notice.topic.code if notice.topic_id else None
        self.fields["to_languages"] = LanguagesField(
            label=pgettext_lazy("staff", "Only readers of"),
            help_text=pgettext_lazy("staff", "No tick: readers of every language."),
            required=False,
        )
        self.fields["area"] = AreaField(spoken)
        if not settings.CITY.areas:
            del self.fields["area"]
        for name in ("starts_at", "ends_at", "until", "to_languages", "area"):
            if name in self.fields:
                self.fields[name].initial = getattr(notice, name)

    def clean(self):
        """What ends has begun."""
        words = super().clean()
        starts_at, ends_at = words.get("starts_at"), words.get("ends_at")
        if ends_at and not starts_at:
            self.add_error("starts_at", pgettext("staff", "Please say when it begins."))
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", pgettext("staff", "It ends before it begins."))
        return words


class NewDraftForm(DraftForm):
    """The first save of a draft: sent twice, it makes one."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["key"] = KeyField()


def token_of(notice: Notice) -> str:
    """Which state of the draft a form was made from."""
    return notice.changed_at.isoformat() if notice.pk else ""


class ApprovalForm(forms.Form):
    """When it goes out. `seen`: which state of the text the approver has before them."""

    seen = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    scheduled_at = FutureField(
        label=pgettext_lazy("staff", "Send at"),
        help_text=pgettext_lazy("staff", "Empty: at once."),
        required=False,
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = LineField(label=pgettext_lazy("staff", "Reason"), max_length=LONGEST_REASON)


# --- Emergencies --------------------------------------------------------------------------------


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
