"""Forms for logging and amending consultations."""

import datetime
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

from consultations.log.actions import LogEntry
from consultations.log.articles import ArticleDelivery
from consultations.log.drafts import TOPIC_SEPARATORS
from consultations.log.presentation import taxonomy_choices
from consultations.log.submission import NamedPerson
from consultations.log.viewing import client_by_code
from consultations.records import taxonomy
from consultations.records.contact_methods import contact_method_choices
from consultations.records.models import (
    LONGEST_MINUTES,
    Case,
    CaseState,
    Client,
    Consultation,
    ConsultationChannel,
    EnquirerRelationship,
    LanguageSupport,
    Outcome,
)
from consultations.records.presentation import name_of_code
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.form_fields import (
    ClockField,
    CodeField,
    DayField,
    LineField,
    MachineTextField,
    NumberField,
    ProseField,
)
from services.guide.models import Article
from services.languages.form_fields import LanguageField
from services.languages.negotiation import resolve_language
from services.languages.translated import translated
from services.messaging.channels import CHANNELS, recognise_channel

LONGEST_NOTE = 10_000
LONGEST_TIMER = 180  # minutes; beyond that the timer was left running
_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class SearchableSelect(forms.Select):
    """A select that log.js turns into a combobox, searched by the terms in each option's `data-keys`."""

    def __init__(self, search_keys: Callable[[str], tuple[str, ...]], **options):
        self.search_keys = search_keys
        super().__init__(attrs={"data-find": ""}, **options)

    def render(self, name, value, attrs=None, renderer=None):
        """Render the options without a template for each: there are hundreds, and templates would dominate the page."""
        chosen = "" if value is None else str(value)
        options = format_html_join("", '<option value="{}" data-keys="{}"{}>{}</option>', self._options(chosen))
        return format_html(
            "<select{}>{}</select>", flatatt(self.build_attrs(self.attrs, attrs) | {"name": name}), options
        )

    def _options(self, chosen: str):
        selected = mark_safe(" selected")
        for code, label in self.choices:
            keys = " ".join(self.search_keys(code)) if code else ""
            yield code, keys, selected if str(code) == chosen else "", label


def taxonomy_field(among, *, before=(), **options) -> forms.ChoiceField:
    """Return a searchable choice from a taxonomy. before: extra choices above it."""
    widget = SearchableSelect(lambda code: among()[code].search_keys() if code in among() else (code,))
    return forms.ChoiceField(choices=lambda: [*before, *taxonomy_choices(among())], widget=widget, **options)


def enum_field(column: str, values: type[TextChoices], **options) -> forms.ChoiceField:
    """Return a searchable choice from an enumeration."""
    widget = SearchableSelect(lambda code: _search_keys(column, values(code)))
    return forms.ChoiceField(choices=lambda: values.choices, widget=widget, **options)


@cache
def _search_keys(column: str, value: TextChoices) -> tuple[str, ...]:
    """Return the search terms of a value: its code, its labels in both staff languages, kana and romaji."""
    names = []
    for language in ("ja", "en"):
        with translation.override(language):
            names.append(str(value.label))
    return taxonomy.TaxonomyChoice(
        value.value, *names, tuple(taxonomy.search_words_for(column)[value.value])
    ).search_keys()


NOT_ASKED = pgettext_lazy("staff: a fact about a person", "Not asked")
UNKNOWN = [("", NOT_ASKED), (Consultation.DECLINED, pgettext_lazy("staff: a fact about a person", "Declined to say"))]


class ConsultationTopicsField(LineField):
    """Topics separated by commas, in the order typed: by code, name, kana or romaji."""

    def to_python(self, value):
        """Return the topics' codes."""
        typed = super().to_python(value) or ""
        return tuple(dict.fromkeys(self._code(part) for part in TOPIC_SEPARATORS.split(typed) if part.strip()))

    def _code(self, typed: str) -> str:
        found = taxonomy.find(taxonomy.topics(), typed.strip())
        if found is None:
            text = pgettext(
                "staff", "“%(typed)s” matches no topics, or more than one. Enter more of the name, or the code."
            )
            raise ValidationError(text % {"typed": typed.strip()[:40]}, code="topic")
        return found.code

    def validate(self, value):
        """Allow an empty field: `ConsultationForm.clean` also counts topics ticked in the list."""

    def prepare_value(self, value):
        """Return the codes as a person would type them."""
        return ", ".join(value) if isinstance(value, list | tuple) else value


class ContactField(MachineTextField):
    """An email address or a phone number, normalised by its channel."""

    def to_python(self, value):
        """Return the channel and the address, or None."""
        typed = super().to_python(value)
        if not typed:
            return None
        channel = recognise_channel(typed)
        if channel is None:
            raise ValidationError(pgettext("staff", "Enter an email address or a phone number."), code="contact")
        return channel.code, channel.clean_address(typed)


