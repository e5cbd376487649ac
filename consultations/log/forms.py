"""What an adviser types of a contact, turned into clean arguments."""

import datetime
import re
from collections.abc import Callable
from functools import cache

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.forms.utils import flatatt
from django.utils import timezone, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import pgettext, pgettext_lazy

from consultations import taxonomy
from consultations.actions.articles import Sending
from consultations.actions.consultations import Entry
from consultations.actions.entering import Person
from consultations.actions.looking import known_by_code
from consultations.log_words import in_words, named
from consultations.models import (
    Asker,
    Bridging,
    Case,
    CaseState,
    Channel,
    Client,
    Consultation,
    Outcome,
    Way,
)
from consultations.models.consultations import LONGEST_MINUTES
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.hygiene import DayField, LineField, NumberField, ProseField
from services.guide.models import Article
from services.languages.choice import offered
from services.languages.fields import LanguageField
from services.languages.text import text_of
from services.notices.channels import CHANNELS
from services.notices.models import ChannelCode

LONGEST_NOTE = 10_000
LONGEST_TIMER = 180  # minutes; whatever the clock says beyond that, nobody sat there all the time
_BETWEEN_TOPICS = re.compile(r"[,;、，；\n]")
_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class FindSelect(forms.Select):
    """A list in which typing finds: log.js makes a combobox of it, by the words in `data-keys`."""

    def __init__(self, found_by: Callable[[str], tuple[str, ...]], **options):
        self.found_by = found_by
        super().__init__(attrs={"data-find": ""}, **options)

    def render(self, name, value, attrs=None, renderer=None):
        """Hundreds of options: a template for each of them would cost more than all the rest of the page."""
        chosen = "" if value is None else str(value)
        options = format_html_join("", '<option value="{}" data-keys="{}"{}>{}</option>', self._options(chosen))
        return format_html(
            "<select{}>{}</select>", flatatt(self.build_attrs(self.attrs, attrs) | {"name": name}), options
        )

    def _options(self, chosen: str):
        selected = mark_safe(" selected")
        for code, label in self.choices:
            keys = " ".join(self.found_by(code)) if code else ""
            yield code, keys, selected if str(code) == chosen else "", label


def taxonomy_field(among, *, before=(), **options) -> forms.ChoiceField:
    """One of a taxonomy. before: choices that stand above it."""
    widget = FindSelect(lambda code: among()[code].found_by() if code in among() else (code,))
    return forms.ChoiceField(choices=lambda: [*before, *in_words(among())], widget=widget, **options)


def words_field(column: str, values: type[TextChoices], **options) -> forms.ChoiceField:
    """One of a column's values, found like a taxonomy's."""
    widget = FindSelect(lambda code: _words_of(column, values(code)))
    return forms.ChoiceField(choices=lambda: values.choices, widget=widget, **options)


@cache
def _words_of(column: str, value: TextChoices) -> tuple[str, ...]:
    """Its code, its names in both languages of staff, its words in kana and romaji."""
    names = []
    for language in ("ja", "en"):
        with translation.override(language):
            names.append(str(value.label))
    return taxonomy.Choice(value.value, *names, tuple(taxonomy.words_for(column)[value.value])).found_by()


NOT_ASKED = pgettext_lazy("staff: a fact about a person", "Not asked")
NOT_SAID = [("", NOT_ASKED), (Consultation.DECLINED, pgettext_lazy("staff: a fact about a person", "Declined"))]


class TopicsField(LineField):
    """Topics in the order in which they were typed: by code, name, kana or romaji, between commas."""

    def to_python(self, value):
        """The codes."""
        typed = super().to_python(value) or ""
        return tuple(dict.fromkeys(self._code(part) for part in _BETWEEN_TOPICS.split(typed) if part.strip()))

    def _code(self, typed: str) -> str:
        found = taxonomy.find(taxonomy.topics(), typed.strip())
        if found is None:
            told = pgettext(
                "staff", "“%(typed)s” is no topic, or could be several. Please type more of it, or its code."
            )
            raise ValidationError(told % {"typed": typed.strip()[:40]}, code="topic")
        return found.code

    def validate(self, value):
        """They may be ticked instead: FactsForm looks at both."""

    def prepare_value(self, value):
        """Codes as somebody would type them."""
        return ", ".join(value) if isinstance(value, list | tuple) else value


class ContactField(LineField):
    """An e-mail address or a phone number, as its channel writes it."""

    def to_python(self, value):
        """The channel and the address, or nothing."""
        typed = super().to_python(value)
        if not typed:
            return None
        channel = ChannelCode.EMAIL if "@" in typed else ChannelCode.SMS
        return channel, CHANNELS[channel].clean_address(typed)


