"""What the desk's coordinator types, turned into clean arguments."""

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import pgettext, pgettext_lazy

from consultations import reading
from consultations.models import DeskHours, Duty, Mode, Service
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.hygiene import DayField, NumberField
from services.languages.fields import LanguageField, LanguagesField
from services.schedules.models import Schedule
from services.schedules.rules import WEEKS, Rule

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
_WEEK_NAMES = {
    1: pgettext_lazy("staff: week of the month", "First"),
    2: pgettext_lazy("staff: week of the month", "Second"),
    3: pgettext_lazy("staff: week of the month", "Third"),
    4: pgettext_lazy("staff: week of the month", "Fourth"),
    -1: pgettext_lazy("staff: week of the month", "Last"),
}


def _weekdays():
    """From the day on which the city's week begins."""
    days = [(settings.CITY.week_starts_on + number - 1) % 7 for number in range(7)]
    return _for_staff((day, WEEKDAYS[day]) for day in days)


def _for_staff(choices):
    """Words that residents see too, in the language of the staff's pages."""
    with reading.for_staff():
        return [(value, str(label)) for value, label in choices]


class ScheduleForm(forms.Form):
    """When something happens: on these weekdays, from one time to another, from a first to perhaps a last day."""

    weekdays = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("staff", "On"), coerce=int, choices=_weekdays, widget=forms.CheckboxSelectMultiple
    )
    weeks = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("staff", "In which weeks of the month"),
        help_text=pgettext_lazy("staff", "No tick: every week."),
        coerce=int,
        choices=list(_WEEK_NAMES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    begins = forms.TimeField(label=pgettext_lazy("staff", "From"), widget=_TIME)
    ends = forms.TimeField(label=pgettext_lazy("staff", "To"), widget=_TIME)
    first_day = DayField(label=pgettext_lazy("staff", "First day"), widget=_DATE, initial=timezone.localdate)
    last_day = DayField(label=pgettext_lazy("staff", "Last day"), widget=_DATE, required=False)
    on_holidays = forms.BooleanField(label=pgettext_lazy("staff", "On public holidays too"), required=False)

    def clean(self):
        """Ends come after beginnings."""
        words = super().clean()
        begins, ends = words.get("begins"), words.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", pgettext("staff", "It ends before it begins."))
        first, last = words.get("first_day"), words.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", pgettext("staff", "The last day is before the first one."))
        return words

    def fill_schedule(self, schedule: Schedule) -> Schedule:
        """Put what was typed onto a schedule; nothing is saved."""
        words = self.cleaned_data
        weeks = tuple(week for week in WEEKS if week in words["weeks"])
        schedule.rule = str(Rule(tuple(sorted(words["weekdays"])), weeks))
        for name in ("begins", "ends", "first_day", "last_day", "on_holidays"):
            setattr(schedule, name, words[name])
        return schedule


def schedule_as_typed(schedule: Schedule) -> dict:
    """A schedule's values as its form takes them."""
    names = ("begins", "ends", "first_day", "last_day", "on_holidays")
    rule = schedule.days
    return {name: getattr(schedule, name) for name in names} | {"weekdays": rule.weekdays, "weeks": rule.weeks}


class HoursForm(ScheduleForm):
    """When a language is spoken at the desk, or a profession is there."""

    service = forms.ChoiceField(label=pgettext_lazy("staff", "What"), choices=lambda: _for_staff(Service.choices))
    language = LanguageField(
        label=pgettext_lazy("staff", "Language"),
        help_text=pgettext_lazy(
            "staff", "A profession needs none: it comes with the interpreter whom the person needs."
        ),
        empty="–",
        required=False,
    )
    modes = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "How"),
        choices=lambda: _for_staff(Mode.choices),
        widget=forms.CheckboxSelectMultiple,
    )
    by_appointment = forms.BooleanField(label=pgettext_lazy("staff", "By appointment only"), required=False)
    slot_minutes = NumberField(
        label=pgettext_lazy("staff", "Minutes for one appointment"),
        help_text=pgettext_lazy("staff", "Who has one already keeps it as it is."),
        validators=[MinValueValidator(10), MaxValueValidator(240)],
        initial=30,
        required=False,
    )
    video_room = forms.URLField(
        label=pgettext_lazy("staff", "Address of the video room"),
        help_text=pgettext_lazy(
            "staff", "Begins with https://. Who has an appointment by video finds it in the message, others do not."
        ),
        max_length=300,
        validators=[URLValidator(schemes=["https"])],
        assume_scheme="https",
        required=False,
    )
    field_order = [
        "service",
        "language",
        "weekdays",
        "weeks",
        "begins",
        "ends",
        "modes",
        "by_appointment",
        "slot_minutes",
        "video_room",
        "on_holidays",
    ]

    def clean(self):
        """Advice is given in a language."""
        words = super().clean()
        if words.get("service") == Service.ADVICE and "language" in words and not words["language"]:
            self.add_error("language", pgettext("staff", "Please choose the language of the advice."))
        return words

    def fill(self, hours: DeskHours) -> DeskHours:
        """Put what was typed onto the row; nothing is saved."""
        for name in ("service", "language", "modes", "by_appointment", "video_room"):
            setattr(hours, name, self.cleaned_data[name])
        hours.slot_minutes = self.cleaned_data["slot_minutes"] or self.fields["slot_minutes"].initial
        return hours

    @staticmethod
    def as_typed(hours: DeskHours) -> dict:
        """A row's values as the form takes them."""
        names = ("service", "language", "modes", "by_appointment", "slot_minutes", "video_room")
        return schedule_as_typed(hours.schedule) | {name: getattr(hours, name) for name in names}


