"""The audit trail: chained, append-only, and written together with the action or not at all."""

import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from services.accounts.roles import Role
from services.audit import trail
from services.audit.models import AuditChainHead, AuditEntry
from services.audit.trail import content_version, first_broken_entry, record
from tests.factories import UserFactory

LINES = 6


@pytest.fixture
def without_guard(db):
    """Drop the triggers, as someone with the database password could; the chain must still reveal changes."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_entry_no_UPDATE")
            cursor.execute("DROP TRIGGER audit_entry_no_DELETE")
        else:
            cursor.execute("DROP TRIGGER audit_entry_append_only ON audit_auditentry")


@pytest.fixture
def lines(db):
    return [record(None, f"tests.deed{number}", fields=["b", "a"]) for number in range(1, LINES + 1)]


@pytest.mark.django_db
def test_trail_without_a_line_is_whole():
    assert first_broken_entry() is None
    assert content_version() == 0


def test_trail_as_written_is_whole(lines):
    assert [line.sequence for line in AuditEntry.objects.all()] == [1, 2, 3, 4, 5, 6]
    assert first_broken_entry() is None
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue() == "The audit trail is whole: 6 entries.\n"


@pytest.mark.django_db
def test_line_says_who_as_what_did_what_to_which_and_never_a_value():
    editor = UserFactory(roles=[Role.EDITOR, Role.ADVISER], email="secret@example.org")
    line = record(editor, "tests.deed", editor, fields=["name", "email"], reason="asked by phone")
    line.refresh_from_db()
    assert (line.actor, line.roles, line.action) == (editor.public_id, "adviser editor", "tests.deed")
    assert (line.object_type, line.object_id, line.fields) == ("accounts.user", editor.public_id, ["email", "name"])
    assert line.reason == "asked by phone"
    everything = " ".join(str(value) for value in AuditEntry.objects.filter(pk=line.pk).values_list()[0])
    assert editor.email not in everything
    assert editor.name not in everything


@pytest.mark.django_db
def test_portal_itself_is_no_actor():
    line = record(None, "tests.deed")
    assert (line.actor, line.roles, line.object_type, line.object_id, line.fields) == ("", "", "", "", [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "somebody"),
        ("roles", "administrator"),
        ("action", "tests.else"),
        ("object_type", "accounts.user"),
        ("object_id", "x"),
        ("fields", ["a"]),
        ("reason", "because"),
        ("mac", "0" * 64),
    ],
)
def test_changed_line_is_named(without_guard, lines, column, value):
    AuditEntry.objects.filter(sequence=4).update(**{column: value})
    assert first_broken_entry() == 4
    with pytest.raises(CommandError, match="broken at entry 4"):
        call_command("verify_audit")


def test_changed_time_is_named(without_guard, lines):
    AuditEntry.objects.filter(sequence=2).update(at=lines[0].at)
    assert first_broken_entry() == 2


@pytest.mark.parametrize("dropped", [1, 3, LINES])
def test_dropped_line_is_named(without_guard, lines, dropped):
    AuditEntry.objects.filter(sequence=dropped).delete()
    assert first_broken_entry() == dropped


def test_dropped_line_is_named_though_the_rest_is_numbered_anew(without_guard, lines):
    AuditEntry.objects.filter(sequence=3).delete()
    for line in AuditEntry.objects.filter(sequence__gt=3).order_by("sequence"):
        AuditEntry.objects.filter(pk=line.pk).update(sequence=line.sequence - 1)
    assert first_broken_entry() == 3


def test_inserted_line_is_named(lines):
    AuditEntry.objects.create(sequence=LINES + 1, at=lines[0].at, action="tests.never", mac="f" * 64)
    assert first_broken_entry() == LINES + 1


def test_all_lines_dropped_is_noticed(without_guard, lines):
    AuditEntry.objects.all().delete()
    assert first_broken_entry() == 1


def test_line_sealed_with_another_key_is_named(lines, settings):
    settings.AUDIT_KEY = "another-key-of-which-the-database-knows-nothing-at-all"
    assert first_broken_entry() == 1


@pytest.mark.parametrize("harm", ["update", "delete", "save", "raw update", "raw delete"])
def test_database_refuses_to_change_or_delete_a_line(lines, harm):
    def raw(statement):
        with connection.cursor() as cursor:
            cursor.execute(statement)

    deeds = {
        "update": lambda: AuditEntry.objects.filter(sequence=3).update(reason="x"),
        "delete": lambda: AuditEntry.objects.filter(sequence=3).delete(),
        "save": lines[2].save,
        "raw update": lambda: raw("UPDATE audit_auditentry SET action = 'x'"),
        "raw delete": lambda: raw("DELETE FROM audit_auditentry WHERE sequence = 1"),
    }
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        deeds[harm]()
    assert first_broken_entry() is None
    assert AuditEntry.objects.count() == LINES


@pytest.mark.django_db
def test_line_goes_with_the_transaction_that_it_is_about():
    record(None, "tests.kept")
    before = content_version()
    seen = []

    @transaction.atomic
    def deed_that_fails():
        record(None, "tests.lost")
        seen.append(AuditEntry.objects.count())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert seen == [2]
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["tests.kept"]
    assert content_version() == before
    record(None, "tests.next")
    assert first_broken_entry() is None


@pytest.mark.django_db
def test_content_version_rises_with_changes_only(django_assert_num_queries):
    record(None, "tests.change")
    record(None, "tests.view", changes=False)
    record(None, "tests.change")
    with django_assert_num_queries(1):
        assert content_version() == 2


@pytest.mark.django_db
def test_trail_has_one_head_only():
    record(None, "tests.deed")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditChainHead.objects.create(pk=2)


def write_from_threads(write, threads=20, each=5) -> list[Exception]:
    """Call `write` at once in many threads, each with its own connection; return the exceptions."""
    faults, together = [], threading.Barrier(threads)

    def work(number):
        together.wait()
        try:
            for turn in range(each):
                write(f"tests.thread{number}.{turn}")
        except Exception as fault:  # noqa: BLE001  whatever it is, the test shall see it
            faults.append(fault)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return faults


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_write_one_chain():
    record(None, "tests.first")
    assert write_from_threads(lambda action: record(None, action)) == []
    assert AuditEntry.objects.count() == 101
    assert list(AuditEntry.objects.values_list("sequence", flat=True)) == list(range(1, 102))
    assert first_broken_entry() is None
    assert content_version() == 101


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_write_one_chain_from_nothing():
    """The first thread to write also creates the chain head."""
    assert write_from_threads(lambda action: record(None, action), each=2) == []
    assert (AuditEntry.objects.count(), first_broken_entry()) == (40, None)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_threads_collide():
    """Negative control: `record` is unchanged, but reads the chain head without a lock and advances it afterwards."""
    record(None, "tests.first")
    in_turn = trail._lock_head_and_advance
    trail._lock_head_and_advance = next_for_anybody

    def write(action):
        connection.ensure_connection()
        connection.transaction_mode = "DEFERRED"  # SQLite has no row locks; BEGIN IMMEDIATE would be one
        record(None, action)

    try:
        faults = write_from_threads(write)
    finally:
        trail._lock_head_and_advance = in_turn
    assert faults != []
    assert AuditEntry.objects.count() < 101


def next_for_anybody(*, changes):
    head = AuditChainHead.objects.get(pk=1)
    AuditChainHead.objects.filter(pk=1).update(sequence=head.sequence + 1)
    return head.sequence + 1, head.mac


@pytest.mark.django_db
def test_refusal_to_staff_leaves_a_line_and_the_trail_names_people(client):
    adviser, administrator = UserFactory(roles=["adviser"], name="Ana"), UserFactory(roles=["administrator"])
    client.force_login(adviser)
    assert client.get("/en/staff/statistics/months/").status_code == 403
    line = AuditEntry.objects.get(action="portal.refuse")
    assert (line.actor, line.reason) == (adviser.public_id, "statistics:months")
    client.force_login(UserFactory())
    assert client.get("/en/staff/statistics/months/").status_code == 403
    assert AuditEntry.objects.filter(action="portal.refuse").count() == 1

    client.force_login(administrator)
    page = client.get("/en/staff/admin/audit/auditentry/").content.decode()
    assert "Ana" in page
    assert "statistics:months" in page
