"""Import of a past log: any usual file, all or nothing, only once, and readable only by its adviser."""

import csv
import datetime
import io
import threading
from pathlib import Path

import pytest
from django.conf import settings as portal_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.imports import parsing
from consultations.imports.actions import ImportCounts, ImportedEntry, import_rows, store_upload
from consultations.imports.forms import ImportPlanForm
from consultations.models import ClosedMonth, Consultation, ImportUpload, MonthlyTally
from consultations.records import tallies
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.csv_files import decode_table, read_table
from services.base.refusals import Refused
from tests.factories import UserFactory
from tests.factories.log_entries import new_log_entry
from tests.support.nasty_texts import NASTY, TEXT, every_nasty_text

pytestmark = pytest.mark.django_db
HEAD = "相談日,時刻,所要時間,相談方法,言語,通訳,区分,対応,内容"
ROW = "2026-03-01,10:30,30,電話,ネパール語,相談員,税金,情報提供,住民税のこと"
EXAMPLE = Path(portal_settings.BASE_DIR) / "docs" / "past-log.csv"
TOKYO = datetime.timezone(datetime.timedelta(hours=9))
ADDRESS = "/en/staff/consultations/import/"


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], email="maricel@example.org")


@pytest.fixture
def manager(client):
    user = UserFactory(roles=["manager"])
    client.force_login(user)
    return user


def uploaded(client, text: str | bytes) -> str:
    """Upload a table and return the URL of its import plan."""
    data = text if isinstance(text, bytes) else text.encode()
    response = client.post(ADDRESS, {"file": SimpleUploadedFile("log.csv", data)})
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def as_guessed(client, address: str) -> dict:
    """Return the plan that the form guesses, as a browser would send it."""
    form = client.get(address).context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def imported(client, text, adviser, **typed):
    address = uploaded(client, text)
    return client.post(address, as_guessed(client, address) | {"adviser": adviser.public_id, "step": "import"} | typed)


