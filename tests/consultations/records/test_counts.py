"""Counting the log: what counts in which month; tallies and log never differ."""

import datetime
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.cases.actions import lift_restriction, open_case, restrict
from consultations.log.actions import amend, entry_of, log
from consultations.models import (
    Consultation,
    ConsultationChannel,
    CountedMonth,
    Dimension,
    LanguageSupport,
    Outcome,
    TallyDelta,
)
from consultations.records.counts import CellTotals, PeriodCount, Totals, count_period
from consultations.records.tallies import discard_tallies, tally_month, tally_months
from portal.city import read_city
from services.base.retention import apply_retention
from services.figures.periods import Period, fiscal_year, fiscal_year_of, parse_month, requested_period
from services.figures.suppression import THRESHOLD
from tests.factories.accounts import UserFactory
from tests.factories.consultations import CaseFactory, ConsultationFactory
from tests.factories.log_entries import new_log_entry
from tests.support.months import JUNE, ONLY_JUNE, noon_on
from tests.support.nasty_texts import EVEN_ON_POSTGRESQL

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("november_2026")]


def whole(period: Period = ONLY_JUNE) -> dict[tuple[str, str], Totals]:
    """Return the totals of all cells that are not empty."""
    (found,) = count_period(period)
    return {key: cell.total for key, cell in found.cells.items() if any(cell.total)}


def test_count_says_exactly_what_was_written_by_hand():
    one, two = UserFactory(roles=["adviser"]), UserFactory(roles=["adviser"])
    june = {"began_at": noon_on("2026-06-10"), "adviser": one}
    ConsultationFactory(**june, topics=["tax", "municipal", "job_seeking", "employment"], minutes=30, nationality="NP")
    by_phone = {"channel": ConsultationChannel.PHONE, "nationality": "declined"}
    ConsultationFactory(**june, language="vi", topics=["housing"], **by_phone)
    ConsultationFactory(began_at=noon_on("2026-06-30"), adviser=two, topics=["tax"], outcome=Outcome.LISTEN, minutes=5)
    ConsultationFactory(began_at=noon_on("2026-07-01"))

    assert whole() == {
        (Dimension.ALL, ""): (3, 6, 45),
        (Dimension.LANGUAGE, "ne"): (2, 5, 35),
        (Dimension.LANGUAGE, "vi"): (1, 1, 10),
        (Dimension.CHANNEL, "visit"): (2, 5, 35),
        (Dimension.CHANNEL, "phone"): (1, 1, 10),
        (Dimension.LANGUAGE_SUPPORT, "adviser"): (3, 6, 45),
        (Dimension.NATIONALITY, "NP"): (1, 4, 30),
        (Dimension.NATIONALITY, "declined"): (1, 1, 10),
        (Dimension.NATIONALITY, ""): (1, 1, 5),
        (Dimension.OUTCOME, "info"): (2, 5, 40),
        (Dimension.OUTCOME, "listen"): (1, 1, 5),
        (Dimension.ADVISER, str(one.pk)): (2, 5, 40),
        (Dimension.ADVISER, str(two.pk)): (1, 1, 5),
        (Dimension.PRIMARY_TOPIC, "tax"): (2, 5, 35),
        (Dimension.PRIMARY_TOPIC, "housing"): (1, 1, 10),
        (Dimension.TOPIC, "tax"): (2, 2, 35),
        (Dimension.TOPIC, "municipal"): (1, 1, 30),
        (Dimension.TOPIC, "job_seeking"): (1, 1, 30),
        (Dimension.TOPIC, "employment"): (1, 1, 30),
        (Dimension.TOPIC, "housing"): (1, 1, 10),
        (Dimension.TOPIC_GROUP, "税金"): (2, 2, 35),
        (Dimension.TOPIC_GROUP, "手続一般"): (1, 1, 30),
        (Dimension.TOPIC_GROUP, "雇用・労働"): (1, 2, 30),
        (Dimension.TOPIC_GROUP, "住宅"): (1, 1, 10),
    }


def test_counted_month_says_the_same_as_the_log():
    ConsultationFactory(began_at=noon_on("2026-06-10"), topics=["tax", "housing"])
    ConsultationFactory(began_at=noon_on("2026-06-11"), is_restricted=True)
    before = whole()

    assert tally_months() == 6  # June to November
    assert whole() == before
    assert tally_months() == 0


