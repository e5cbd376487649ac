"""The desk's page, its calendar files and the home page's strip: correct in every language at every minute."""

import datetime
import json
import re
from dataclasses import replace
from datetime import date, time

import pytest
from django.core.cache import caches
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.text import capfirst
from icalendar import Calendar

from consultations.models import ConsultationMode, DeskService
from consultations.roster.actions import change_day, restore_regular_hours
from portal.city import Desk
from services.languages.furigana import annotate_page, strip_readings
from services.languages.registry import SPOKEN
from services.schedules.models import ScheduleException
from tests.factories import DeskShiftFactory, HoursFactory

pytestmark = pytest.mark.django_db
MON, TUE, WED, SUN = 0, 1, 2, 6
# The query for the content version, with which every public page begins (portal/page_cache.py).
EDITION = 1


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the city's local time; the default day is Tuesday 17 November 2026."""

    def turn(hour: int, minute: int = 0, day: date = date(2026, 11, 17)) -> None:
        moment = datetime.datetime.combine(day, time(hour, minute), timezone.get_default_timezone())
        monkeypatch.setattr(timezone, "now", lambda: moment.astimezone(datetime.UTC))

    turn(12)
    return turn


def page(client, language="en", query="") -> str:
    return client.get(f"/{language}/consultations/{query}").content.decode()


def words(html: str) -> str:
    html = re.sub(r"<(rp|rt)>.*?</\1>", "", html)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def answer(html: str) -> str:
    """Return the first line of the box."""
    return words(re.search(r"<dl class=\"answer\">.*?<dd>(.*?)</dd>", html, re.DOTALL)[1])