def faults(response) -> list[tuple[int, str, str]]:
    return [(it.row, it.column, it.text) for it in response.context["faults"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16"])
def test_example_file_is_taken_over_as_guessed(client, manager, adviser, encoding):
    response = imported(client, EXAMPLE.read_text("utf-8").encode(encoding), adviser)

    assert (response.status_code, response.headers["Location"]) == (302, ADDRESS)
    first, second, third = Consultation.objects.order_by("began_at")
    assert first.began_at == datetime.datetime(2026, 3, 1, 10, 30, tzinfo=TOKYO)
    assert (first.minutes, first.channel, first.language, first.language_support) == (30, "phone", "ne", "adviser")
    assert (first.outcome, first.enquirer, first.nationality, first.adviser) == ("info", "self", "NP", adviser)
    assert second.began_at == datetime.datetime(2026, 3, 3, 14, 15, tzinfo=TOKYO)
    assert [row.topic for row in second.topics.all()] == ["medical", "insurance_pension"]
    assert (second.minutes, second.channel, second.enquirer, second.language_support) == (
        60,
        "visit",
        "family",
        "three_way_phone",
    )
    assert decrypt_with_audit(adviser, "x", second, "note")["note"] == "子どもの予防接種。\n次回は母子手帳を持参。"
    assert third.began_at == datetime.datetime(2026, 3, 5, 12, 0, tzinfo=TOKYO)
    assert (third.month, third.version) == (datetime.date(2026, 3, 1), 1)
    assert ImportUpload.objects.count() == 0


def test_notes_are_sealed_and_their_adviser_alone_reads_them(client, manager, adviser):
    imported(client, f"{HEAD}\n{ROW}\n", adviser)

    consultation = Consultation.objects.get()
    assert "住民税".encode() not in bytes(Consultation.objects.values_list("note", flat=True).get())
    assert list(Consultation.objects.readable_by(adviser)) == [consultation]
    assert list(Consultation.objects.readable_by(manager)) == []


def test_upload_is_sealed_and_nobody_else_finds_it(client, new_client, manager):
    address = uploaded(client, f"{HEAD}\n{ROW}\n")

    assert "住民税".encode() not in bytes(ImportUpload.objects.values_list("text", flat=True).get())
    other = new_client()
    other.force_login(UserFactory(roles=["manager"]))
    assert (other.get(address).status_code, other.post(f"{address}discard/").status_code) == (404, 404)
    assert client.post(f"{address}discard/").status_code == 302
    assert ImportUpload.objects.count() == 0


def test_try_is_the_import_undone_and_leaves_a_line_with_counts_alone(client, manager, adviser):
    response = imported(client, f"{HEAD}\n{ROW}\n", adviser, step="try")

    assert (response.status_code, response.context["tried"]) == (200, ImportCounts(1, 0))
    assert (Consultation.objects.count(), ImportUpload.objects.count()) == (0, 1)
    told = AuditEntry.objects.filter(action__startswith="consultations.").values_list("action", "fields", "reason")
    assert list(told) == [
        ("consultations.upload", [], ""),
        ("consultations.open_upload", ["text"], ""),
        ("consultations.open_upload", ["text"], ""),
        ("consultations.try_import", [], "1 added, 0 already there"),
    ]


def test_second_time_adds_nothing_and_alike_rows_are_two(client, manager, adviser):
    text = f"{HEAD}\n{ROW}\n{ROW}\n"
    imported(client, text, adviser)
    assert Consultation.objects.count() == 2

    imported(client, f"{text}{ROW.replace('30,電話', '35,電話')}\n", adviser)

    assert Consultation.objects.count() == 3
    assert (
        AuditEntry.objects.filter(action="consultations.import").latest("sequence").reason == "1 added, 2 already there"
    )


def test_number_tells_rows_apart_by_their_day(client, manager, adviser):
    imported(client, f"番号,{HEAD}\n1,{ROW}\n", adviser)
    changed = ROW.replace("税金", "医療・保健")
    imported(client, f"番号,{HEAD}\n1,{changed}\n1,{ROW.replace('03-01', '03-02')}\n", adviser)
    assert Consultation.objects.count() == 2  # number 1 on another day is another consultation

    response = imported(client, f"番号,{HEAD}\n7,{ROW}\n7,{changed}\n", adviser)

    assert faults(response) == [(3, "番号", "This number is already used on this date.")]


def test_faults_are_named_by_row_and_column_and_nothing_comes_in(client, manager, adviser):
    rows = [
        ROW.replace("2026-03-01", "March"),
        ROW.replace("2026-03-01", "2090-01-01"),
        ROW.replace("10:30", "25:00"),
        ROW.replace(",30,", ",1e999999,"),
        ROW.replace("電話", "=cmd|' /C calc'!A0"),
        ROW.replace("ネパール語", ""),
        ROW.replace("税金", "税金、なぞ"),
        ROW.replace("住民税のこと", "\x07"),
        ROW,
    ]

    response = imported(client, "\n".join([HEAD, *rows]) + "\n", adviser)

    assert response.status_code == 400
    assert faults(response) == [
        (2, "相談日", "Enter a valid date, for example 2026-03-01."),
        (3, "相談日", "The date and time must be in the past."),
        (4, "時刻", "Enter a valid time, for example 14:30."),
        (5, "所要時間", "Enter the number of minutes, from 1 to 720."),
        (6, "相談方法", "“=cmd|' /C calc'!A0” was not recognised."),
        (7, "言語", "This cell cannot be empty."),
        (8, "区分", "“なぞ” was not recognised."),
        (9, "内容", "This text contains characters that cannot be saved. Enter it again without them."),
    ]
    assert Consultation.objects.count() == 0


def test_twenty_faults_are_shown(client, manager, adviser):
    response = imported(client, HEAD + ("\n" + ROW.replace("電話", "?")) * 50, adviser)
    assert len(faults(response)) == 20


def test_words_mean_what_somebody_says(client, manager, adviser):
    text = f"{HEAD}\n{ROW.replace('電話', '糸電話')}\n{ROW.replace('電話', '糸電話')}\n"
    address = uploaded(client, text)
    form = client.get(address).context["form"]
    asked = [name for name in form.fields if name.startswith("means_channel_")]
    assert [form.fields[name].label for name in asked] == ["糸電話"]

    response = imported(client, text, adviser, **{asked[0]: "phone"})

    assert response.status_code == 302
    assert set(Consultation.objects.values_list("channel", flat=True)) == {"phone"}


def test_what_no_column_holds_is_said_for_all(client, manager, adviser):
    text = "日付,区分\n2026/3/1,税金\n"
    response = imported(client, text, adviser)
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {
        f"column_{name}" for name in ("minutes", "channel", "language", "language_support", "outcome")
    }

    said = {"minutes": "20", "channel": "visit", "language": "vi", "language_support": "none", "outcome": "info"}
    typed = {f"otherwise_{name}": value for name, value in said.items()}
    assert imported(client, text, adviser, **typed).status_code == 302
    assert Consultation.objects.values_list(*said).get() == (20, "visit", "vi", "none", "info")


def test_column_of_addresses_names_the_advisers(client, manager, adviser):
    other = UserFactory(roles=["adviser"], email="lan@example.org")
    text = f"{HEAD},email\n{ROW},LAN@example.org\n{ROW},\n"
    imported(client, text, adviser)
    assert set(Consultation.objects.values_list("adviser", flat=True)) == {adviser.pk, other.pk}

    response = imported(client, f"{HEAD},email\n{ROW},{UserFactory(roles=['editor']).email}\n", adviser)
    assert faults(response) == [(2, "email", "This is not an adviser's email address.")]


def test_referral_says_where(client, manager, adviser):
    row = ROW.replace("情報提供", "紹介")
    response = imported(client, f"{HEAD}\n{row}\n", adviser)
    assert faults(response) == [(2, "対応", "Choose the organisation the person was referred to.")]

    assert imported(client, f"{HEAD},紹介先\n{row},法テラス\n", adviser).status_code == 302
    assert Consultation.objects.get().referred_to == "houterasu"


def test_what_comes_in_is_counted(client, manager, adviser):
    month = datetime.date(2026, 3, 1)
    tallies.tally_month(month)

    imported(client, f"{HEAD}\n{ROW}\n", adviser)
    tallies.tally_months()

    assert MonthlyTally.objects.get(month=month, dimension="all").consultations == 1


def test_closed_month_takes_nothing(client, manager, adviser):
    ClosedMonth.objects.create(month=datetime.date(2026, 3, 1), closed_at=timezone.now(), closed_by=manager)

    response = imported(client, f"{HEAD}\n{ROW}\n", adviser)

    assert faults(response) == [(2, "相談日", "This month is closed: its figures have been reported.")]
    upload = ImportUpload.objects.get()
    began_at = datetime.datetime(2026, 3, 1, 3, tzinfo=datetime.UTC)
    rows = [ImportedEntry(new_log_entry(began_at=began_at), adviser, "a" * 22)]
    with pytest.raises(Refused):  # so does the action, if the month was closed in between
        import_rows(upload, rows, by=manager)
    assert (Consultation.objects.count(), ImportUpload.objects.count()) == (0, 1)


def test_action_refuses_who_is_no_manager_or_no_adviser_and_what_is_gone(manager, adviser):
    with pytest.raises(Refused):
        store_upload("x", by=adviser)
    upload = store_upload("x", by=manager)
    with pytest.raises(Refused):
        import_rows(upload, [ImportedEntry(new_log_entry(), manager, "a" * 22)], by=manager)
    assert import_rows(upload, [], by=manager) == ImportCounts(0, 0)
    with pytest.raises(Refused):
        import_rows(upload, [], by=manager)


@pytest.mark.parametrize(
    ("text", "minutes"), [("30", 30), ("30分", 30), ("1時間30分", 90), ("1:05", 65), ("2時間", 120)]
)
def test_length_is_read_as_offices_write_it(text, minutes):
    assert parsing.parse_minutes(text) == minutes


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("channel", "TEL", "phone"),
        ("channel", "Telephone", "phone"),
        ("language", "vi", "vi"),
        ("language", "Tiếng Việt", "vi"),
        ("language", "ベトナム語", "vi"),
        ("language", "Vietnamese", "vi"),
        ("mother_tongue", "ネパール語", "ne"),
        ("topics", "tax", "tax"),
        ("topics", "税金", "tax"),
        ("topics", "Taxes", "tax"),
        ("topics", "手続一般", "municipal"),
        ("nationality", "ネパール", "NP"),
        ("nationality", "不明", "declined"),
        ("referred_to", "法テラス", "houterasu"),
        ("outcome", "なぞ", ""),
    ],
)
def test_word_has_its_meaning(name, words, code):
    assert parsing.guess_meaning(name, words) == code