class AdviserField(forms.ModelChoiceField):
    """Somebody who may advise."""

    def __init__(self, **options):
        super().__init__(User.objects.none(), to_field_name="public_id", **options)

    def label_from_instance(self, person):
        """The name."""
        return person.name or person.email


class DutyForm(ScheduleForm):
    """When an adviser is at the desk, and in which languages."""

    adviser = AdviserField(label=pgettext_lazy("staff", "Adviser"))
    languages = LanguagesField(label=pgettext_lazy("staff", "Languages at the desk"))
    field_order = ["adviser", "languages", "weekdays", "weeks", "begins", "ends", "on_holidays"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        advisers = User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")
        self.fields["adviser"].queryset = advisers

    def fill(self, duty: Duty) -> Duty:
        """Put what was typed onto the row; nothing is saved."""
        duty.adviser, duty.languages = self.cleaned_data["adviser"], self.cleaned_data["languages"]
        return duty

    @staticmethod
    def as_typed(duty: Duty) -> dict:
        """A row's values as the form takes them."""
        return schedule_as_typed(duty.schedule) | {"adviser": duty.adviser.public_id, "languages": duty.languages}


class ChangeForm(forms.Form):
    """What is otherwise on one day: without times nothing happens."""

    day = DayField(label=pgettext_lazy("staff", "Day"), widget=_DATE)
    begins = forms.TimeField(
        label=pgettext_lazy("staff", "From"),
        help_text=pgettext_lazy("staff", "No times: closed on that day. With times: also a day that the rule has not."),
        required=False,
        widget=_TIME,
    )
    ends = forms.TimeField(label=pgettext_lazy("staff", "To"), required=False, widget=_TIME)

    def clean(self):
        """Both times or none."""
        words = super().clean()
        if self.errors:
            return words
        begins, ends = words.get("begins"), words.get("ends")
        if (begins is None) != (ends is None):
            self.add_error("ends" if begins else "begins", pgettext("staff", "Please write both times, or none."))
        elif begins and ends <= begins:
            self.add_error("ends", pgettext("staff", "It ends before it begins."))
        return words


class DayForm(forms.Form):
    """One day."""

    day = DayField(widget=forms.HiddenInput)


class EndForm(forms.Form):
    """The last day."""

    last = DayField(
        label=pgettext_lazy("staff", "Last day"),
        help_text=pgettext_lazy(
            "staff", "The past stays as it was. For other times from a day on: end this, add another."
        ),
        widget=_DATE,
    )