def table(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr.*?</tr>", re.search(r"<table>.*?</table>", html, re.DOTALL)[0], re.DOTALL)
    return [[words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def open_desk(language="ne", **more) -> None:
    HoursFactory(language=language, **more)
    DeskShiftFactory(languages=[language])


# --- Now, and next opening ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ((9, 59), "Today, 10:00–17:00"),
        ((10, 0), "Now, until 17:00"),
        ((16, 59), "Now, until 17:00"),
        ((17, 0), "Tuesday 24 November, 10:00–17:00"),
    ],
)
def test_page_says_when_the_desk_speaks_the_readers_language(client, clock, moment, said):
    open_desk("en", schedule__weekdays=(TUE,))
    clock(*moment)
    assert answer(page(client)) == said


def test_page_is_never_kept(client, new_client, clock):
    open_desk("en")
    assert "no-store" in client.get("/en/consultations/").headers["Cache-Control"]
    assert answer(page(client)) == "Now, until 17:00"
    clock(18)
    assert answer(page(new_client())) == "Wednesday 18 November, 10:00–17:00"


def test_reader_whose_language_has_no_hours_is_asked_to_come_all_the_same(client, clock):
    open_desk("ne")
    assert answer(page(client)).startswith("There are no fixed times")


def test_opening_by_appointment_is_never_now(client, clock):
    open_desk("en", by_appointment=True)
    assert answer(page(client)) == "Today, 10:00–17:00 By appointment Book an appointment"


# --- The week -------------------------------------------------------------------------------------


def test_week_begins_as_the_citys_calendars_do_and_marks_today(client, clock):
    open_desk("ne", schedule__weekdays=(MON, TUE))
    html = page(client)
    head, row = table(html)
    assert head[0] == "Language"
    assert [cell.split()[0] for cell in head[1:]] == [
        *("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    ]
    assert head[3] == "Tuesday 17 November Today"
    assert row == ["नेपाली Nepali", "–", "10:00–17:00", "10:00–17:00", "–", "–", "–", "–"]
    assert html.count('aria-current="date"') == 2
    assert html.count('scope="col"') == 8
    assert html.count('scope="row"') == 1


def test_week_says_why_a_day_of_the_rule_is_missing(client, clock):
    open_desk("ne", schedule__weekdays=(MON, TUE, WED))
    hours = HoursFactory(language="vi", schedule__weekdays=(MON, TUE, WED))
    DeskShiftFactory(languages=["vi"], schedule__weekdays=(TUE,))
    ScheduleException.objects.create(schedule=hours.schedule, day=date(2026, 11, 24), begins=time(10), ends=time(11))
    html = page(client, query="?week=2026-11-23")
    head, nepali, vietnamese = table(html)
    assert head[2] == "Monday 23 November Public holiday"
    assert nepali[2:5] == ["Public holiday", "10:00–17:00", "10:00–17:00"]
    assert vietnamese[2:5] == ["Public holiday", "10:00–11:00 Different from usual", "Not available"]


def test_readers_own_language_comes_first_and_is_not_explained(client, clock):
    for language in ("en", "vi", "ne"):
        open_desk(language)
    assert [row[0] for row in table(page(client, "en"))[1:]] == ["English", "नेपाली Nepali", "Tiếng Việt Vietnamese"]
    assert table(page(client, "ne"))[1][0] == "नेपाली"
    assert table(page(client, "ja-simple"))[1][0] == "English 英語"


def test_language_on_one_sunday_of_the_month_says_so(client, clock):
    open_desk("ar", schedule__weekdays=(SUN,), schedule__weeks=(1,))
    open_desk("ne")
    open_desk("vi")
    HoursFactory(language="en", modes=[ConsultationMode.PHONE])
    rows = table(page(client, query="?week=2026-12-06"))
    assert rows[1][0] == "English By phone"
    assert rows[-1][:2] == ["العربية Arabic 1st Sunday of the month, 10:00–17:00", "10:00–17:00"]


def test_hours_that_are_over_or_not_offered_here_are_not_in_the_week(client, clock):
    open_desk("ne", schedule__last_day=date(2026, 11, 14))
    HoursFactory(language="sv")
    html = page(client)
    assert "<table>" not in html
    assert "There are no desk hours for this week." in html


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2026-11-22", "22 November – 28 November"),
        ("2026-11-28", "22 November – 28 November"),
        ("2027-01-16", "10 January – 16 January"),
        *((typed, "15 November – 21 November") for typed in ("2027-01-17", "2026-11-14", "9999-12-31", "0001-01-01")),
        *((typed, "15 November – 21 November") for typed in ("", "x", "2026-13-01", "20261122999", "٢٠٢٦-١١-٢٢")),
    ],
)
def test_week_that_is_asked_for_is_shown_within_bounds(client, clock, typed, shown):
    open_desk("ne")
    html = client.get("/en/consultations/", {"week": typed}).content.decode()
    assert words(re.search(r"<caption.*?</caption>", html)[0]) == shown


def test_weeks_lead_on_and_back_as_far_as_they_go(client, clock):
    open_desk("ne")
    found = re.compile(r"href=\"\?week=([\d-]+)")
    assert found.findall(page(client)) == ["2026-11-22"]
    assert found.findall(page(client, query="?week=2026-12-06")) == ["2026-11-29", "2026-12-13"]
    assert found.findall(page(client, query="?week=2027-01-10")) == ["2027-01-03"]


# --- In every language ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", SPOKEN)
def test_page_is_whole_in_every_language_with_its_own_weekdays(client, clock, language):
    open_desk("ne")
    HoursFactory(service=DeskService.LAWYER, language="", schedule__weekdays=(SUN,), schedule__weeks=(1, 3))
    html = page(client, language)
    with translation.override(language):
        weekdays = [capfirst(strip_readings(date_format(date(2026, 11, 15 + number), "l"))) for number in range(7)]
    assert len(set(weekdays)) == 7
    head = table(html)[0]
    assert [weekday in cell for weekday, cell in zip(weekdays, head[1:], strict=True)] == [True] * 7
    others = {"ja": {"ja-simple"}, "ja-simple": {"ja"}}.get(language, set())
    for other in set(SPOKEN) - {language} - others:
        with translation.override(other):
            assert strip_readings(date_format(date(2026, 11, 17), "l")) not in head[3]
    assert re.search(r"\{[^{}]*\|", html) is None


def test_easy_japanese_shows_how_days_are_read(client, clock):
    open_desk("ja-simple")
    html = page(client, "ja-simple")
    assert annotate_page("{火曜日|かようび}", furigana=True) in html
    assert annotate_page("11{月|がつ}{20日|はつか}", furigana=True) in html


def test_japanese_reader_is_served_in_easy_japanese(client, clock):
    open_desk("ja-simple")
    assert "17:00" in answer(page(client, "ja"))


# --- How, where, who else -------------------------------------------------------------------------


def test_page_names_the_ways_that_hours_offer(client, clock, settings):
    open_desk("en", modes=[ConsultationMode.PHONE])
    html = page(client)
    assert "Call us:" in html
    assert "Visit us in person." not in html
    assert "video" not in words(html)


def test_example_address_says_so_and_is_not_told_to_machines(client, clock):
    open_desk("en")
    html = page(client)
    assert "The address and phone number are only examples." in html
    assert "tel:" not in html
    assert "telephone" not in machine_words(html)["@graph"][0]


def test_real_desk_can_be_called(client, clock, settings):
    address = dict.fromkeys(settings.CITY.languages, "Hall <1>")
    settings.CITY = replace(settings.CITY, desk=Desk(address, "+81 0-0000"))
    open_desk("en")
    html = page(client)
    assert 'href="tel:+8100000"' in html
    assert "Hall &lt;1&gt;" in html
    assert "only examples" not in html
    assert machine_words(html)["@graph"][0]["address"] == "Hall <1>"


def test_city_without_a_desks_address_has_a_page_too(client, clock, settings):
    settings.CITY = replace(settings.CITY, desk=None)
    open_desk("en")
    html = page(client)
    assert "Call us." in html
    assert "<dt>Where</dt>" not in html
    assert client.get("/en/consultations/calendar.ics").status_code == 200


def test_professions_are_told_by_their_rule_and_their_next_day(client, clock):
    HoursFactory(
        service=DeskService.LAWYER,
        language="",
        by_appointment=True,
        schedule__weekdays=(SUN,),
        schedule__weeks=(1, 3),
        schedule__times=(13, 17),
    )
    HoursFactory(service=DeskService.HEALTH, language="", schedule__last_day=date(2026, 11, 16))
    [card] = re.findall(r"<div class=\"card\">.*?</div>", page(client), re.DOTALL)
    assert words(card) == (
        "Lawyer 1st and 3rd Sunday of the month, 13:00–17:00 Next: Sunday 6 December, 13:00–17:00 "
        "By appointment Choose a time : Lawyer"
    )


@pytest.mark.parametrize("count", [1, 30])
def test_page_costs_the_same_few_queries_for_one_and_many(client, clock, django_assert_num_queries, count):
    for number in range(count):
        HoursFactory(language=list(SPOKEN)[number % 10], schedule__times=(8 + number // 10, 9 + number // 10))
        DeskShiftFactory(languages=[list(SPOKEN)[number % 10]])
    client.get("/en/emergency/")  # loads the banners, which each process caches
    with django_assert_num_queries(EDITION + 3):
        assert client.get("/en/consultations/").status_code == 200


# --- For machines ---------------------------------------------------------------------------------


def machine_words(html: str) -> dict:
    return json.loads(re.search(r"<script type=\"application/ld\+json\">(.*?)</script>", html, re.DOTALL)[1])


def test_machines_are_told_the_real_hours_of_two_weeks(client, clock):
    open_desk("ne", schedule__weekdays=(MON, TUE))
    open_desk("vi", schedule__weekdays=(TUE,), schedule__times=(9, 11))
    office, service = machine_words(page(client))["@graph"]
    assert (office["@type"], service["@type"]) == ("GovernmentOffice", "GovernmentService")
    assert [
        (it["validFrom"], it["validThrough"], it["opens"], it["closes"]) for it in office["openingHoursSpecification"]
    ] == [
        ("2026-11-17", "2026-11-17", "10:00", "17:00"),
        ("2026-11-24", "2026-11-24", "10:00", "17:00"),
        ("2026-11-30", "2026-11-30", "10:00", "17:00"),
    ]
    assert [it["availableLanguage"] for it in service["availableChannel"]] == ["ne", "vi"]
    assert service["provider"]["@id"] == office["@id"]


def test_words_cannot_leave_the_script_that_holds_them(client, clock, settings):
    evil = "</script><script>alert(1)</script>"
    settings.CITY = replace(settings.CITY, centres=settings.CITY.centres | {"en": evil})
    html = page(client)
    assert evil not in html
    assert machine_words(html)["@graph"][0]["parentOrganization"]["name"] == evil


def test_machines_read_no_furigana(client, clock):
    open_desk("ja-simple")
    told = json.dumps(machine_words(page(client, "ja-simple")), ensure_ascii=False)
    assert "大田区" in told
    assert "|" not in told
    assert "<r" not in told


# --- Calendars ------------------------------------------------------------------------------------


def events(client, language: str, query="") -> list:
    response = client.get(f"/{language}/consultations/calendar.ics{query}")
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(response.content).walk("VEVENT"))


def test_calendar_holds_eight_weeks_of_the_readers_language_and_the_professions(client, clock):
    open_desk("ne", schedule__weekdays=(TUE,))
    open_desk("vi")
    HoursFactory(service=DeskService.LAWYER, language="", schedule__weekdays=(SUN,), schedule__weeks=(1,))
    listed = events(client, "en", "?language=ne")
    found = [(it.decoded("dtstart").strftime("%m-%d %H:%M"), str(it["summary"])) for it in listed]
    tuesdays = ["11-17", "11-24", "12-01", "12-08", "12-15", "12-22", "01-05"]  # closed from 29 December to 3 January
    advice = [(f"{day} 10:00", "Consultation desk: Nepali") for day in tuesdays]
    lawyer = [("12-06 10:00", "Consultation desk: Lawyer")]
    assert sorted(found) == sorted(advice + lawyer)


def test_calendar_has_one_uid_in_all_languages(client, clock):
    open_desk("ne")
    uids = {code: [str(it["uid"]) for it in events(client, code, "?language=ne")] for code in SPOKEN}
    assert len(uids["ne"]) == len(set(uids["ne"])) > 40
    assert {code: found == uids["ne"] for code, found in uids.items()} == dict.fromkeys(SPOKEN, True)
    summaries = {str(events(client, code, "?language=ne")[0]["summary"]) for code in ("en", "ja", "ne", "ar")}
    assert len(summaries) == 4


def test_f2_each_change_of_a_day_raises_the_sequence_of_its_entry(client, clock):
    hours = HoursFactory()
    DeskShiftFactory()
    versions = [events(client, "ne")[1]]
    for begins in (15, 13, None):
        if begins:
            change_day(hours, date(2026, 11, 18), by=None, begins=time(begins), ends=time(16))
        else:
            restore_regular_hours(hours, date(2026, 11, 18), by=None)
        versions.append(events(client, "ne")[1])

    assert len({version["uid"] for version in versions}) == 1
    assert [version.decoded("dtstart").hour for version in versions[1:3]] == [15, 13]
    assert versions[3].decoded("dtstart") == versions[0].decoded("dtstart")
    numbers = [version["sequence"] for version in versions]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("language", ["sv", "", "x" * 500, "ne' OR 1=1"])
def test_calendar_of_a_language_that_is_not_offered_is_not_there(client, clock, language):
    assert client.get("/en/consultations/calendar.ics", {"language": language}).status_code == 404


# --- The home page --------------------------------------------------------------------------------


def strip(client, language="en") -> str | None:
    found = re.search(r"<a class=\"speaks\".*?</a>", client.get(f"/{language}/").content.decode(), re.DOTALL)
    return words(found[0]) if found else None


def test_home_page_says_todays_hours_and_the_next_ones(client, clock):
    open_desk("en", schedule__weekdays=(TUE, WED))
    assert strip(client) == (
        "Speak to us in your language Tuesday 17 November: 10:00–17:00 Next: Wednesday 18 November, 10:00–17:00"
    )


def test_home_page_says_the_same_all_day(client, new_client, clock):
    """Copies of the page are cached for ten minutes, so nothing on it may depend on the minute."""
    open_desk("en", schedule__weekdays=(TUE, WED))
    said = set()
    for hour in (0, 9, 12, 18, 23):
        clock(hour, 59)
        caches["pages"].clear()
        said.add(strip(new_client()))
    assert len(said) == 1


def test_home_page_without_hours_in_the_language_has_no_strip(client, clock):
    open_desk("ne")
    assert strip(client, "en") is None
    assert strip(client, "ne") is not None


def test_home_page_on_a_day_without_hours_says_only_when_next(client, clock):
    open_desk("en", schedule__weekdays=(WED,))
    assert strip(client) == "Speak to us in your language Next: Wednesday 18 November, 10:00–17:00"
