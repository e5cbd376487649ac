"""The desk's page for everybody: which languages, when, how, where; its calendar files."""

import datetime
import json

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consultations import reading
from consultations.figures.counting import FEWEST
from consultations.figures.periods import fiscal_year
from consultations.figures.public import read_year, years_to_show
from consultations.timetable import LOOK_AHEAD, read_timetable
from services.languages.table import SPOKEN
from services.schedules.calendar_files import calendar_file

WEEKS_IN_CALENDAR = 8
# As Django's json_script does it: no text can end the script element.
_HARMLESS = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@never_cache  # "now, until 17:00" is true for this minute only: no copy may be kept
@require_safe
def index(request):
    """The desk, as it is now and in the week that was asked for."""
    moment, language = timezone.localtime(), request.LANGUAGE_CODE
    today = moment.date()
    start = reading.asked_week(request.GET.get("week", ""), today)
    end = start + datetime.timedelta(days=6)
    timetable = read_timetable(min(today, start), max(end, today + LOOK_AHEAD))
    context = {
        "next": reading.next_in_words(timetable, language, moment),
        "week": reading.week_in_words(timetable, start, language, today),
        "is_this_week": start <= today <= end,
        "earlier": _week_before(start, today),
        "later": _week_after(start, today),
        "professions": reading.professions_in_words(timetable, moment),
        "has_appointments": any(it.by_appointment for it in timetable.openings),
        "ways": reading.ways_in_words(timetable, today),
        "desk": settings.CITY.desk,
        "address": settings.CITY.desk.address[language] if settings.CITY.desk else "",
        "for_machines": _as_script(reading.for_machines(timetable, today, language)),
    }
    return render(request, "consultations/index.html", context)


def _week_before(start: datetime.date, today: datetime.date) -> datetime.date | None:
    return start - datetime.timedelta(weeks=1) if start > today else None


def _week_after(start: datetime.date, today: datetime.date) -> datetime.date | None:
    later = start + datetime.timedelta(weeks=1)
    return later if reading.asked_week(later.isoformat(), today) == later else None


def _as_script(facts: dict) -> SafeString:
    return mark_safe(json.dumps(facts, ensure_ascii=False).translate(_HARMLESS))  # noqa: S308  nothing ends it


@require_safe
def calendar(request):
    """The next eight weeks of one language (the page's own, unless another is asked for) as a calendar file."""
    spoken = request.GET.get("language", request.LANGUAGE_CODE)
    if spoken not in settings.CITY.languages:
        raise Http404
    now = timezone.localtime()
    timetable = read_timetable(now.date(), now.date() + datetime.timedelta(weeks=WEEKS_IN_CALENDAR, days=-1))
    entries = reading.calendar_entries(timetable, spoken, request.LANGUAGE_CODE)
    headers = {"Content-Disposition": f'attachment; filename="consultation-desk-{SPOKEN[spoken].code}.ics"'}
    file = calendar_file(entries, stamp=now.astimezone(datetime.UTC))
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)


@never_cache  # no recorded change of what is public tells that a consultation was logged late
@require_safe
def figures(request):
    """A year of the desk in a few figures: the newest that is over, or another one of the last."""
    years = years_to_show()
    asked = next((year for year in years if str(year) == request.GET.get("year")), years[0] if years else None)
    context = {
        "years": [(year, fiscal_year(year)) for year in years],
        "asked": asked,
        "figures": read_year(asked) if asked else None,
        "fewest": FEWEST,
    }
    return render(request, "consultations/figures.html", context)
