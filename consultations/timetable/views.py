"""The desk's public page (languages, hours, address, modes of contact) and its calendar files."""

import datetime
import json

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consultations.timetable import presentation
from consultations.timetable.openings import LOOK_AHEAD, load_timetable
from services.languages.registry import SPOKEN
from services.schedules.calendar_files import render_calendar

WEEKS_IN_CALENDAR = 8


# Escaped as in Django's json_script, so that no text can close the script element.
_SCRIPT_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@never_cache  # "now, until 17:00" is true for a minute only
@require_safe
def index(request):
    """Show the desk's current status and the requested week."""
    moment, language = timezone.localtime(), request.LANGUAGE_CODE
    today = moment.date()
    start = presentation.requested_week(request.GET.get("week", ""), today)
    end = start + datetime.timedelta(days=6)
    timetable = load_timetable(min(today, start), max(end, today + LOOK_AHEAD))
    context = {
        "next": presentation.next_opening(timetable, language, moment),
        "week": presentation.present_week(timetable, start, language, today),
        "is_this_week": start <= today <= end,
        "earlier": _week_before(start, today),
        "later": _week_after(start, today),
        "professions": presentation.present_professionals(timetable, moment),
        "has_appointments": any(it.by_appointment for it in timetable.openings),
        "ways": presentation.available_modes(timetable, today),
        "desk": settings.CITY.desk,
        "address": settings.CITY.desk.address[language] if settings.CITY.desk else "",
        "for_machines": _as_json_script(presentation.opening_hours_json_ld(timetable, today, language)),
    }
    return render(request, "consultations/index.html", context)


def _week_before(start: datetime.date, today: datetime.date) -> datetime.date | None:
    return start - datetime.timedelta(weeks=1) if start > today else None


def _week_after(start: datetime.date, today: datetime.date) -> datetime.date | None:
    later = start + datetime.timedelta(weeks=1)
    return later if presentation.requested_week(later.isoformat(), today) == later else None


def _as_json_script(data: dict) -> SafeString:
    escaped = json.dumps(data, ensure_ascii=False).translate(_SCRIPT_ESCAPES)
    return mark_safe(escaped)  # noqa: S308  no text can close the element


@require_safe
def calendar(request):
    """Return eight weeks of one language as a calendar file. The default is the page's own language."""
    spoken = request.GET.get("language", request.LANGUAGE_CODE)
    if spoken not in settings.CITY.languages:
        raise Http404
    now = timezone.localtime()
    timetable = load_timetable(now.date(), now.date() + datetime.timedelta(weeks=WEEKS_IN_CALENDAR, days=-1))
    entries = presentation.calendar_entries(timetable, spoken, request.LANGUAGE_CODE)
    headers = {"Content-Disposition": f'attachment; filename="consultation-desk-{SPOKEN[spoken].code}.ics"'}
    file = render_calendar(entries, stamp=now.astimezone(datetime.UTC))
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)