class OpenCaseField(forms.ModelChoiceField):
    """A choice of one's own open cases, described without decrypting them."""

    def label_from_instance(self, case):
        """Return the opening date, the language and the client's code."""
        language = name_of_code(taxonomy.languages(), case.language)
        opened_on = f"{timezone.localdate(case.opened_at):%Y-%m-%d}"
        return " · ".join(filter(None, [opened_on, language, case.client and case.client.code]))


class ArticleField(forms.ModelChoiceField):
    """A choice of a published article of the guide."""

    def label_from_instance(self, article):
        """Return the article's title."""
        return translated(article, "title").value


class ConsultationForm(forms.Form):
    """The facts of one consultation."""

    topics = ConsultationTopicsField(
        label=pgettext_lazy("staff", "Topics"),
        help_text=pgettext_lazy(
            "staff", "Enter codes, kana, romaji or names, separated by commas. The first is the main topic."
        ),
        max_length=400,
        widget=forms.TextInput(attrs={"data-topics": "", "autocomplete": "off", "autofocus": True}),
    )
    ticked = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Or choose from the list"),
        choices=lambda: taxonomy_choices(taxonomy.topics()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    language = taxonomy_field(taxonomy.languages, label=pgettext_lazy("staff", "Language used"))
    language_support = enum_field("language_support", LanguageSupport, label=pgettext_lazy("staff", "Language support"))
    channel = enum_field("channel", ConsultationChannel, label=pgettext_lazy("staff", "How they contacted us"))
    enquirer = enum_field("enquirer", EnquirerRelationship, label=pgettext_lazy("staff", "Who contacted us"))
    outcome = enum_field("outcome", Outcome, label=pgettext_lazy("staff", "Outcome"))
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
    day = DayField(label=pgettext_lazy("staff", "Date"), widget=_DATE)
    time = ClockField(label=pgettext_lazy("staff", "Started at"), widget=_TIME)
    late_reason = LineField(
        label=pgettext_lazy("staff", "Reason for logging late"),
        help_text=pgettext_lazy("staff", "Required for dates before today."),
        max_length=200,
        required=False,
    )
    mother_tongue = taxonomy_field(
        taxonomy.languages, before=UNKNOWN, label=pgettext_lazy("staff", "Mother tongue"), required=False
    )
    nationality = taxonomy_field(
        taxonomy.countries, before=UNKNOWN, label=pgettext_lazy("staff", "Nationality"), required=False
    )

    def clean(self):
        """Combine typed and ticked topics, check the start time, and require what other answers make necessary."""
        data = super().clean()
        if "topics" in data:
            data["topics"] = tuple(dict.fromkeys([*data["topics"], *data.get("ticked", ())]))
            if not data["topics"]:
                self.add_error("topics", pgettext("staff", "Choose at least one topic."))
        if data.get("outcome") == Outcome.REFERRAL and not data.get("referred_to"):
            self._require("referred_to", pgettext("staff", "Choose the organisation the person was referred to."))
        if data.get("day") and data.get("time"):
            self._clean_start(data)
        return data

    def _clean_start(self, data) -> None:
        data["began_at"] = timezone.make_aware(datetime.datetime.combine(data["day"], data["time"]))
        if data["began_at"] > timezone.now():
            self.add_error("time", pgettext("staff", "The date and time must be in the past."))
        elif data["day"] < timezone.localdate() and data.get("late_reason") == "":
            self._require("late_reason", pgettext("staff", "Enter a reason for logging late."))

    def _require(self, name: str, why: str) -> None:
        """Add an error to a field, and no longer label the field as optional."""
        self.fields[name].required = True
        self.add_error(name, why)

    def entry(self) -> LogEntry:
        """Return the cleaned data as a log entry."""
        data = self.cleaned_data
        names = (
            "topics",
            "language",
            "language_support",
            "channel",
            "enquirer",
            "outcome",
            "referred_to",
            "minutes",
            "note",
        )
        names += ("began_at", "late_reason", "mother_tongue", "nationality")
        return LogEntry(**{name: data[name] for name in names})


class LogEntryForm(ConsultationForm):
    """The logging form: the consultation, the client if they chose to be known, and an article to send."""

    started_at = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    client_code = CodeField(
        label=pgettext_lazy("staff", "Person's code (if they have been here before)"), max_length=20, required=False
    )
    client_name = LineField(label=pgettext_lazy("staff", "Name"), max_length=100, required=False)
    client_contact = ContactField(
        label=pgettext_lazy("staff", "Email address or phone number"), max_length=254, required=False
    )
    safe_channels = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Safe contact methods"),
        help_text=pgettext_lazy(
            "staff",
            "Ask the person, because someone else may read their email or answer their phone. If no contact method is "
            "safe, leave all the boxes empty.",
        ),
        choices=contact_method_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    case = OpenCaseField(
        label=pgettext_lazy("staff", "Related case"),
        queryset=Case.objects.none(),
        to_field_name="public_id",
        required=False,
        empty_label="–",
    )
    article = ArticleField(
        label=pgettext_lazy("staff", "Article from the guide to daily life"),
        queryset=Article.objects.filter(is_published=True),
        to_field_name="slug",
        required=False,
        empty_label="–",
    )
    article_language = LanguageField(
        label=pgettext_lazy("staff", "Language of the article"),
        empty=pgettext_lazy("staff", "Same as the language used"),
        required=False,
    )
    send_to = ContactField(
        label=pgettext_lazy("staff", "Send to"),
        help_text=pgettext_lazy(
            "staff", "Email address or phone number. It is used only this once and is not kept in the record."
        ),
        max_length=254,
        required=False,
    )

    def __init__(self, *args, user: User, **options):
        super().__init__(*args, **options)
        self.user = user
        own = Case.objects.readable_by(user).filter(state=CaseState.OPEN)
        self.fields["case"].queryset = own.select_related("client")

    def clean_client_code(self) -> Client | None:
        """Return the client with this code."""
        code = self.cleaned_data["client_code"]
        if not code:
            return None
        if client := client_by_code(code, by=self.user):
            return client
        raise ValidationError(pgettext("staff", "No person was found with this code."), code="unknown")

    def clean_send_to(self):
        """Check that the channel of the address is configured."""
        contact = self.cleaned_data["send_to"]
        if contact and not CHANNELS[contact[0]].is_configured:
            text = pgettext("staff", "You cannot send text messages from here. Enter an email address.")
            raise ValidationError(text, code="channel")
        return contact

    def clean(self):
        """Take the minutes from the timer if none were typed, and check fields that depend on each other."""
        data = super().clean()
        if "minutes" in data and data["minutes"] is None:
            self._clean_timer(data)
        if data.get("client_code") and (data.get("client_name") or data.get("client_contact")):
            self.add_error(
                "client_code", pgettext("staff", "Enter either a code, or a name and contact details, but not both.")
            )
        if data.get("send_to") and not data.get("article") and "article" in data:
            self._require("article", pgettext("staff", "Choose the article to send."))
        return data

    def _clean_timer(self, data) -> None:
        started_at = min(data.get("started_at") or timezone.now(), timezone.now())
        minutes = max(1, round((timezone.now() - started_at).total_seconds() / 60))
        if minutes > LONGEST_TIMER or data.get("day", timezone.localdate()) < timezone.localdate(started_at):
            self._require("minutes", pgettext("staff", "Enter how many minutes the consultation took."))
        data["minutes"] = minutes

    def person(self) -> NamedPerson | None:
        """Return the person to register as a client, if any."""
        data = self.cleaned_data
        contact = data["client_contact"]
        if not (data["client_name"] or contact):
            return None
        return NamedPerson(data["client_name"], contact[1] if contact else "", tuple(data["safe_channels"]))

    def article_delivery(self) -> ArticleDelivery | None:
        """Return the article to send, if any."""
        data = self.cleaned_data
        if not data["send_to"]:
            return None
        language = data["article_language"] or resolve_language(data["language"]) or "en"
        return ArticleDelivery(data["article"], language, *data["send_to"])


class AmendmentForm(ConsultationForm):
    """The corrected facts, and the reason for the change."""

    reason = LineField(label=pgettext_lazy("staff", "Reason for the change"), max_length=200)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["minutes"].required = True


def initial_from_entry(entry: LogEntry) -> dict:
    """Return an entry's values as initial data for its form."""
    began_at = timezone.localtime(entry.began_at)
    names = ("language", "language_support", "channel", "enquirer", "outcome", "referred_to", "minutes", "note")
    names += ("late_reason", "mother_tongue", "nationality")
    values = {name: getattr(entry, name) for name in names}
    return values | {"topics": entry.topics, "day": began_at.date(), "time": began_at.time()}


class AssignForm(forms.Form):
    """The adviser who takes over. For a restricted consultation only members of its case are offered."""

    to = forms.ModelChoiceField(
        label=pgettext_lazy("staff", "Hand over to"), queryset=User.objects.none(), to_field_name="public_id"
    )

    def __init__(self, *args, consultation: Consultation, **options):
        super().__init__(*args, **options)
        advisers = User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")
        if consultation.is_restricted:
            advisers = advisers.filter(case_memberships__case=consultation.case_id)
        self.fields["to"].queryset = advisers


class EmergencyAccessForm(forms.Form):
    """The reason for breaking the glass."""

    reason = LineField(label=pgettext_lazy("staff", "Why you need to read this consultation"), max_length=200)


class ClientCodeForm(forms.Form):
    """A client's code."""

    code = CodeField(label=pgettext_lazy("staff", "Person's code"), max_length=20)
