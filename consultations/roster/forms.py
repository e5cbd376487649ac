"""Forms for the desk's coordinator: hours, shifts, exceptions, closed days."""

import datetime

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import pgettext, pgettext_lazy

from consultations.timetable.models import ConsultationMode, DeskHours, DeskService, DeskShift
from services.accounts.models import User
from services.accounts.roles import Role
from services.base.form_fields import ClockField, DayField, NumberField
from services.languages import negotiation
from services.languages.form_fields import LanguageField, LanguagesField
from services.schedules.models import MIDNIGHT, Schedule
from services.schedules.rules import MAX_INTERVAL, RecurrenceRule

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
    """Return the days of the week as choices, from the day on which the city's week begins."""
    days = [(settings.CITY.week_starts_on + number - 1) % 7 for number in range(7)]
    return _in_staff_language((day, WEEKDAYS[day]) for day in days)


def _in_staff_language(choices):
    """Translate choices that residents see too into the language of the staff pages."""
    with negotiation.staff_language_override():
        return [(value, str(label)) for value, label in choices]


def _is_within_a_day(begins: datetime.time, ends: datetime.time) -> bool:
    """Return whether the end is later on the same day; 00:00 is midnight at its end."""
    return begins < ends or ends == MIDNIGHT


class ScheduleForm(forms.Form):
    """A recurring schedule: weekdays, times, the first day and an optional last day."""

    weekdays = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("staff", "Days of the week"),
        coerce=int,
        choices=_weekdays,
        widget=forms.CheckboxSelectMultiple,
    )
    weeks = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("staff", "Weeks of the month"),
        help_text=pgettext_lazy("staff", "To include every week, leave all the boxes empty."),
        coerce=int,
        choices=list(_WEEK_NAMES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    interval = NumberField(
        label=pgettext_lazy("staff", "Every how many weeks"),
        help_text=pgettext_lazy(
            "staff",
            "1 is every week, 2 is every second week, counted from the first day. If you choose weeks of the month, "
            "this counts months instead.",
        ),
        validators=[MinValueValidator(1), MaxValueValidator(MAX_INTERVAL)],
        initial=1,
        required=False,
    )
    begins = ClockField(label=pgettext_lazy("staff", "From"), widget=_TIME)
    ends = ClockField(label=pgettext_lazy("staff", "To"), widget=_TIME)
    first_day = DayField(label=pgettext_lazy("staff", "First day"), widget=_DATE, initial=timezone.localdate)
    last_day = DayField(label=pgettext_lazy("staff", "Last day"), widget=_DATE, required=False)
    on_holidays = forms.BooleanField(label=pgettext_lazy("staff", "Also on public holidays"), required=False)

    def clean(self):
        """Check that the end is after the start, and the last day not before the first."""
        data = super().clean()
        begins, ends = data.get("begins"), data.get("ends")
        if begins and ends and not _is_within_a_day(begins, ends):
            self.add_error("ends", pgettext("staff", "The end must be after the start."))
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", pgettext("staff", "The last day must be on or after the first day."))
        return data

    def fill_schedule(self, schedule: Schedule) -> Schedule:
        """Copy the submitted values to a schedule, without saving it."""
        data = self.cleaned_data
        rule = RecurrenceRule(tuple(data["weekdays"]), tuple(data["weeks"]), data["interval"] or 1)
        schedule.rule = str(rule)
        for name in ("begins", "ends", "first_day", "last_day", "on_holidays"):
            setattr(schedule, name, data[name])
        return schedule


def schedule_initial(schedule: Schedule) -> dict:
    """Return a schedule's values as initial data for `ScheduleForm`."""
    names = ("begins", "ends", "first_day", "last_day", "on_holidays")
    rule = schedule.recurrence
    chosen = {"weekdays": rule.weekdays, "weeks": rule.weeks, "interval": rule.interval}
    return {name: getattr(schedule, name) for name in names} | chosen


class HoursForm(ScheduleForm):
    """Hours in which a language is served, or a professional is available."""

    service = forms.ChoiceField(
        label=pgettext_lazy("staff", "Service"), choices=lambda: _in_staff_language(DeskService.choices)
    )
    language = LanguageField(
        label=pgettext_lazy("staff", "Language"),
        help_text=pgettext_lazy(
            "staff",
            "Leave this empty for a lawyer or other professional. An interpreter is arranged for anyone who needs one.",
        ),
        empty="–",
        required=False,
    )
    modes = forms.MultipleChoiceField(
        label=pgettext_lazy("staff", "Contact method"),
        choices=lambda: _in_staff_language(ConsultationMode.choices),
        widget=forms.CheckboxSelectMultiple,
    )
    by_appointment = forms.BooleanField(label=pgettext_lazy("staff", "By appointment only"), required=False)
    slot_minutes = NumberField(
        label=pgettext_lazy("staff", "Minutes per appointment"),
        help_text=pgettext_lazy("staff", "Existing appointments will not change."),
        validators=[MinValueValidator(10), MaxValueValidator(240)],
        initial=30,
        required=False,
    )
    video_room = forms.URLField(
        label=pgettext_lazy("staff", "Link to the video room"),
        help_text=pgettext_lazy(
            "staff", "Must begin with https://. Only people with a video appointment will receive this link."
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
        "interval",
        "begins",
        "ends",
        "modes",
        "by_appointment",
        "slot_minutes",
        "video_room",
        "on_holidays",
    ]

    def clean(self):
        """Require a language for advice."""
        data = super().clean()
        if data.get("service") == DeskService.ADVICE and "language" in data and not data["language"]:
            self.add_error("language", pgettext("staff", "Choose the language the advice is given in."))
        return data

    def fill(self, hours: DeskHours) -> DeskHours:
        """Copy the submitted values to the row, without saving it."""
        for name in ("service", "language", "modes", "by_appointment", "video_room"):
            setattr(hours, name, self.cleaned_data[name])
        hours.slot_minutes = self.cleaned_data["slot_minutes"] or self.fields["slot_minutes"].initial
        return hours

    @staticmethod
    def initial_for(hours: DeskHours) -> dict:
        """Return a row's values as initial data for this form."""
        names = ("service", "language", "modes", "by_appointment", "slot_minutes", "video_room")
        return schedule_initial(hours.schedule) | {name: getattr(hours, name) for name in names}


class AdviserField(forms.ModelChoiceField):
    """A choice of adviser."""

    def __init__(self, **options):
        super().__init__(User.objects.none(), to_field_name="public_id", **options)

    def label_from_instance(self, person):
        """Return the adviser's name, or their email address if they have none."""
        return person.name or person.email


class ShiftForm(ScheduleForm):
    """An adviser's shift and the languages they speak during it."""

    adviser = AdviserField(label=pgettext_lazy("staff", "Adviser"))
    languages = LanguagesField(label=pgettext_lazy("staff", "Languages spoken at the desk"))
    field_order = ["adviser", "languages", "weekdays", "weeks", "interval", "begins", "ends", "on_holidays"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        advisers = User.objects.filter(is_active=True, grants__role=Role.ADVISER).order_by("name", "pk")
        self.fields["adviser"].queryset = advisers

    def fill(self, shift: DeskShift) -> DeskShift:
        """Copy the submitted values to the row, without saving it."""
        shift.adviser, shift.languages = self.cleaned_data["adviser"], self.cleaned_data["languages"]
        return shift

    @staticmethod
    def initial_for(shift: DeskShift) -> dict:
        """Return a row's values as initial data for this form."""
        return schedule_initial(shift.schedule) | {"adviser": shift.adviser.public_id, "languages": shift.languages}


class ScheduleExceptionForm(forms.Form):
    """An exception on one day: other times, or none to close."""

    day = DayField(label=pgettext_lazy("staff", "Date"), widget=_DATE)
    begins = ClockField(
        label=pgettext_lazy("staff", "From"),
        help_text=pgettext_lazy(
            "staff",
            "Leave both times empty to close on that day. Enter times to change the hours or to add an extra day.",
        ),
        required=False,
        widget=_TIME,
    )
    ends = ClockField(label=pgettext_lazy("staff", "To"), required=False, widget=_TIME)

    def clean(self):
        """Require both times or neither, and an end after the start."""
        data = super().clean()
        if self.errors:
            return data
        begins, ends = data.get("begins"), data.get("ends")
        if (begins is None) != (ends is None):
            self.add_error("ends" if begins else "begins", pgettext("staff", "Enter both times, or leave both empty."))
        elif begins and not _is_within_a_day(begins, ends):
            self.add_error("ends", pgettext("staff", "The end must be after the start."))
        return data


class ClosedDayForm(forms.Form):
    """A day on which the whole desk is closed."""

    day = DayField(label=pgettext_lazy("staff", "Date"), widget=_DATE)


class ChosenDayForm(forms.Form):
    """The day whose exception or closure is removed."""

    day = DayField(widget=forms.HiddenInput)


class LastDayForm(forms.Form):
    """The last day of hours or a shift."""

    last = DayField(
        label=pgettext_lazy("staff", "Last day"),
        help_text=pgettext_lazy(
            "staff",
            "Past days cannot be changed. To change the times from a certain date, end this entry and add a new one.",
        ),
        widget=_DATE,
    )
