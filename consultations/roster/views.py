"""The desk's hours and shifts: its coordinator edits them, its advisers see them."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.appointments.actions import WouldCancelAppointments
from consultations.roster import actions
from consultations.roster.forms import (
    ChosenDayForm,
    ClosedDayForm,
    HoursForm,
    LastDayForm,
    ScheduleExceptionForm,
    ShiftForm,
)
from consultations.timetable import presentation
from consultations.timetable.models import DeskHours, DeskService, DeskShift
from consultations.timetable.openings import Opening, load_timetable
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages import negotiation
from services.languages.registry import SPOKEN
from services.messaging.outbox import phone_if_unreachable
from services.schedules.models import ClosedDay, Schedule, ScheduleException

WEEKS_AROUND = 52


@dataclass(frozen=True, slots=True)
class RosterEntryKind:
    """One of the two kinds of roster entry: hours or shifts."""

    model: type
    form: type
    save: object

    def get_or_404(self, public_id: str):
        """Return the row with its schedule, or raise `Http404`."""
        rows = self.model.objects.select_related("schedule")
        return get_object_or_404(
            rows.select_related("adviser") if self.model is DeskShift else rows, public_id=public_id
        )


KINDS = {
    "hours": RosterEntryKind(DeskHours, HoursForm, actions.save_hours),
    "shifts": RosterEntryKind(DeskShift, ShiftForm, actions.save_shift),
}


def _kind(name: str) -> RosterEntryKind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]


@dataclass(frozen=True, slots=True)
class _RosterRow:
    """A row of the roster, prepared for display."""

    public_id: str
    name: str
    rule: str
    times: str
    languages: list
    first_day: datetime.date
    last_day: datetime.date | None
    is_over: bool
    by_appointment: bool = False
    modes: str = ""


@dataclass(frozen=True, slots=True)
class _RosterDay:
    """The actual openings of one day, and its staffing gaps."""

    day: datetime.date
    is_today: bool
    openings: list
    gaps: list


@require_safe
def index(request):
    """Show one week with its openings and staffing gaps, and the hours and shifts behind it."""
    today = timezone.localdate()
    typed = request.GET.get("week", "")
    start = presentation.requested_week(typed, today, before=WEEKS_AROUND, after=WEEKS_AROUND)
    timetable = load_timetable(start, start + datetime.timedelta(days=6))
    shifts = DeskShift.objects.select_related("schedule", "adviser").order_by("adviser__name", "pk")
    week = datetime.timedelta(weeks=1)
    context = {
        "days": [_day(timetable, start + datetime.timedelta(days=number), today) for number in range(7)],
        "gaps": len(timetable.gaps),
        "hours": [_hours_row(row, today) for row in timetable.hours],
        "shifts": [_shift_row(row, today) for row in shifts],
        "earlier": start - week,
        "later": start + week,
        "start": start,
        "may_edit": request.user.has_role(Role.MANAGER),
    }
    return render(request, "consultations/staff/index.html", context)


def _day(timetable, day: datetime.date, today: datetime.date) -> _RosterDay:
    openings = [(_opening_label(it), _times(it)) for it in timetable.within(day, day)]
    gaps = [(SPOKEN[it.language], _times(it)) for it in timetable.gaps if it.starts_at.date() == day]
    return _RosterDay(day, day == today, openings, gaps)


def _opening_label(opening: Opening):
    """Return the language of an advice opening, or the name of the profession."""
    if opening.service == DeskService.ADVICE:
        return SPOKEN[opening.language]
    with negotiation.staff_language_override():
        return str(DeskService(opening.service).label)


def _times(span) -> str:
    return f"{span.starts_at:%H:%M}–{span.ends_at:%H:%M}"


def _hours_row(row: DeskHours, today: datetime.date) -> _RosterRow:
    with negotiation.staff_language_override():
        name = str(row.get_service_display()) if row.service != DeskService.ADVICE else ""
        modes = presentation.join_modes(row.modes)
    languages = [SPOKEN[row.language]] if row.language else []
    return _row(row, name, languages, today, by_appointment=row.by_appointment, modes=modes)


def _shift_row(row: DeskShift, today: datetime.date) -> _RosterRow:
    return _row(row, str(row.adviser), [SPOKEN[code] for code in row.languages], today)


def _row(row, name: str, languages: list, today: datetime.date, **more) -> _RosterRow:
    schedule = row.schedule
    is_over = bool(schedule.last_day and schedule.last_day < today)
    times = f"{schedule.begins:%H:%M}–{schedule.ends:%H:%M}"
    with negotiation.staff_language_override():
        rule = schedule.recurrence.describe()
    return _RosterRow(
        row.public_id, name, rule, times, languages, schedule.first_day, schedule.last_day, is_over, **more
    )


@GET_OR_POST
def add(request, kind):
    """Add hours or a shift."""
    entry_kind = _kind(kind)
    form = entry_kind.form(request.POST or None)
    if request.method == "POST" and _save(request, entry_kind, form, entry_kind.model(), Schedule()):
        return redirect("desk:index")
    context = {"form": form, "kind": kind}
    return render(request, "consultations/staff/write.html", context, status=400 if form.errors else 200)


@GET_OR_POST
def edit(request, kind, public_id):
    """Edit one row of the roster, its exceptions and its last day."""
    entry_kind = _kind(kind)
    row = entry_kind.get_or_404(public_id)
    form = entry_kind.form(request.POST or None, initial=entry_kind.form.initial_for(row))
    if request.method == "POST" and _save(request, entry_kind, form, row, row.schedule):
        return redirect("desk:index")
    return _edit_page(request, kind, public_id, form=form)


def _save(request, kind: RosterEntryKind, form, row, schedule: Schedule) -> bool:
    """Save the form if it is valid, and return whether that worked. A refusal is shown in the form."""
    if not form.is_valid():
        return False
    try:
        kind.save(form.fill(row), form.fill_schedule(schedule), by=request.user, agreed=_confirmed_ids(request))
    except Refused as refusal:
        _show_refusal(request, form, refusal)
        return False
    messages.success(request, pgettext("staff", "Your changes have been saved and are shown on the public timetable."))
    return True


def _confirmed_ids(request) -> set[str]:
    """Return the public ids of the appointments that the user has seen and agreed to cancel."""
    return set(request.POST.getlist("agreed"))


def _show_refusal(request, form, refusal: Refused) -> None:
    """Show the reason in the form, and the appointments that the change would cancel."""
    form.add_error(None, str(refusal))
    if isinstance(refusal, WouldCancelAppointments):
        record(request.user, "consultations.list_appointments", fields=["name"], changes=False)
        form.loses = [
            (row, timezone.localtime(row.offering.starts_at), phone_if_unreachable(row.resident))
            for row in refusal.rows
        ]


def _edit_page(request, kind: str, public_id: str, *, form=None, change=None, end=None, keep=None):
    """Render the page of one row as stored, with the forms as they were submitted."""
    entry_kind = _kind(kind)
    row = entry_kind.get_or_404(public_id)
    forms = (form, change, end, keep)
    line = _hours_row(row, timezone.localdate()) if kind == "hours" else _shift_row(row, timezone.localdate())
    context = {
        "form": form or entry_kind.form(initial=entry_kind.form.initial_for(row)),
        "change": change or ScheduleExceptionForm(prefix="on"),
        "end": end or LastDayForm(),
        "keep": keep,
        "kind": kind,
        "line": line,
        "changes": ScheduleException.objects.filter(schedule=row.schedule_id, day__gte=timezone.localdate()),
    }
    status = 400 if any(it is not None and it.errors for it in forms) else 200
    return render(request, "consultations/staff/write.html", context, status=status)


@require_POST
def change(request, kind, public_id):
    """Make one day an exception."""
    row = _kind(kind).get_or_404(public_id)
    form = ScheduleExceptionForm(request.POST, prefix="on")
    if form.is_valid():
        try:
            actions.change_day(row, by=request.user, agreed=_confirmed_ids(request), **form.cleaned_data)
        except Refused as refusal:
            _show_refusal(request, form, refusal)
        else:
            messages.success(
                request, pgettext("staff", "Your changes have been saved and are shown on the public timetable.")
            )
            return redirect("desk:edit", kind, public_id)
    return _edit_page(request, kind, public_id, change=form)


@require_POST
def restore_regular(request, kind, public_id):
    """Remove the exception on a day."""
    row = _kind(kind).get_or_404(public_id)
    form = ChosenDayForm(request.POST)
    if not form.is_valid():
        return redirect("desk:edit", kind, public_id)
    try:
        actions.restore_regular_hours(row, form.cleaned_data["day"], by=request.user, agreed=_confirmed_ids(request))
    except Refused as refusal:
        _show_refusal(request, form, refusal)
        return _edit_page(request, kind, public_id, keep=form)
    messages.success(request, pgettext("staff", "Normal hours have been restored for that day."))
    return redirect("desk:edit", kind, public_id)


@require_POST
def end(request, kind, public_id):
    """Set the last day of a row."""
    row = _kind(kind).get_or_404(public_id)
    form = LastDayForm(request.POST)
    if form.is_valid():
        try:
            actions.end_after(row, form.cleaned_data["last"], by=request.user, agreed=_confirmed_ids(request))
        except Refused as refusal:
            _show_refusal(request, form, refusal)
        else:
            messages.success(request, pgettext("staff", "The last day has been set."))
            return redirect("desk:index")
    return _edit_page(request, kind, public_id, end=form)


@GET_OR_POST
def closed_days(request):
    """Show the coming days on which the whole desk is closed, and close it on another one."""
    form = ClosedDayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.close_desk(form.cleaned_data["day"], by=request.user, agreed=_confirmed_ids(request))
        except Refused as refusal:
            _show_refusal(request, form, refusal)
        else:
            messages.success(
                request, pgettext("staff", "Your changes have been saved and are shown on the public timetable.")
            )
            return redirect("desk:closed_days")
    days = ClosedDay.objects.filter(day__gte=timezone.localdate())
    context = {"form": form, "days": days}
    return render(request, "consultations/staff/closed_days.html", context, status=400 if form.errors else 200)


@require_POST
def reopen(request):
    """Open the desk again on a closed day."""
    form = ChosenDayForm(request.POST)
    if form.is_valid():
        try:
            actions.reopen_desk(form.cleaned_data["day"], by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, pgettext("staff", "Normal hours have been restored for that day."))
    return redirect("desk:closed_days")
