"""What staff type about news, turned into clean arguments: drafts in many languages, approval, reasons."""

from django import forms
from django.conf import settings
from django.utils.translation import pgettext, pgettext_lazy

from services.base.hygiene import LineField
from services.languages.choice import staff_language
from services.languages.fields import LanguagesField
from services.languages.table import SPOKEN, Language
from services.notices.models import Notice, Topic
from services.notices.staff_fields import (
    AreaField,
    FutureField,
    KeyField,
    MomentField,
    body_field,
    place_field,
    title_field,
)

LONGEST_REASON = 500


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
        self.fields[place] = place_field(spoken)
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
