"""Fields of which what staff type about notices is made: moments, areas, a title and a text in one language."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.base.hygiene import LineField, ProseField, clean_code
from services.base.public_ids import public_id
from services.languages.table import Language

FIRST_YEAR, LAST_YEAR = 1900, 2100
LONGEST_TITLE, LONGEST_BODY, LONGEST_PLACE = 200, 10_000, 200
_FORM_KEY = RegexValidator(r"^[A-Za-z0-9_-]{22}\Z")


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


def place_field(spoken: Language) -> LineField:
    """Where it is, in one language."""
    return LineField(
        label=_of_language(pgettext("staff", "Place"), spoken),
        max_length=LONGEST_PLACE,
        required=False,
        widget=forms.TextInput(attrs=_marks(spoken)),
    )


def _marks(spoken: Language) -> dict[str, str]:
    return {"lang": spoken.code, "dir": spoken.dir}


def _of_language(name: str, spoken: Language) -> str:
    """A field's name with its language, so that ten titles are ten names."""
    told = pgettext("staff", "%(field)s · %(language)s")
    return told % {"field": name, "language": spoken.own_name}
