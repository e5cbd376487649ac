"""The desk's hours and duties, for its coordinator to edit and its advisers to see."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consultations import reading
from consultations.actions import roster as actions
from consultations.actions.appointments import WouldLose
from consultations.forms.roster import ChangeForm, DayForm, DutyForm, EndForm, HoursForm
from consultations.models import DeskHours, Duty, Service
from consultations.timetable import Opening, read_timetable
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.languages.table import SPOKEN
from services.notices.actions.telling import number_to_call
from services.schedules.models import Change, Schedule

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
WEEKS_AROUND = 52


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two things that the roster is made of."""

    model: type
    form: type
    save: object

    def found(self, public_id: str):
        """The row, or 404."""
        rows = self.model.objects.select_related("schedule")
        return get_object_or_404(rows.select_related("adviser") if self.model is Duty else rows, public_id=public_id)


KINDS = {
    "hours": Kind(DeskHours, HoursForm, actions.save_hours),
    "duties": Kind(Duty, DutyForm, actions.save_duty),
}


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the roster in words."""

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
class _Day:
    """What really happens on one day, and what is missing."""

    day: datetime.date
    is_today: bool
    openings: list
    gaps: list


@require_safe
def index(request):
    """A week as it will really be, with its gaps; every hours and duty behind it."""
    today = timezone.localdate()
    asked = request.GET.get("week", "")
    start = reading.asked_week(asked, today, before=WEEKS_AROUND, after=WEEKS_AROUND)
    timetable = read_timetable(start, start + datetime.timedelta(days=6))
    duties = Duty.objects.select_related("schedule", "adviser").order_by("adviser__name", "pk")
    week = datetime.timedelta(weeks=1)
    context = {
        "days": [_day(timetable, start + datetime.timedelta(days=number), today) for number in range(7)],
        "gaps": len(timetable.gaps),
        "hours": [_hours_line(row, today) for row in timetable.hours],
        "duties": [_duty_line(row, today) for row in duties],
        "earlier": start - week,
        "later": start + week,
        "start": start,
        "may_edit": request.user.has_role(Role.MANAGER),
    }
    return render(request, "consultations/staff/index.html", context)


def _day(timetable, day: datetime.date, today: datetime.date) -> _Day:
    openings = [(_spoken(it), _times(it)) for it in timetable.within(day, day)]
    gaps = [(SPOKEN[it.language], _times(it)) for it in timetable.gaps if it.starts_at.date() == day]
    return _Day(day, day == today, openings, gaps)


def _spoken(opening: Opening):
    """What is there: a language, or the name of a profession."""
    if opening.service == Service.ADVICE:
        return SPOKEN[opening.language]
    with reading.for_staff():
        return str(Service(opening.service).label)


def _times(it) -> str:
    return f"{it.starts_at:%H:%M}–{it.ends_at:%H:%M}"


def _hours_line(row: DeskHours, today: datetime.date) -> _Line:
    with reading.for_staff():
        name = str(row.get_service_display()) if row.service != Service.ADVICE else ""
        modes = reading.ways_joined(row.modes)
    languages = [SPOKEN[row.language]] if row.language else []
    return _line(row, name, languages, today, by_appointment=row.by_appointment, modes=modes)


def _duty_line(row: Duty, today: datetime.date) -> _Line:
    return _line(row, str(row.adviser), [SPOKEN[code] for code in row.languages], today)


def _line(row, name: str, languages: list, today: datetime.date, **more) -> _Line:
    schedule = row.schedule
    is_over = bool(schedule.last_day and schedule.last_day < today)
    times = f"{schedule.begins:%H:%M}–{schedule.ends:%H:%M}"
    with reading.for_staff():
        rule = schedule.days.in_words()
    return _Line(row.public_id, name, rule, times, languages, schedule.first_day, schedule.last_day, is_over, **more)


@GET_OR_POST
def write(request, kind):
    """New hours, or a new duty."""
    it = _kind(kind)
    form = it.form(request.POST or None)
    if request.method == "POST" and _saved(request, it, form, it.model(), Schedule()):
        return redirect("desk:index")
    context = {"form": form, "kind": kind}
    return render(request, "consultations/staff/write.html", context, status=400 if form.errors else 200)


@GET_OR_POST
def edit(request, kind, public_id):
    """The rule of one row, its exceptions, its end."""
    it = _kind(kind)
    row = it.found(public_id)
    form = it.form(request.POST or None, initial=it.form.as_typed(row))
    if request.method == "POST" and _saved(request, it, form, row, row.schedule):
        return redirect("desk:index")
    return _edit_page(request, kind, public_id, form=form)


def _saved(request, it: Kind, form, row, schedule: Schedule) -> bool:
    """Whether what was typed is kept; if it is refused, the form says why and keeps what was typed."""
    if not form.is_valid():
        return False
    try:
        it.save(form.fill(row), form.fill_schedule(schedule), by=request.user, agreed=_agreed(request))
    except Refused as refusal:
        _refuse(request, form, refusal)
        return False
    messages.success(request, pgettext("staff", "Saved. The public timetable shows it now."))
    return True


def _agreed(request) -> set[str]:
    """Which appointments whoever presses the button has seen that they cancel."""
    return set(request.POST.getlist("agreed"))


def _refuse(request, form, refusal: Refused) -> None:
    """Why not; and whose appointments it would cancel, with whom the portal cannot write to."""
    form.add_error(None, str(refusal))
    if isinstance(refusal, WouldLose):
        record(request.user, "consultations.list_appointments", fields=["name"], changes=False)
        form.loses = [
            (row, timezone.localtime(row.offering.starts_at), number_to_call(row.resident)) for row in refusal.rows
        ]


def _edit_page(request, kind: str, public_id: str, *, form=None, change=None, end=None, keep=None):
    """The page of one row as it is stored, with the forms as they were typed."""
    it = _kind(kind)
    row = it.found(public_id)
    forms = (form, change, end, keep)
    line = _hours_line(row, timezone.localdate()) if kind == "hours" else _duty_line(row, timezone.localdate())
    context = {
        "form": form or it.form(initial=it.form.as_typed(row)),
        "change": change or ChangeForm(prefix="on"),
        "end": end or EndForm(),
        "keep": keep,
        "kind": kind,
        "line": line,
        "changes": Change.objects.filter(schedule=row.schedule_id, day__gte=timezone.localdate()),
    }
    status = 400 if any(it is not None and it.errors for it in forms) else 200
    return render(request, "consultations/staff/write.html", context, status=status)


@require_POST
def change(request, kind, public_id):
    """Make one day an exception."""
    row = _kind(kind).found(public_id)
    form = ChangeForm(request.POST, prefix="on")
    if form.is_valid():
        try:
            actions.change_day(row, by=request.user, agreed=_agreed(request), **form.cleaned_data)
        except Refused as refusal:
            _refuse(request, form, refusal)
        else:
            messages.success(request, pgettext("staff", "Saved. The public timetable shows it now."))
            return redirect("desk:edit", kind, public_id)
    return _edit_page(request, kind, public_id, change=form)


@require_POST
def keep(request, kind, public_id):
    """Take an exception back."""
    row = _kind(kind).found(public_id)
    form = DayForm(request.POST)
    if not form.is_valid():
        return redirect("desk:edit", kind, public_id)
    try:
        actions.keep_rule(row, form.cleaned_data["day"], by=request.user, agreed=_agreed(request))
    except Refused as refusal:
        _refuse(request, form, refusal)
        return _edit_page(request, kind, public_id, keep=form)
    messages.success(request, pgettext("staff", "The rule holds on that day again."))
    return redirect("desk:edit", kind, public_id)


@require_POST
def end(request, kind, public_id):
    """The last day of a row."""
    row = _kind(kind).found(public_id)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            actions.end_after(row, form.cleaned_data["last"], by=request.user, agreed=_agreed(request))
        except Refused as refusal:
            _refuse(request, form, refusal)
        else:
            messages.success(request, pgettext("staff", "It ends."))
            return redirect("desk:index")
    return _edit_page(request, kind, public_id, end=form)
