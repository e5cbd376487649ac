"""Form fields shared by notices and emergencies: date and time, area, texts in a language."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.base.form_fields import ClockField, LineField, ProseField
from services.base.machine_text import clean_code
from services.base.public_ids import public_id
from services.languages.registry import Language

FIRST_YEAR, LAST_YEAR = 1900, 2100
MAX_TITLE_LENGTH, MAX_BODY_LENGTH, MAX_PLACE_LENGTH = 200, 10_000, 200
_IDEMPOTENCY_KEY = RegexValidator(r"^[A-Za-z0-9_-]{22}\Z")


class MomentField(forms.DateTimeField):
    """A date and time in the city's time zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {
        "far": pgettext_lazy("staff", "Enter a year between 1900 and 2100."),
        "past": pgettext_lazy("staff", "Enter a date and time in the future."),
    }

    def to_python(self, value):
        """Return an aware datetime within the database's limits."""
        try:
            moment = super().to_python(value)
        except OverflowError as error:
            raise ValidationError(self.error_messages["far"], code="far") from error
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError(self.error_messages["far"], code="far")
        return moment


class FutureMomentField(MomentField):
    """A date and time in the future."""

    def validate(self, value):
        """Refuse past times."""
        super().validate(value)
        if value and value <= timezone.now():
            raise ValidationError(self.error_messages["past"], code="past")


class PhoneField(LineField):
    """A telephone number in any format that people can read."""

    default_validators = [
        RegexValidator(r"^[0-9+#*() .-]{3,30}\Z", pgettext_lazy("staff", "Enter a phone number.")),
    ]

    def to_python(self, value):
        """Normalise the number, without joiners."""
        value = forms.CharField.to_python(self, value)
        return clean_code(value) if value else value


class TimeInputField(ClockField):
    """A time of day."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class IdempotencyKeyField(forms.CharField):
    """A hidden key generated when the form is shown, so that a form sent twice acts once."""

    widget = forms.HiddenInput

    def __init__(self):
        super().__init__(initial=public_id, max_length=22, validators=[_IDEMPOTENCY_KEY])


class AreaField(forms.ChoiceField):
    """A choice of the city's areas; empty means the whole city."""

    def __init__(self, language: str):
        areas = [(code, settings.CITY.area(code, language)) for code in settings.CITY.areas]
        whole = ("", pgettext_lazy("staff", "The whole city"))
        super().__init__(choices=[whole, *areas], required=False, label=pgettext_lazy("staff", "Area"))


def title_field(language: Language, *, required: bool) -> LineField:
    """Return the field for a notice's title in a language."""
    return LineField(
        label=_label_in(pgettext("staff", "Title"), language),
        max_length=MAX_TITLE_LENGTH,
        required=required,
        widget=forms.TextInput(attrs=_language_attrs(language)),
    )


def body_field(language: Language, *, required: bool) -> ProseField:
    """Return the field for a notice's text in a language."""
    return ProseField(
        label=_label_in(pgettext("staff", "Text (Markdown)"), language),
        max_length=MAX_BODY_LENGTH,
        required=required,
        widget=forms.Textarea(attrs={**_language_attrs(language), "rows": 8}),
    )


def place_field(language: Language) -> LineField:
    """Return the field for an event's place in a language."""
    return LineField(
        label=_label_in(pgettext("staff", "Location"), language),
        max_length=MAX_PLACE_LENGTH,
        required=False,
        widget=forms.TextInput(attrs=_language_attrs(language)),
    )


def _language_attrs(language: Language) -> dict[str, str]:
    return {"lang": language.code, "dir": language.dir}


def _label_in(name: str, language: Language) -> str:
    """Return a label with its language, so that the labels of ten titles differ."""
    label = pgettext("staff", "%(field)s · %(language)s")
    return label % {"field": name, "language": language.own_name}