class CaseField(forms.ModelChoiceField):
    """One of one's own open cases, named without its words."""

    def label_from_instance(self, case):
        """When it was opened, in which language, for whom."""
        language = named(taxonomy.tongues(), case.language)
        opened_on = f"{timezone.localdate(case.opened_at):%Y-%m-%d}"
        return " · ".join(filter(None, [opened_on, language, case.client and case.client.code]))


class ArticleField(forms.ModelChoiceField):
    """An article of the guide that everybody can read."""

    def label_from_instance(self, article):
        """Its title."""
        return text_of(article, "title").value


class FactsForm(forms.Form):
    """What is written down of one contact."""

    topics = TopicsField(
        label=pgettext_lazy("staff", "Topics"),
        help_text=pgettext_lazy("staff", "By code, kana, romaji or name, between commas. The first is the main one."),
        max_length=400,
        widget=forms.TextInput(attrs={"data-topics": "", "autocomplete": "off", "autofocus": True}),
    )
    ticked = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Or tick them"),
        choices=lambda: in_words(taxonomy.topics()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    language = taxonomy_field(taxonomy.tongues, label=pgettext_lazy("staff", "Language used"))
    bridging = words_field("bridging", Bridging, label=pgettext_lazy("staff", "Understood by"))
    channel = words_field("channel", Channel, label=pgettext_lazy("staff", "How they came"))
    asker = words_field("asker", Asker, label=pgettext_lazy("staff", "Who asked"))
    outcome = words_field("outcome", Outcome, label=pgettext_lazy("staff", "What was done"))
    referred_to = taxonomy_field(
        taxonomy.bodies, before=[("", "–")], label=pgettext_lazy("staff", "Referred to"), required=False
    )
    minutes = NumberField(
        label=pgettext_lazy("staff", "Minutes"),
        min_value=1,
        max_value=LONGEST_MINUTES,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    note = ProseField(
        label=pgettext_lazy("staff", "Note"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"}),
    )
    day = DayField(label=pgettext_lazy("staff", "Day"), widget=_DATE)
    time = forms.TimeField(label=pgettext_lazy("staff", "Began at"), widget=_TIME)
    late_reason = LineField(
        label=pgettext_lazy("staff", "Why on a later day"),
        help_text=pgettext_lazy("staff", "Needed for any day before today."),
        max_length=200,
        required=False,
    )
    mother_tongue = taxonomy_field(
        taxonomy.tongues, before=NOT_SAID, label=pgettext_lazy("staff", "Mother tongue"), required=False
    )
    nationality = taxonomy_field(
        taxonomy.countries, before=NOT_SAID, label=pgettext_lazy("staff", "Nationality"), required=False
    )

    def clean(self):
        """Topics by both ways; the moment; what a choice makes necessary."""
        words = super().clean()
        if "topics" in words:
            words["topics"] = tuple(dict.fromkeys([*words["topics"], *words.get("ticked", ())]))
            if not words["topics"]:
                self.add_error("topics", pgettext("staff", "Please choose at least one topic."))
        if words.get("outcome") == Outcome.REFERRAL and not words.get("referred_to"):
            self._insist("referred_to", pgettext("staff", "Please choose where the person was referred to."))
        if words.get("day") and words.get("time"):
            self._clean_moment(words)
        return words

    def _clean_moment(self, words) -> None:
        words["began_at"] = timezone.make_aware(datetime.datetime.combine(words["day"], words["time"]))
        if words["began_at"] > timezone.now():
            self.add_error("time", pgettext("staff", "This time is still to come."))
        elif words["day"] < timezone.localdate() and words.get("late_reason") == "":
            self._insist("late_reason", pgettext("staff", "Please say why it is logged on a later day."))

    def _insist(self, name: str, why: str) -> None:
        """What another answer has made necessary is not called optional any more."""
        self.fields[name].required = True
        self.add_error(name, why)

    def entry(self) -> Entry:
        """The clean facts."""
        words = self.cleaned_data
        names = ("topics", "language", "bridging", "channel", "asker", "outcome", "referred_to", "minutes", "note")
        names += ("began_at", "late_reason", "mother_tongue", "nationality")
        return Entry(**{name: words[name] for name in names})


class EntryForm(FactsForm):
    """The logging screen: the facts, who it was if they chose to be known, what they take along."""

    started_at = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    client_code = LineField(
        label=pgettext_lazy("staff", "Code of somebody who comes back"), max_length=20, required=False
    )
    client_name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    client_contact = ContactField(
        label=pgettext_lazy("staff", "E-mail or phone number"), max_length=254, required=False
    )
    safe_channels = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "By which they may be reached without danger"),
        help_text=pgettext_lazy(
            "staff", "Ask. Somebody else may read the mail or answer the telephone. No tick: not at all."
        ),
        choices=Way.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    case = CaseField(
        label=pgettext_lazy("staff", "Part of a case"),
        queryset=Case.objects.none(),
        to_field_name="public_id",
        required=False,
        empty_label="–",
    )
    article = ArticleField(
        label=pgettext_lazy("staff", "Page of the city guide"),
        queryset=Article.objects.filter(is_published=True),
        to_field_name="slug",
        required=False,
        empty_label="–",
    )
    article_language = LanguageField(
        label=pgettext_lazy("staff", "In which language"),
        empty=pgettext_lazy("staff", "The language used"),
        required=False,
    )
    send_to = ContactField(
        label=pgettext_lazy("staff", "Send it to"),
        help_text=pgettext_lazy("staff", "E-mail or phone number, for this once: the record does not keep it."),
        max_length=254,
        required=False,
    )

    def __init__(self, *args, user: User, **options):
        super().__init__(*args, **options)
        self.user = user
        own = Case.objects.readable_by(user).filter(state=CaseState.OPEN)
        self.fields["case"].queryset = own.select_related("client")

    def clean_client_code(self) -> Client | None:
        """The person behind the code."""
        code = self.cleaned_data["client_code"]
        if not code:
            return None
        if client := known_by_code(code, by=self.user):
            return client
        raise ValidationError(pgettext("staff", "There is nobody with this code."), code="unknown")

    def clean_send_to(self):
        """An address to which something can be sent from here."""
        contact = self.cleaned_data["send_to"]
        if contact and not CHANNELS[contact[0]].is_offered:
            told = pgettext("staff", "Nothing can be sent to a phone from here. Please write an e-mail address.")
            raise ValidationError(told, code="channel")
        return contact

    def clean(self):
        """The timer, and what belongs together."""
        words = super().clean()
        if "minutes" in words and words["minutes"] is None:
            self._clean_timer(words)
        if words.get("client_code") and (words.get("client_name") or words.get("client_contact")):
            self.add_error("client_code", pgettext("staff", "Please write a code, or a name and contact, not both."))
        if words.get("send_to") and not words.get("article") and "article" in words:
            self._insist("article", pgettext("staff", "Please choose the page to send."))
        return words

    def _clean_timer(self, words) -> None:
        started_at = min(words.get("started_at") or timezone.now(), timezone.now())
        minutes = max(1, round((timezone.now() - started_at).total_seconds() / 60))
        if minutes > LONGEST_TIMER or words.get("day", timezone.localdate()) < timezone.localdate(started_at):
            self._insist("minutes", pgettext("staff", "Please say how long it took."))
        words["minutes"] = minutes

    def person(self) -> Person | None:
        """Who becomes known."""
        words = self.cleaned_data
        contact = words["client_contact"]
        if not (words["client_name"] or contact):
            return None
        return Person(words["client_name"], contact[1] if contact else "", tuple(words["safe_channels"]))

    def sending(self) -> Sending | None:
        """What goes to them."""
        words = self.cleaned_data
        if not words["send_to"]:
            return None
        language = words["article_language"] or offered(words["language"]) or "en"
        return Sending(words["article"], language, *words["send_to"])


class AmendForm(FactsForm):
    """The facts as they should have been, and why they were not."""

    reason = LineField(label=pgettext_lazy("staff", "Why you change it"), max_length=200)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["minutes"].required = True


def facts_as_typed(entry: Entry) -> dict:
    """An entry's values as its form takes them."""
    began_at = timezone.localtime(entry.began_at)
    names = ("language", "bridging", "channel", "asker", "outcome", "referred_to", "minutes", "note")
    names += ("late_reason", "mother_tongue", "nationality")
    values = {name: getattr(entry, name) for name in names}
    return values | {"topics": entry.topics, "day": began_at.date(), "time": began_at.time()}


class AssignForm(forms.Form):
    """Who takes over: of what is restricted, only somebody of its case."""

    to = forms.ModelChoiceField(
        label=pgettext_lazy("staff", "Hand over to"), queryset=User.objects.none(), to_field_name="public_id"
    )

    def __init__(self, *args, consultation: Consultation, **options):
        super().__init__(*args, **options)
        advisers = User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")
        if consultation.is_restricted:
            advisers = advisers.filter(case_memberships__case=consultation.case_id)
        self.fields["to"].queryset = advisers


class ReasonForm(forms.Form):
    """Why somebody must read what is not theirs."""

    reason = LineField(label=pgettext_lazy("staff", "Why you must read it"), max_length=200)


class CodeForm(forms.Form):
    """A person's code, as they say it."""

    code = LineField(label=pgettext_lazy("staff", "Code of a person"), max_length=20)