def test_tallies_follow_every_verb():
    adviser = UserFactory(roles=["adviser"])
    month = timezone.localdate().replace(day=1)
    ConsultationFactory(adviser=adviser)
    tally_month(month)

    consultation = log(new_log_entry(topics=("tax", "municipal")), by=adviser)
    entry = new_log_entry(topics=("housing",), language="vi", minutes=25, began_at=consultation.began_at)
    amend(consultation, entry, by=adviser, reason="Mixed up")
    in_tallies = whole(Period(month, month))
    discard_tallies([month])

    assert in_tallies == whole(Period(month, month))
    assert in_tallies[Dimension.ALL, ""] == (2, 2, 35)
    assert [later.sign for later in TallyDelta.objects.order_by("pk")] == [1, -1, 1]
    assert tally_months() == 1
    assert TallyDelta.objects.count() == 0
    assert in_tallies == whole(Period(month, month))


def test_amendment_moves_a_consultation_into_another_month():
    adviser = UserFactory(roles=["adviser"])
    consultation = log(new_log_entry(began_at=noon_on("2026-06-30", 23), late_reason="Outreach"), by=adviser)
    ConsultationFactory(began_at=noon_on("2026-07-05"))
    tally_months()

    moved = new_log_entry(began_at=noon_on("2026-07-01", 0), late_reason="Outreach")
    amend(consultation, moved, by=adviser, reason="It was after midnight")

    (june, july) = count_period(ONLY_JUNE, Period(datetime.date(2026, 7, 1), datetime.date(2026, 7, 1)))
    assert (june.overall.total.consultations, july.overall.total.consultations) == (0, 2)


@settings(
    EVEN_ON_POSTGRESQL,
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_tallies_and_log_agree_after_anything(data):
    adviser = UserFactory(roles=["adviser"])
    case = CaseFactory(assigned=adviser, is_restricted=True)
    months = Period(datetime.date(2026, 5, 1), datetime.date(2026, 7, 1))
    days = st.dates(datetime.date(2026, 5, 1), datetime.date(2026, 7, 31))
    for _time in range(data.draw(st.integers(1, 6))):
        words = {
            "began_at": noon_on(str(data.draw(days))),
            "language": data.draw(st.sampled_from(["ne", "vi"])),
            "nationality": data.draw(st.sampled_from(["", "declined", "NP"])),
            "topics": tuple(data.draw(st.lists(st.sampled_from(["tax", "rights", "legal"]), min_size=1, max_size=4))),
            "late_reason": "Outreach",
        }
        verb = data.draw(st.sampled_from(["log", "log", "restricted", "amend", "count"]))
        some = Consultation.objects.filter(adviser=adviser).first()
        if verb == "count":
            tally_months()
        elif verb == "amend" and some:
            amend(some, new_log_entry(**words), by=adviser, reason="Otherwise")
        else:
            log(new_log_entry(**words), by=adviser, case=case if verb == "restricted" else None)

    in_tallies = {key: (cell.unrestricted, cell.restricted) for key, cell in count_period(months)[0].cells.items()}
    CountedMonth.objects.all().delete()
    in_log = {key: (cell.unrestricted, cell.restricted) for key, cell in count_period(months)[0].cells.items()}
    empty = (Totals(), Totals())
    assert {key: it for key, it in in_tallies.items() if it != empty} == in_log


def test_anonymous_rows_count_as_before():
    ConsultationFactory(began_at=noon_on("2019-06-10"), topics=["tax"], nationality="NP")
    june = Period(datetime.date(2019, 6, 1), datetime.date(2019, 6, 1))
    before = whole(june)

    assert apply_retention()["consultations.Consultation"] == 1

    assert whole(june) == before
    tally_months()
    assert whole(june) == before


def test_entry_knows_every_counted_fact():
    entry = entry_of(ConsultationFactory())
    assert {"language", "channel", "language_support", "nationality", "outcome", "minutes"} <= set(
        entry.__dataclass_fields__
    )
    assert entry.language_support == LanguageSupport.ADVISER


# --- Months and years -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("city", "moment", "month"),
    [
        ("ota", "2026-06-30T14:59:59+00:00", "2026-06"),  # 23:59:59 in Tokyo
        ("ota", "2026-06-30T15:00:00+00:00", "2026-07"),  # midnight in Tokyo
        ("ota", "2025-12-31T15:00:00+00:00", "2026-01"),
        ("copenhagen", "2026-06-30T21:59:59+00:00", "2026-06"),  # summer time, two hours ahead
        ("copenhagen", "2026-06-30T22:00:00+00:00", "2026-07"),
        ("copenhagen", "2026-01-31T22:59:59+00:00", "2026-01"),  # winter time, one hour ahead
        ("copenhagen", "2026-01-31T23:00:00+00:00", "2026-02"),
        ("copenhagen", "2026-03-29T00:30:00+00:00", "2026-03"),  # half an hour before the clocks change
        ("copenhagen", "2026-03-31T21:30:00+00:00", "2026-03"),
        ("copenhagen", "2026-03-31T22:00:00+00:00", "2026-04"),
        ("copenhagen", "2025-10-31T22:30:00+00:00", "2025-10"),
        ("copenhagen", "2025-10-31T23:00:00+00:00", "2025-11"),
    ],
)
def test_month_is_the_citys_own(city, moment, month, settings):
    settings.CITY = read_city(city)
    settings.TIME_ZONE = settings.CITY.time_zone
    began_at = datetime.datetime.fromisoformat(moment)
    log(new_log_entry(began_at=began_at, late_reason="Written down late"), by=UserFactory(roles=["adviser"]))
    first = parse_month(month)
    assert whole(Period(first, first))[Dimension.ALL, ""].consultations == 1