def test_file_that_is_too_large_or_no_table_is_refused_with_a_sentence(client, manager, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
    for data, told in (
        (b"x" * 3_000_000, "This file is too large. The limit is 2 MB. Split it into several files."),
        (b"PK\x03\x04", "This is not a CSV file. Save the table as CSV and choose that file."),
        (b"", "The file has no rows."),
    ):
        response = client.post(ADDRESS, {"file": SimpleUploadedFile("log.csv", data)})
        assert (response.status_code, response.context["form"].errors["file"]) == (400, [told])
    assert ImportUpload.objects.count() == 0


def written(number: int) -> list[ImportedEntry]:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    adviser = UserFactory(roles=["adviser"])
    return [
        ImportedEntry(
            new_log_entry(began_at=start + datetime.timedelta(minutes=turn), late_reason="x"), adviser, f"row{turn:019}"
        )
        for turn in range(number)
    ]


@pytest.mark.thorough
def test_each_thousand_costs_the_same(manager):
    rows = written(4000)
    counts = []
    assert manager.roles
    assert rows[0].adviser.roles
    for many in (rows[:1000], rows[1000:3000], rows[:3000], rows):
        upload = store_upload("x", by=manager)
        with CaptureQueriesContext(connection) as asked:
            import_rows(upload, many, by=manager)
        counts.append(len(asked))
    thousand, around = counts[1] - counts[0], 2 * counts[0] - counts[1]
    # A thousand rows that are already imported cost one query. If none are new, no month is checked or discarded.
    assert counts[2:] == [around - 2 + 3, around + 3 + thousand]


# Nine cells a row, five rows a table: each nasty text is in each column once.
NASTY_ROWS = [[NASTY[(number + column) % len(NASTY)] for column in range(9)] for number in range(len(NASTY))]
NASTY_TABLES = [NASTY_ROWS[number : number + 5] for number in range(0, len(NASTY), 5)]
FIELD = st.one_of(
    TEXT, st.sampled_from(["2026-03-01", "電話", "税金", "30", "ネパール語", "1e999999", "0001-01-01", ""])
)


@settings(max_examples=13, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(FIELD, min_size=9, max_size=9), min_size=1, max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp932"]),
)
@every_nasty_text(step=5, rows=NASTY_TABLES, encoding=["utf-8", "utf-16", "cp932"])
def test_any_table_is_taken_over_or_refused(client, manager, adviser, rows, encoding):
    file = io.StringIO()
    csv.writer(file).writerows([HEAD.split(","), *rows])
    data = file.getvalue().encode(encoding, "replace")
    response = client.post(ADDRESS, {"file": SimpleUploadedFile("log.csv", data)})
    assert response.status_code in {302, 400}
    if response.status_code == 302:
        address = response.headers["Location"]
        typed = as_guessed(client, address) | {"adviser": adviser.public_id, "step": "import"}
        assert client.post(address, typed).status_code in {302, 400}


@settings(max_examples=13, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 99), TEXT), max_size=5))
@every_nasty_text(step=5, changes=[list(enumerate(NASTY))[number : number + 5] for number in range(0, len(NASTY), 5)])
def test_any_plan_is_followed_or_refused(client, manager, adviser, changes):
    address = uploaded(client, f"{HEAD}\n{ROW}\n")
    typed = as_guessed(client, address)
    names = sorted(typed)
    for number, text in changes:
        typed[names[number % len(names)]] = text.encode("utf-8", "replace").decode()
    assert client.post(address, typed).status_code in {200, 302, 400}


