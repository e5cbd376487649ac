"""Forms of notices: drafts in several languages, approval, reasons."""

from django import forms
from django.conf import settings
from django.utils.translation import pgettext, pgettext_lazy

from services.base.form_fields import LineField
from services.languages.form_fields import LanguagesField
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN, Language
from services.notices.form_fields import (
    AreaField,
    FutureMomentField,
    IdempotencyKeyField,
    MomentField,
    body_field,
    place_field,
    title_field,
)
from services.notices.news.models import Notice
from services.notices.subscriptions.models import Topic

MAX_REASON_LENGTH = 500


def composing_order(source: str) -> list[Language]:
    """Return the offered languages in the order of the editing page: source, Easy Japanese, English, the others."""
    first = dict.fromkeys([source, "ja-simple", "en"])
    offered = settings.CITY.offered()
    return [SPOKEN[code] for code in first if SPOKEN[code] in offered] + [it for it in offered if it.code not in first]


class TextsForm(forms.Form):
    """A notice's texts in all offered languages; translators see only these fields."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    is_minor = forms.BooleanField(
        label=pgettext_lazy("staff", "Minor edit: the other languages do not need to be updated"), required=False
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
        self.fields["seen"].initial = version_token(notice)

    def _add_texts(self, spoken: Language) -> None:
        is_source = spoken.code == self.source
        title, body, place = (f"{name}_{spoken.column}" for name in ("title", "body", "place"))
        self.fields[title] = title_field(spoken, required=is_source)
        self.fields[body] = body_field(spoken, required=is_source)
        self.fields[place] = place_field(spoken)
        self.text_columns[spoken.code] = (title, body, place)

    def stored_names(self) -> list[str]:
        """Return the names of the fields that are columns of the notice."""
        return [name for name in self.fields if name not in {"seen", "is_minor", "key"}]

    def changed_names(self) -> list[str]:
        """Return the names of the columns whose typed value differs from the stored one."""
        return [name for name in self.stored_names() if not self._is_unchanged(name)]

    def _is_unchanged(self, name: str) -> bool:
        typed, stored = self.cleaned_data[name], getattr(self.notice, name, None)
        if isinstance(stored, str):  # form fields strip white space
            stored = stored.strip()
        return (typed or None) == (stored or None)

    def fill(self, notice: Notice) -> None:
        """Set the typed values on a notice."""
        for name in self.stored_names():
            setattr(notice, name, self.cleaned_data[name])


class DraftForm(TextsForm):
    """A complete draft, for editors."""

    topic = forms.ModelChoiceField(
        Topic.objects.none(), to_field_name="code", empty_label=None, label=pgettext_lazy("staff", "Topic")
    )
    starts_at = MomentField(label=pgettext_lazy("staff", "Start date and time"), required=False)
    ends_at = MomentField(label=pgettext_lazy("staff", "End date and time"), required=False)
    is_all_day = forms.BooleanField(label=pgettext_lazy("staff", "All day: show only the dates"), required=False)
    until = FutureMomentField(
        label=pgettext_lazy("staff", "Show on the home page until"),
        help_text=pgettext_lazy("staff", "After this, the notice is moved to the archive and is no longer sent."),
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
            label=pgettext_lazy("staff", "Send only to readers of these languages"),
            help_text=pgettext_lazy("staff", "If you do not choose any, the notice goes to readers of every language."),
            required=False,
        )
        self.fields["area"] = AreaField(spoken)
        if not settings.CITY.areas:
            del self.fields["area"]
        for name in ("starts_at", "ends_at", "until", "to_languages", "area"):
            if name in self.fields:
                self.fields[name].initial = getattr(notice, name)

    def clean(self):
        """Require a start before the end."""
        data = super().clean()
        starts_at, ends_at = data.get("starts_at"), data.get("ends_at")
        if ends_at and not starts_at:
            self.add_error("starts_at", pgettext("staff", "Enter the start date and time."))
        days_are_in_order = data.get("is_all_day") and starts_at and ends_at and ends_at.date() >= starts_at.date()
        if starts_at and ends_at and ends_at <= starts_at and not days_are_in_order:
            self.add_error("ends_at", pgettext("staff", "The end must be after the start."))
        return data


class NewDraftForm(DraftForm):
    """The form for a new draft; sent twice, it creates one."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["key"] = IdempotencyKeyField()


def version_token(notice: Notice) -> str:
    """Return a token for the version of the draft that a form shows."""
    return notice.changed_at.isoformat() if notice.pk else ""


class ApprovalForm(forms.Form):
    """When to send. `seen`: the version of the text that the approver has read."""

    seen = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    scheduled_at = FutureMomentField(
        label=pgettext_lazy("staff", "Date and time to send"),
        help_text=pgettext_lazy("staff", "Leave empty to send immediately."),
        required=False,
    )


class NoticeReasonForm(forms.Form):
    """A reason for returning, cancelling or ending a notice."""

    reason = LineField(label=pgettext_lazy("staff", "Reason"), max_length=MAX_REASON_LENGTH)