@pytest.mark.parametrize(
    ("starts_in", "day", "year", "first", "last"),
    [
        (4, "2026-03-31", 2025, "2025-04-01", "2026-03-01"),
        (4, "2026-04-01", 2026, "2026-04-01", "2027-03-01"),
        (1, "2026-12-31", 2026, "2026-01-01", "2026-12-01"),
        (1, "2026-01-01", 2026, "2026-01-01", "2026-12-01"),
        (12, "2026-11-30", 2025, "2025-12-01", "2026-11-01"),
    ],
)
def test_fiscal_year_has_its_borders(starts_in, day, year, first, last, settings):
    settings.CITY = replace(settings.CITY, fiscal_year_starts_in=starts_in)
    assert fiscal_year_of(datetime.date.fromisoformat(day)) == year
    period = fiscal_year(year)
    assert (str(period.first), str(period.last), len(period.months)) == (first, last, 12)


TODAY = datetime.date(2026, 11, 27)


THIS_YEAR = Period(datetime.date(2026, 4, 1), datetime.date(2026, 11, 1))


@pytest.mark.parametrize(
    ("year", "month", "period"),
    [
        ("", "", THIS_YEAR),
        ("2026", "", THIS_YEAR),
        ("2025", "", Period(datetime.date(2025, 4, 1), datetime.date(2026, 3, 1))),
        ("2025", "2026-06", ONLY_JUNE),
        ("2027", "", THIS_YEAR),
        ("", "2026-12", THIS_YEAR),
        ("1999", "", THIS_YEAR),
        ("٢٠٢٥", "", THIS_YEAR),
        ("20250", "0001-01", THIS_YEAR),
        ("-1", "2026-13", THIS_YEAR),
        ("9" * 5000, "2026-6", THIS_YEAR),
        ("NaN", "2026-06-01", THIS_YEAR),
        ("\x00", "202606", THIS_YEAR),
    ],
)
def test_period_that_is_asked_for(year, month, period):
    assert requested_period(year, month, today=TODAY) == period


def test_same_months_a_year_before():
    assert THIS_YEAR.year_before == Period(datetime.date(2025, 4, 1), datetime.date(2025, 11, 1))
    february = datetime.date(2024, 2, 1)
    assert Period(february, february).year_before.months == [datetime.date(2023, 2, 1)]


# --- Restricted consultations -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "restricted", "shown"), [(0, 4, 0), (4, 0, 4), (3, 1, 3), (4, 1, 4), (0, 5, 5), (6, 2, 6), (0, 0, 0)]
)
def test_restricted_consultations_are_in_a_cell_only_if_five_of_it_are(free, restricted, shown):
    cell = CellTotals(Totals(free, 2 * free, 10 * free), Totals(restricted, 2 * restricted, 10 * restricted))
    assert cell.of_month().publishable == (shown, 2 * shown, 10 * shown)