def test_form_asks_about_sixty_words_of_a_column_at_most(adviser):
    table = read_table(
        decode_table((HEAD + "".join("\n" + ROW.replace("電話", f"電話{n}") for n in range(100))).encode())
    )
    form = ImportPlanForm(table)
    assert sum(name.startswith("means_channel_") for name in form.fields) == 60


@pytest.mark.django_db(transaction=True)
def test_two_who_take_over_the_same_rows_at_once_write_them_once():
    """Import in opposite orders, which could deadlock."""
    rows = written(200)
    uploads = [store_upload("x", by=UserFactory(roles=["manager"])) for _turn in range(2)]
    begin, ended = threading.Barrier(2), []

    def one(upload, rows):
        begin.wait()
        try:
            ended.append(import_rows(upload, rows, by=upload.by))
        finally:
            connection.close()

    turns = zip(uploads, (rows, rows[::-1]), strict=True)
    threads = [threading.Thread(target=one, args=turn) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((counts.added, counts.already) for counts in ended) == [(0, 200), (200, 0)]
    assert Consultation.objects.count() == 200


@pytest.mark.parametrize(
    ("day", "time", "hour"),
    [
        ("2026-03-01", "午前12:30:00", "00:30"),
        ("2026-03-01", "am 12:15", "00:15"),
        ("2026-03-01", "午後12:30", "12:30"),
        ("2026-03-01", "2:30 PM", "14:30"),
        ("2026-03-01", "12:30:00 AM", "00:30"),
        ("2026/3/1 2:30:00 PM", "", "14:30"),
        ("Ｒ８．３．１", "２：３０　ＰＭ", "14:30"),
        ("㋿8年3月1日", "\u200f14:30", "14:30"),
    ],
)
def test_c15_hours_of_a_spreadsheet_are_read(client, manager, adviser, day, time, hour):
    row = ROW.replace("2026-03-01", day).replace("10:30", time)
    imported(client, f"{HEAD}\n{row}\n", adviser)
    began = Consultation.objects.get().began_at.astimezone(TOKYO)
    assert f"{began:%Y-%m-%d %H:%M}" == f"2026-03-01 {hour}"


def test_c15_hour_of_no_morning_is_a_fault(client, manager, adviser):
    response = imported(client, f"{HEAD}\n{ROW.replace('10:30', '午前13:00')}\n", adviser)
    assert faults(response) == [(2, "時刻", "Enter a valid time, for example 14:30.")]
