"""The statistics pages: their figures, readers, links, exported files, and the report."""

import csv
import datetime
import io
import re
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.models import Consultation, ConsultationTopic
from consultations.records.tallies import tally_months
from consultations.statistics.report import Reconciliation, load_report
from portal.city import read_city
from services.audit.models import AuditEntry
from services.figures.sheets import Sheet, as_csv, as_xlsx, neutralise_formula
from tests.factories import ConsultationFactory, DeskShiftFactory, UserFactory
from tests.support.months import ONLY_JUNE, noon_on
from tests.support.nasty_texts import EVEN_ON_POSTGRESQL, TEXT, every_nasty_text, sendable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("november_2026")]
HOME = "/en/staff/statistics/"
PAGES = ("", "hours/", "report/", "months/")


@pytest.fixture
def manager(client):
    user = UserFactory(roles=["manager"], name="Manager")
    client.force_login(user)
    return user


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Maricel")


def june(number: int, **words) -> list[Consultation]:
    return [ConsultationFactory(**{"began_at": noon_on("2026-06-10")} | words) for _each in range(number)]


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def rows(response, heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table after a heading."""
    page = response.content.decode()
    table = re.search(rf'id="{heading}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)[1]
    lines = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
    texts = [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in line] for line in lines]
    return {name: cells for name, *cells in texts}


def content(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def sheet_texts(book: bytes) -> tuple[list[str], list[str]]:
    """Return the texts of a workbook, and its formulas."""
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        pages = "".join(files.read(name).decode() for name in sorted(files.namelist()) if "worksheets/sheet" in name)
        shared = files.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in files.namelist() else ""
    return re.findall(r"<t[^>]*>([^<]*)</t>", pages + shared), re.findall(r"<f>.*?</f>", pages)


# --- The page ---------------------------------------------------------------------------------------


def test_page_says_the_figures_beside_those_of_the_year_before(client, manager):
    june(6, topics=["tax", "housing"], minutes=30)
    june(1, language="vi", nationality="NP")
    june(2, began_at=noon_on("2025-06-30"), nationality="VN")
    june(1, began_at=noon_on("2025-12-01"))  # not among the same months

    page = client.get(HOME)

    assert "2026-04 – 2026-11" in words(page)
    assert rows(page, "months")["2026-06"] == ["7", "13", "3.2", "2", "+5"]
    assert rows(page, "language") == {
        "Nepali": ["6", "12", "3.0", "2", "+4"],
        "Vietnamese": ["1", "1", "0.2", "0", "+1"],
    }
    assert rows(page, "topic")["Taxes"] == ["6", "6", "3.0", "0", "+6"]
    assert rows(page, "primary")["Daily life, rubbish, neighbours, local rules"] == ["1", "1", "0.2", "2", "-1"]
    assert rows(page, "nationality") == {
        "Not asked": ["6", "12", "3.0", "0", "+6"],
        "South Asia": ["1", "1", "0.2", "0", "+1"],
        "South-East Asia": ["0", "0", "0.0", "2", "-2"],
    }


def test_month_is_compared_with_the_same_month(client, manager):
    june(3)
    june(1, began_at=noon_on("2025-06-30"))
    june(1, began_at=noon_on("2026-07-01"))
    page = client.get(f"{HOME}?month=2026-06")
    assert rows(page, "language") == {"Nepali": ["3", "3", "0.5", "1", "+2"]}
    assert 'id="months"' not in page.content.decode()


def test_restricted_consultations_are_in_no_small_cell(client, manager):
    june(4)
    june(2, is_restricted=True)
    june(3, is_restricted=True, language="vi", topics=["dv_abuse"])
    page = client.get(HOME)
    assert rows(page, "language") == {"Nepali": ["4", "4", "0.7", "0", "+4"]}
    assert "Domestic violence" not in words(page)
    assert rows(page, "months")["2026-06"][0] == "9"


def test_figures_are_the_same_for_a_member_of_what_is_restricted(client, manager):
    june(1, is_restricted=True, readers=[manager], language="vi", topics=["dv_abuse"])
    assert "Vietnamese" not in words(client.get(HOME))


def test_numbers_lead_managers_to_the_lists_behind_them(client, manager, adviser, new_client):
    june(3)
    june(2, language="vi", topics=["tax", "housing"], channel="phone")
    june(1, began_at=noon_on("2026-07-01"))
    page = client.get(f"{HOME}?month=2026-06")
    links = re.findall(
        r'<a href="([^"]+/staff/consultations/[^"]*)">(\d+)</a>', page.content.decode().replace("&amp;", "&")
    )
    assert len(links) == 9  # the total, two languages, three topics, two channels, one outcome
    for url, number in links:
        assert len(re.findall(r"/staff/consultations/[\w-]{22}/\"", client.get(url).content.decode())) == int(number), (
            url
        )
    assert parse_qs(urlsplit(links[0][0]).query) == {"period": ["2026-06"]}
    page = client.get(HOME).content.decode().replace("&amp;", "&")
    (url,) = re.findall(r'<a href="([^"]+/staff/consultations/\?period=2026&outcome=info)">6</a>', page)
    assert len(re.findall(r"/staff/consultations/[\w-]{22}/\"", client.get(url).content.decode())) == 6
    own = new_client()
    own.force_login(adviser)
    assert "/staff/consultations/?" not in own.get(f"{HOME}?month=2026-06").content.decode()


@pytest.mark.parametrize("is_counted", [True, False])
@pytest.mark.parametrize("number", [1, 30])
def test_page_costs_the_same_few_queries(client, manager, django_assert_num_queries, number, is_counted):
    june(number)
    if is_counted:
        tally_months()
    client.get(HOME)
    # Session, user, roles; counted months; where there are any: tallies, pending tallies; two on the log.
    with django_assert_num_queries(8 if is_counted else 6):
        client.get(HOME)


@pytest.mark.parametrize("language", ["ja", "ja-simple", "ar"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_in_the_staffs_language(client, manager, language, path):
    june(6, topics=["tax"])
    page = client.get(f"/{language}/staff/statistics/{path}?year=2026").content.decode()
    if path in ("", "report/"):
        assert ("税金" in page, "Taxes" in page) == ((True, False) if language.startswith("ja") else (False, True))
    ids = re.findall(r"\sid=\"([^\"]+)\"", page)
    assert len(ids) == len(set(ids))


def test_charts_say_what_they_are_and_carry_no_style(client, manager):
    june(5)
    june(10, language="vi")
    page = client.get(HOME).content.decode()
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(charts) == 1
    label = re.search(r'aria-labelledby="(\S+) (\S+)"', charts[0])
    assert f'<title id="{label[1]}">' in charts[0]
    assert f'<desc id="{label[2]}">' in charts[0]
    lists = re.findall(r'<ul class="bars plain-list">.*?</ul>', page, re.DOTALL)
    assert len(lists) == 2
    assert re.findall(r"<span>(.*?)</span> <span class=\"numbers\">(\d+)</span>", lists[0]) == [
        ("Vietnamese", "10"),
        ("Nepali", "5"),
    ]
    assert 'width="50.00%"' in lists[0]
    assert "style=" not in "".join(charts + lists)
    assert "Show as a table" in page


# --- Hours ------------------------------------------------------------------------------------------


def test_manager_sees_the_hours_of_all_and_an_adviser_their_own(client, manager, adviser, new_client):
    june(5, adviser=adviser, minutes=60)
    DeskShiftFactory(
        adviser=adviser, schedule__first_day=datetime.date(2026, 6, 1), schedule__last_day=datetime.date(2026, 6, 2)
    )
    other = UserFactory(roles=["adviser"], name="Wang")
    june(6, adviser=other, minutes=20)

    shown = words(client.get(f"{HOME}hours/?month=2026-06"))
    assert ("Maricel 5 5.0 14.0" in shown, "Wang 6 2.0 0.0" in shown) == (True, True)
    own = new_client()
    own.force_login(adviser)
    shown = words(own.get(f"{HOME}hours/?month=2026-06"))
    assert ("Maricel 5 5.0 14.0" in shown, "Wang" in shown) == (True, False)
    file = content(own.post(f"{HOME}hours/csv/", {"month": "2026-06"})).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(file)))[2:] == [["Maricel", "5", "300", "840"]]


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), "5.0"), ((2026, 10, 25), "7.0"), ((2026, 10, 11), "6.0")])
def test_f14_hours_on_duty_are_real_when_the_clocks_change(client, manager, adviser, settings, day, hours):
    settings.TIME_ZONE, settings.CITY = "Europe/Copenhagen", read_city("copenhagen")
    sunday = datetime.date(*day)
    DeskShiftFactory(adviser=adviser, schedule__times=(0, 6), schedule__first_day=sunday, schedule__last_day=sunday)
    assert f"Maricel 0 0.0 {hours}" in words(client.get(f"{HOME}hours/?month={sunday:%Y-%m}"))


def test_hours_leave_restricted_ones_out_of_small_numbers(client, manager, adviser, new_client):
    june(2, adviser=adviser)
    june(1, adviser=adviser, is_restricted=True)
    assert "Maricel 2 0.3" in words(client.get(f"{HOME}hours/?month=2026-06"))
    own = new_client()
    own.force_login(adviser)
    assert "Maricel 3 0.5" in words(own.get(f"{HOME}hours/?month=2026-06"))


def test_names_of_advisers_are_on_no_other_page_or_file(client, manager, adviser):
    june(6, adviser=adviser)
    for path in ("", "report/", "months/"):
        assert "Maricel" not in words(client.get(f"{HOME}{path}"))
    for path in ("export/", "report/", "rows/"):
        assert b"Maricel" not in content(client.post(f"{HOME}{path}csv/"))


# --- Files ------------------------------------------------------------------------------------------

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width: Japanese input
DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    'a"b',
    "a,b\nc",
    "'x",
    "漢字",
    "",
    "مرحبا",
]


def test_csv_is_read_back_and_holds_no_formula():
    file = b"".join(as_csv([Sheet("=title", ["+head"], [[it, -3] for it in DANGEROUS])]))
    assert file.startswith(b"\xef\xbb\xbf")
    found = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))
    assert found[:2] == [["'=title"], ["'+head"]]
    assert [line[0].removeprefix("'") for line in found[2:]] == [it.removeprefix("'") for it in DANGEROUS]
    assert not [cell for line in found for cell in line[:1] if cell.startswith(FORMULAS)]
    assert {line[1] for line in found[2:]} == {"-3"}


@pytest.mark.once
@given(st.text(max_size=20))
def test_no_text_of_a_csv_is_a_formula(text):
    told = neutralise_formula(text)
    assert told.removeprefix("'") == text.removeprefix("'")
    assert not told.startswith(FORMULAS)


def test_workbook_holds_texts_and_numbers_and_no_formula():
    book = as_xlsx(
        [
            Sheet("A/B: [x]" * 9, ["head"], [[it, 7] for it in DANGEROUS if it and "\r" not in it]),
            Sheet("A", ["n"], [[3]]),
        ]
    )
    texts, formulas = sheet_texts(book)
    assert formulas == []
    assert {"=1+1", "+1", "-1", "@SUM(A1)", "漢字", "مرحبا"} <= set(texts)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("what", ["export", "rows", "hours", "report"])
def test_file_leaves_a_line_in_the_trail(client, manager, kind, what):
    june(6)
    answer = client.post(f"{HOME}{what}/{kind}/", {"year": "2026", "month": ""})
    assert (answer.status_code, len(content(answer)) > 20) == (200, True)
    assert answer["Content-Disposition"].endswith(f'-2026-04-2026-11.{kind}"')
    line = AuditEntry.objects.latest("sequence")
    name = {"export": "figures"}.get(what, what)
    assert (line.actor, line.action) == (manager.public_id, f"consultations.export_{name}")
    assert line.reason == "2026-04 – 2026-11"


@pytest.mark.parametrize("what", ["export", "rows", "hours", "report"])
def test_file_of_an_unknown_kind_is_not_there_and_leaves_no_line(client, manager, what):
    before = AuditEntry.objects.count()
    assert client.post(f"{HOME}{what}/exe/").status_code == 404
    assert client.get(f"{HOME}{what}/csv/").status_code == 405
    assert AuditEntry.objects.count() == before


def test_figures_as_a_file_say_what_the_page_says(client, manager):
    june(6, topics=["tax", "housing"], minutes=30)
    june(2, began_at=noon_on("2025-06-30"))
    lines = list(csv.reader(io.StringIO(content(client.post(f"{HOME}export/csv/")).decode("utf-8-sig"))))
    assert ["2026-06", "6", "12", "180", "2", "2", "20"] in lines
    assert ["2026-04 – 2026-11", "6", "12", "180", "2", "2", "20"] in lines
    assert ["Nepali", "6", "12", "180", "2", "2", "20"] in lines
    texts, _formulas = sheet_texts(content(client.post(f"{HOME}export/xlsx/")))
    assert {"2026-06", "Nepali", "Taxes"} <= set(texts)


@pytest.mark.parametrize("role", ["adviser", "manager"])
def test_rows_in_the_file_are_those_of_the_list(client, role):
    reader = UserFactory(roles=[role])
    client.force_login(reader)
    june(2, readers=[reader], topics=["tax", "housing"])
    june(2)
    june(1, is_restricted=True)
    june(1, is_restricted=True, readers=[reader], language="vi")
    june(1, began_at=noon_on("2026-07-01"), readers=[reader])
    seen = Consultation.objects.visible_to(reader).filter(month=ONLY_JUNE.first)

    def ids(**chosen) -> set[str]:
        file = content(client.post(f"{HOME}rows/csv/", {"month": "2026-06", **chosen})).decode("utf-8-sig")
        return {line["public_id"] for line in csv.DictReader(io.StringIO(file))}

    assert ids() == {row.public_id for row in seen}
    assert ids(language="vi") == {row.public_id for row in seen.filter(language="vi")}
    assert ids(topic="tax") == {row.public_id for row in seen.filter(topics__topic="tax")}
    assert AuditEntry.objects.latest("sequence").reason == "2026-06 topic=tax"
    assert client.post(f"{HOME}rows/csv/", {"channel": "=1+1"}).status_code == 400


def test_rows_hold_facts_and_nothing_that_is_sealed(client, manager):
    (row,) = june(1, topics=["tax", "housing"], note="CANARY", late_reason="CANARY", nationality="NP")
    file = content(client.post(f"{HOME}rows/csv/", {"month": "2026-06"})).decode("utf-8-sig")
    assert "CANARY" not in file
    (line,) = csv.DictReader(io.StringIO(file))
    assert line == {
        "public_id": row.public_id,
        "month": "2026-06",
        "channel": "visit",
        "enquirer": "self",
        "language": "ne",
        "language_support": "adviser",
        "mother_tongue": "",
        "nationality": "NP",
        "outcome": "info",
        "referred_to": "",
        "minutes": "10",
        "topics": "tax housing",
    }


def test_rows_of_many_cost_constant_queries(client, manager, django_assert_num_queries):
    june(1)
    content(client.post(f"{HOME}rows/csv/", {"month": "2026-06"}))
    for number in (0, 29):
        june(number)
        # Session, user, roles; savepoint; rows, topics; three for the audit trail, which already has an entry.
        with django_assert_num_queries(9):
            content(client.post(f"{HOME}rows/csv/", {"month": "2026-06"}))


# --- The national report ----------------------------------------------------------------------------


def test_report_comes_out_of_the_log_without_a_difference():
    june(5, topics=["tax"])
    june(2, topics=["employment", "job_seeking", "tax"])
    report = load_report(ONLY_JUNE)
    shown = {name: (topics, consultations) for name, topics, consultations in report.lines if topics}
    assert shown == {"Taxes": (7, 7), "Work": (4, 2)}
    assert [name for name, _topics, _consultations in report.lines][:3] == [
        "Immigration procedures",
        "Other procedures",
        "Work",
    ]
    assert (report.mapping, len(report.lines)) == ("ISA 2023", 16)
    assert report.check == Reconciliation(7, 11, 11, {}, 0, 0)


def test_report_names_what_maps_to_nothing_and_what_is_too_small():
    june(5, topics=["tax"])
    june(1, topics=["dv_abuse", "housing"], is_restricted=True)
    june(5, topics=["housing"], is_restricted=True)
    (row,) = june(1, topics=["tax"])
    ConsultationTopic.objects.create(consultation=row, topic="of_old", scheme="1999")
    check = load_report(ONLY_JUNE).check
    assert check == Reconciliation(12, 14, 12, {"of_old": 1}, 1, 0)


def test_report_of_few_does_not_tell_of_restricted_ones():
    june(2, topics=["tax"])
    june(2, topics=["dv_abuse"], is_restricted=True)
    assert load_report(ONLY_JUNE).check == Reconciliation(2, 2, 2, {}, 0, 0)


def test_report_says_when_the_count_is_not_the_log():
    june(6, topics=["tax"])
    tally_months()
    june(1, topics=["tax"])  # without any action
    assert load_report(ONLY_JUNE).check.difference == 1


@settings(
    EVEN_ON_POSTGRESQL,
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["tax", "housing", "dv_abuse", "of_old"]), min_size=1, max_size=3, unique=True),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_report_always_adds_up(made):
    Consultation.objects.all().delete()
    for topics, is_restricted in made:
        june(1, topics=topics, is_restricted=is_restricted)
    check = load_report(ONLY_JUNE).check
    assert check.difference == 0
    assert check.mapped + sum(check.unmapped.values()) + check.small == check.topics


def test_report_page_shows_the_reconciliation(client, manager):
    june(6, topics=["tax"])
    shown = words(client.get(f"{HOME}report/?month=2026-06"))
    assert "Version of the groups: ISA 2023." in shown
    assert "Topics in the log 6 Topics in the table 6" in shown
    assert "Difference 0" in shown
    file = content(client.post(f"{HOME}report/csv/", {"month": "2026-06"})).decode("utf-8-sig")
    assert ["Taxes", "6", "6"] in list(csv.reader(io.StringIO(file)))
    assert ["Difference", "0"] in list(csv.reader(io.StringIO(file)))


# --- Closing months ---------------------------------------------------------------------------------


def test_month_is_closed_and_reopened_on_its_page(client, manager):
    june(1)
    assert client.post(f"{HOME}months/close/", {"month": "2026-06"})["Location"] == f"{HOME}months/?year=2026"
    assert "2026-06 1 consultation Closed Closed on" in words(client.get(f"{HOME}months/"))
    client.post(f"{HOME}months/reopen/", {"month": "2026-06", "reason": ""})
    assert "Enter a reason for reopening the month." in words(client.get(f"{HOME}months/"))
    client.post(f"{HOME}months/reopen/", {"month": "2026-06", "reason": "Two sheets"})
    shown = words(client.get(f"{HOME}months/"))
    assert ("2026-06 1 consultation Open" in shown, "by Manager: Two sheets" in shown) == (True, True)


@pytest.mark.parametrize("typed", [{}, {"month": ""}, {"month": "2026-13"}, {"month": "9" * 400}, {"month": "\x00"}])
@pytest.mark.parametrize("verb", ["close", "reopen"])
def test_month_that_is_none_is_refused(client, manager, verb, typed):
    assert client.post(f"{HOME}months/{verb}/", typed).status_code in {302, 400}
    assert AuditEntry.objects.filter(action__endswith="_month").count() == 0


@pytest.mark.parametrize("path", ["report/", "months/"])
def test_adviser_neither_reports_nor_closes(client, adviser, path):
    client.force_login(adviser)
    page = client.get(HOME)
    assert (page.status_code, f"{HOME}{path}" in page.content.decode()) == (200, False)
    assert client.get(f"{HOME}{path}").status_code == 403


# --- Any input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(year=TEXT.map(sendable), month=TEXT.map(sendable))
@every_nasty_text("year", "month")
def test_pages_survive_any_parameter(client, manager, path, year, month):
    client.raise_request_exception = False
    assert client.get(f"{HOME}{path}", {"year": year, "month": month}).status_code < 500


FILES = ("rows/csv/", "export/csv/", "report/csv/", "months/close/", "months/reopen/")


@settings(max_examples=33, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.one_of(TEXT.map(sendable), st.just("2026-06"), st.just("")), min_size=7, max_size=7),
    path=st.sampled_from(FILES),
)
@every_nasty_text(words=7, step=5, path=FILES)
def test_files_survive_anything_typed(client, manager, words, path):
    client.raise_request_exception = False
    names = ("year", "month", "reason", "language", "topic", "channel", "outcome")
    typed = dict(zip(names, words, strict=True))
    assert client.post(f"{HOME}{path}", typed).status_code < 500


# --- The public page --------------------------------------------------------------------------------


def last_year(number: int, **more) -> None:
    for _each in range(number):
        ConsultationFactory(**{"began_at": noon_on("2025-06-10"), "topics": ["tax"]} | more)


def test_public_page_tells_a_year_that_is_over(client):
    last_year(9)
    last_year(6, language="vi", topics=["housing", "tax"])
    last_year(1, language="ko", topics=["dv_abuse"])
    last_year(5, language="ta", is_restricted=True, topics=["dv_abuse"])
    june(50)  # the current fiscal year has not ended

    page = client.get("/en/consultations/figures/")

    assert "From April 2025 to March 2026 21 consultations in one year" in words(page)
    assert rows(page, "languages") == {"Nepali": ["9"], "Vietnamese": ["6"], "Other languages": ["6"]}
    assert rows(page, "topics") == {"Taxes": ["9"], "Housing": ["6"], "Marriage and family": ["6"]}
    assert "Korean" not in words(page)


def test_public_page_of_few_says_only_that_they_are_few(client):
    last_year(4)
    page = client.get("/en/consultations/figures/")
    assert "Fewer than 5 consultations in one year" in words(page)
    assert "Nepali" not in words(page)


def test_public_page_without_a_year_says_so(client):
    june(9)
    assert "There are no figures yet." in words(client.get("/en/consultations/figures/"))


def test_public_page_shows_another_year_and_the_newest_for_anything_odd(client):
    last_year(5)
    last_year(6, began_at=noon_on("2024-06-10"))
    assert "From April 2024 to March 2025 6 consultations" in words(client.get("/en/consultations/figures/?year=2024"))
    for odd in ("2026", "1999", "x", "%00", "9" * 50):
        response = client.get(f"/en/consultations/figures/?year={odd}")
        assert response.status_code in {200, 400}
        assert response.status_code == 400 or "From April 2025 to March 2026 5 consultations" in words(response)


def test_public_page_says_year_and_names_with_their_readings(client):
    last_year(9)
    page = client.get("/ja-simple/consultations/figures/").content.decode()
    assert "<dt>2025<ruby>年<rp>(</rp><rt>ねん</rt><rp>)</rp></ruby>4<ruby>月" in page
    assert '<th scope="row">ネパール<ruby>語<rp>(</rp><rt>ご</rt><rp>)</rp></ruby></th>' in page
    assert "<span>ネパール<ruby>語<rp>(</rp><rt>ご</rt><rp>)</rp></ruby></span>" in page


def test_public_page_is_made_anew_when_something_was_logged_late(client):
    last_year(5)
    assert "5 consultations" in words(client.get("/en/consultations/figures/"))
    last_year(1)
    assert "6 consultations" in words(client.get("/en/consultations/figures/"))


def test_public_page_names_no_language_of_few_that_are_restricted(client):
    """A manager of the desk knows all the unrestricted consultations in each language."""
    last_year(9)
    last_year(7, language="en")
    for language in ("ne", "en", "vi", "ta", "my"):
        last_year(1, language=language, is_restricted=True)
    page = client.get("/en/consultations/figures/")
    assert "21 consultations in one year" in words(page)
    assert rows(page, "languages") == {"Nepali": ["9"], "Other languages": ["12"]}


@pytest.mark.parametrize("number", [5, 30])
def test_public_page_costs_the_same_few_queries(client, django_assert_num_queries, number):
    last_year(number)
    tally_months()
    client.get("/en/consultations/figures/")
    # Content version, first month; counted months, tallies, pending tallies; two on the log for months before it.
    with django_assert_num_queries(7):
        client.get("/en/consultations/figures/")