@pytest.mark.parametrize(("in_july", "in_august", "told"), [(1, 0, 5), (4, 0, 5), (2, 2, 5), (3, 2, 10), (4, 4, 13)])
def test_months_taken_from_their_period_leave_no_few_that_are_restricted(in_july, in_august, told):
    """June has five unrestricted consultations; July and August have too few restricted ones to publish."""
    for number, day in ((5, "2026-06-10"), (in_july, "2026-07-10"), (in_august, "2026-08-10")):
        for _each in range(number):
            ConsultationFactory(began_at=noon_on(day), language="ta", is_restricted=day > "2026-07")
    june, august = JUNE, datetime.date(2026, 8, 1)
    months = [datetime.date(2026, month, 1) for month in (6, 7, 8)]
    (summer,) = count_period(Period(june, august))
    told_by_month = [
        count_period(Period(month, month))[0].by(Dimension.LANGUAGE).get("ta", CellTotals()).publishable
        for month in months
    ]
    assert [it.consultations for it in told_by_month] == [5, 0, 0]
    assert summer.by(Dimension.LANGUAGE)["ta"].publishable.consultations == told
    assert summer.overall.publishable.consultations == told
    assert summer.by(Dimension.LANGUAGE)["ta"].total.consultations == 5 + in_july + in_august


def test_month_with_five_shows_its_restricted_ones_in_the_period_too():
    for number, restricted in ((4, False), (5, True)):
        for _each in range(number):
            ConsultationFactory(began_at=noon_on("2026-06-10"), language="ta", is_restricted=restricted)
    ConsultationFactory(began_at=noon_on("2026-07-10"), language="ta", is_restricted=True)
    (summer,) = count_period(Period(JUNE, datetime.date(2026, 7, 1)))
    assert summer.by(Dimension.LANGUAGE)["ta"].publishable.consultations == 9


@pytest.mark.once
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from([6, 7, 8]), st.sampled_from(["ta", "ne"]), st.booleans(), st.integers(1, 6)),
        max_size=8,
    )
)
def test_who_knows_the_list_and_the_months_learns_of_no_few_that_are_restricted(made):
    """The list shows unrestricted consultations; each figure less what is known is zero, or five or more."""
    summer = PeriodCount()
    for month, language, is_restricted, number in made:
        figures = Totals(number, number, number)
        for key in ((Dimension.ALL, ""), (Dimension.LANGUAGE, language)):
            summer.months[key][datetime.date(2026, month, 1)].add(figures, is_restricted=is_restricted)
    for key, cell in summer.cells.items():
        months = [it.of_month() for it in summer.months[key].values()]
        for shown in (cell, *months):
            assert shown.publishable.consultations - shown.unrestricted.consultations not in range(1, THRESHOLD)
        told = cell.publishable.consultations - sum(it.publishable.consultations for it in months)
        assert told not in range(1, THRESHOLD)
        assert cell.publishable.consultations <= summer.overall.publishable.consultations


def test_what_becomes_restricted_is_counted_apart_at_once():
    adviser = UserFactory(roles=["adviser"])
    consultation = log(new_log_entry(), by=adviser)
    month = consultation.month
    tally_month(month)
    case = open_case(consultation, by=adviser, subject="Help")

    restrict(case, by=adviser)
    cell = count_period(Period(month, month))[0].cells[Dimension.ALL, ""]
    assert (cell.unrestricted.consultations, cell.restricted.consultations) == (0, 1)
    tally_months()
    lift_restriction(case, by=adviser, text="It was a mistake")
    cell = count_period(Period(month, month))[0].cells[Dimension.ALL, ""]
    assert (cell.unrestricted.consultations, cell.restricted.consultations) == (1, 0)


def test_command_counts_what_came_and_all_if_told_so(capsys):
    ConsultationFactory(began_at=noon_on("2026-06-10"))
    call_command("tally_log")
    ConsultationFactory(began_at=noon_on("2026-06-11"))  # without any action
    call_command("tally_log")
    assert whole()[Dimension.ALL, ""].consultations == 1
    call_command("tally_log", "--all")
    assert whole()[Dimension.ALL, ""].consultations == 2
    assert capsys.readouterr().out == "Months counted: 6\nMonths counted: 0\nMonths counted: 6\n"
