"""Closed months: who closes them, what is stored, and that a consultation is either counted or refused."""

import datetime
import threading

import pytest
from django.db import connections
from django.utils import timezone

from consultations.log.actions import amend, log
from consultations.models import ClosedMonth, Consultation
from consultations.records.counts import totals_from_log
from consultations.records.tallies import discard_tallies
from consultations.statistics.closed_months import figures_to_close, months_with_state
from consultations.statistics.closing import close_month, reopen_month
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.figures.periods import Period
from tests.factories import ConsultationFactory, UserFactory
from tests.factories.log_entries import new_log_entry
from tests.support.months import ONLY_JUNE, noon_on

JUNE = ONLY_JUNE.first


@pytest.fixture
def manager(db):
    return UserFactory(roles=["manager"])


@pytest.fixture
def adviser(db):
    return UserFactory(roles=["adviser"])


def in_june(**words):
    return new_log_entry(**{"began_at": noon_on("2026-06-10"), "late_reason": "Outreach"} | words)


def told() -> list[tuple[str, str]]:
    lines = AuditEntry.objects.filter(action__endswith="_month").order_by("sequence")
    return list(lines.values_list("action", "reason"))


def test_closed_month_takes_nothing_and_keeps_what_it_said(manager, adviser):
    consultation = log(in_june(topics=("tax", "housing")), by=adviser)

    closing = close_month(JUNE, by=manager)

    assert closing.figures["all"] == {"": [1, 2, 10]}
    assert closing.figures["topic"] == {"tax": [1, 1, 10], "housing": [1, 1, 10]}
    with pytest.raises(Refused, match="closed"):
        log(in_june(), by=adviser)
    with pytest.raises(Refused, match="closed"):
        amend(consultation, in_june(minutes=20), by=adviser, reason="It took longer")
    assert figures_to_close(JUNE) == closing.figures
    assert [(it.is_closed, it.has_moved) for it in months_with_state(ONLY_JUNE)] == [(True, False)]


def test_reopened_month_moves_and_closes_again(manager, adviser):
    log(in_june(), by=adviser)
    close_month(JUNE, by=manager)

    reopen_month(JUNE, by=manager, reason="Two sheets were found")
    log(in_june(), by=adviser)
    closing = close_month(JUNE, by=manager)

    assert closing.figures["all"] == {"": [2, 2, 20]}
    assert (closing.reopened_at, closing.reopened_by, closing.reason) == (None, None, "")
    assert ClosedMonth.objects.count() == 1
    assert told() == [
        ("consultations.close_month", ""),
        ("consultations.reopen_month", "Two sheets were found"),
        ("consultations.close_month", ""),
    ]


def test_figures_stand_still_when_the_rows_are_gone(manager):
    ConsultationFactory(began_at=noon_on("2026-06-10"))
    closing = close_month(JUNE, by=manager)
    Consultation.objects.all().delete()

    assert figures_to_close(JUNE) == closing.figures
    (state,) = months_with_state(ONLY_JUNE)
    assert (state.figures.consultations, state.has_moved) == (1, False)


def test_month_that_moved_all_the_same_is_named(manager):
    ConsultationFactory(began_at=noon_on("2026-06-10"))
    close_month(JUNE, by=manager)
    ConsultationFactory(began_at=noon_on("2026-06-11"))  # without any action
    discard_tallies([JUNE])

    (state,) = months_with_state(ONLY_JUNE)

    assert (state.figures.consultations, state.has_moved) == (2, True)


def test_consultation_restricted_afterwards_leaves_the_sum_as_it_was(manager):
    row = ConsultationFactory(began_at=noon_on("2026-06-10"))
    close_month(JUNE, by=manager)
    Consultation.objects.filter(pk=row.pk).update(is_restricted=True)
    discard_tallies([JUNE])

    (state,) = months_with_state(ONLY_JUNE)

    assert (state.figures.consultations, state.has_moved) == (0, False)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (lambda by: close_month(timezone.localdate().replace(day=1), by=by), "not over"),
        (lambda by: close_month(datetime.date(2090, 1, 1), by=by), "not over"),
        (lambda by: (close_month(JUNE, by=by), close_month(JUNE, by=by)), "This month is already closed"),
        (lambda by: reopen_month(JUNE, by=by, reason="Because"), "not closed"),
        (lambda by: (close_month(JUNE, by=by), reopen_month(JUNE, by=by, reason="")), "Enter a reason"),
    ],
)
def test_what_cannot_be_closed_or_opened_is_refused(manager, deed, said):
    with pytest.raises(Refused, match=said):
        deed(manager)


def test_only_managers_close_and_reopen(adviser):
    for deed in (lambda: close_month(JUNE, by=adviser), lambda: reopen_month(JUNE, by=adviser, reason="Because")):
        with pytest.raises(Refused, match="Only managers can close and reopen months"):
            deed()
    assert (ClosedMonth.objects.count(), told()) == (0, [])


# --- Concurrency ------------------------------------------------------------------------------------


def side_by_side(*deeds) -> list[str]:
    """Run the actions at the same time; return how each ended."""
    together, ends = threading.Barrier(len(deeds)), []

    def act(deed):
        together.wait()
        try:
            deed()
            ends.append("kept")
        except Refused:
            ends.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def total(figures: dict) -> int:
    return figures.get("all", {}).get("", [0])[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_time", range(3))
def test_log_while_the_month_closes_is_in_the_figures_or_refused(manager, _time):
    advisers = [UserFactory(roles=["adviser"]) for _number in range(7)]
    logging = [lambda by=by: log(in_june(), by=by) for by in advisers]

    ends = side_by_side(*logging[:4], lambda: close_month(JUNE, by=manager), *logging[4:])

    written = Consultation.objects.count()
    assert ends == ["kept"] * (written + 1) + ["refused"] * (7 - written)
    assert total(ClosedMonth.objects.get().figures) == total(figures_to_close(JUNE)) == written


@pytest.mark.django_db(transaction=True)
def test_log_is_lost_from_the_figures_without_the_wait(manager, adviser):
    """Negative control: counting first and closing afterwards without a lock misses an entry logged in between."""
    counted, logged = threading.Barrier(2), threading.Barrier(2)

    def close_carelessly():
        figures = len([it for it in totals_from_log([JUNE]) if it[2] == "all"])
        counted.wait()
        logged.wait()
        ClosedMonth.objects.create(
            month=JUNE, closed_at=timezone.now(), closed_by=manager, figures={"all": {"": [figures, 0, 0]}}
        )

    def log_meanwhile():
        counted.wait()
        log(in_june(), by=adviser)
        logged.wait()

    assert side_by_side(close_carelessly, log_meanwhile) == ["kept", "kept"]
    assert (total(ClosedMonth.objects.get().figures), Consultation.objects.count()) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_log_while_months_are_counted_is_counted_once(manager):
    from consultations.records.tallies import tally_month, tally_months

    ConsultationFactory(began_at=noon_on("2026-06-01"))
    advisers = [UserFactory(roles=["adviser"]) for _number in range(4)]
    logging = [lambda by=by: [log(in_june(), by=by) for _time in range(3)] for by in advisers]

    ends = side_by_side(*logging, lambda: [tally_month(JUNE) for _time in range(4)])

    assert ends == ["kept"] * 5
    assert total(figures_to_close(JUNE)) == Consultation.objects.count() == 13
    tally_months()
    assert total(figures_to_close(JUNE)) == 13
    assert Period(JUNE, JUNE) == ONLY_JUNE
