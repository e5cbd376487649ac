"""Backups of both databases, made and restored by the real commands."""

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from portal.management.commands.backup import run_postgresql_program
from tests.support.databases import copy_migrated_to
from tests.support.servers import environment, manage, postgresql

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("backup")]  # one prepared database for all tests

FIRST, SECOND = "first@example.org", "second@example.org"
FULL_TRAIL = 3  # FIRST's two audit entries and the one that restoring adds


def backups(folder: Path) -> dict[str, Path]:
    """Return the files in a portal's backup folder, by the start of their names."""
    return {file.name.split("-ota-")[0]: file for file in (folder / "backups").iterdir()}


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


# --- SQLite ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, django_db_setup) -> Path:
    """A migrated SQLite file in which FIRST is administrator."""
    folder = tmp_path_factory.mktemp("prepared")
    copy_migrated_to(folder)
    manage("make_administrator", FIRST, env=environment(VAR_DIR=str(folder)))
    return folder / "tabunka.sqlite3"


@pytest.fixture
def folder(tmp_path, prepared) -> Path:
    """The VAR_DIR of a portal for this test alone."""
    shutil.copy(prepared, tmp_path / "tabunka.sqlite3")
    return tmp_path


@pytest.fixture
def env(folder) -> dict[str, str]:
    return environment(VAR_DIR=str(folder))


def ask(database: Path, question: str) -> list:
    with closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute(question)]


def people(database: Path) -> list[str]:
    return ask(database, "SELECT email FROM accounts_user ORDER BY email")


@pytest.mark.once
def test_sqlite_comes_back_as_it_was(folder, env):
    told = manage("backup", env=env).stdout
    [file] = backups(folder).values()
    assert str(file) in told
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    manage("make_administrator", SECOND, env=env)

    told = manage("restore", str(file), "--yes", env=env).stdout

    assert people(folder / "tabunka.sqlite3") == [FIRST]
    assert people(backups(folder)["before-restore"]) == [FIRST, SECOND]
    assert mode(backups(folder)["before-restore"]) == mode(folder / "tabunka.sqlite3") == 0o600
    assert f"The audit trail is whole: {FULL_TRAIL} entries." in told
    assert (
        ask(folder / "tabunka.sqlite3", "SELECT action FROM audit_auditentry ORDER BY sequence")[-1] == "portal.restore"
    )
    assert sorted(part.name for part in folder.iterdir()) == ["backups", "tabunka.sqlite3"]


@pytest.mark.once
def test_sqlite_backup_taken_while_others_write_is_one_moment(folder, env):
    stop, written = threading.Event(), []

    def write_pairs():
        with closing(sqlite3.connect(folder / "tabunka.sqlite3", timeout=20)) as writer:
            while not stop.is_set():
                with writer:
                    for half in "ab":
                        written.append(half)
                        writer.execute(
                            "INSERT INTO messaging_heartbeat (worker, seen_at) VALUES (?, '2026-01-01')",
                            [f"{len(written)}{half}"],
                        )
                stop.wait(0.005)

    writer = threading.Thread(target=write_pairs)
    writer.start()
    try:
        manage("backup", env=env)
    finally:
        stop.set()
        writer.join()
    [file] = backups(folder).values()
    assert ask(file, "PRAGMA integrity_check") == ["ok"]
    assert len(written) > 10
    assert ask(file, "SELECT count(*) % 2 FROM messaging_heartbeat") == [0]


@pytest.mark.once
def test_sqlite_restore_overwrites_nothing_without_yes(folder, env, prepared):
    ended = manage("restore", str(prepared), env=env, check=False)
    assert ended.returncode == 1
    assert "holds data already" in ended.stderr
    assert "YES=1" in ended.stderr
    assert (folder / "tabunka.sqlite3").read_bytes() == prepared.read_bytes()


@pytest.mark.once
def test_sqlite_restore_needs_no_yes_on_a_fresh_machine(tmp_path, prepared):
    fresh = tmp_path / "fresh"
    told = manage("restore", str(prepared), env=environment(VAR_DIR=str(fresh))).stdout
    assert "What was there before" not in told
    assert people(fresh / "tabunka.sqlite3") == [FIRST]


@pytest.mark.once
def test_sqlite_restore_waits_until_the_portal_is_stopped(folder, env, prepared):
    with closing(sqlite3.connect(folder / "tabunka.sqlite3")) as portal:
        portal.execute("PRAGMA journal_mode=WAL")
        portal.execute("INSERT INTO messaging_heartbeat (worker, seen_at) VALUES ('alive', '2026-01-01')")
        portal.commit()
        ended = manage("restore", str(prepared), "--yes", env=env, check=False)
        assert ended.returncode == 1
        assert "Stop the portal first" in ended.stderr
        assert portal.execute("SELECT worker FROM messaging_heartbeat").fetchall() == [("alive",)]
    assert [part.name for part in folder.iterdir()] == ["tabunka.sqlite3"]


@pytest.mark.once
def test_sqlite_restore_replaces_a_damaged_database_and_its_log(folder, env, prepared):
    (folder / "tabunka.sqlite3").write_bytes(b"not what it was" * 5000)
    (folder / "tabunka.sqlite3-wal").write_bytes(b"nor its log")
    manage("restore", str(prepared), "--yes", env=env)
    assert people(folder / "tabunka.sqlite3") == [FIRST]
    assert backups(folder)["before-restore"].read_bytes().startswith(b"not what it was")
    assert sorted(part.name for part in folder.iterdir()) == ["backups", "tabunka.sqlite3"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"", "is no backup of the portal."),
        (b"to-do: make a backup", "is no backup of the portal."),
    ],
)
def test_restore_takes_files_of_the_portal_only(tmp_path, content, words):
    file = tmp_path / "given"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(file), yes=True)
    assert str(refusal.value) == f"{file} {words}"


def test_restore_takes_no_backup_of_the_other_database(tmp_path):
    other, head = {"sqlite": ("postgresql", b"PGDMP\x01\x0e"), "postgresql": ("sqlite", b"SQLite format 3\0")}[
        connection.vendor
    ]
    file = tmp_path / "given"
    file.write_bytes(head)
    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(file), yes=True)
    assert str(refusal.value) == (
        f"{file} is a backup of a {other} database; DATABASE_URL leads to {connection.vendor}."
    )


@pytest.mark.once
def test_sqlite_restore_of_half_a_file_changes_nothing(folder, env, prepared):
    half = folder / "half"
    half.write_bytes(prepared.read_bytes()[: prepared.stat().st_size // 2])
    ended = manage("restore", str(half), "--yes", env=env, check=False)
    assert ended.returncode == 1
    assert "is damaged. The database is as it was." in ended.stderr
    assert (folder / "tabunka.sqlite3").read_bytes() == prepared.read_bytes()
    assert sorted(part.name for part in folder.iterdir()) == ["half", "tabunka.sqlite3"]


@pytest.mark.once
def test_restore_names_the_broken_line_of_the_trail(folder, env, prepared):
    forged = folder / "forged"
    shutil.copy(prepared, forged)
    with closing(sqlite3.connect(forged)) as opened:
        opened.execute("DROP TRIGGER audit_entry_no_UPDATE")
        opened.execute("UPDATE audit_auditentry SET object_id = 'somebody-else' WHERE sequence = 2")
        opened.commit()
    ended = manage("restore", str(forged), "--yes", env=env, check=False)
    assert ended.returncode == 1
    assert "broken at entry 2" in ended.stderr
    assert people(backups(folder)["before-restore"]) == [FIRST]


@pytest.mark.once
def test_restore_says_when_the_key_of_the_trail_is_another(tmp_path, prepared):
    key = "another-key-than-the-one-that-sealed-these-lines-0123456789"
    ended = manage("restore", str(prepared), env=environment(VAR_DIR=str(tmp_path), AUDIT_KEY=key), check=False)
    assert ended.returncode == 1
    assert "broken at entry 1" in ended.stderr
    assert "AUDIT_KEY is not the one" in ended.stderr


@pytest.mark.once
def test_restore_says_when_the_backup_is_of_a_newer_portal(folder, env, prepared):
    newer = folder / "newer"
    shutil.copy(prepared, newer)
    with closing(sqlite3.connect(newer)) as opened:
        opened.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('guide', '0999_later', '2030-01-01')"
        )
        opened.commit()
    ended = manage("restore", str(newer), "--yes", env=env, check=False)
    assert ended.returncode == 1
    assert "newer version of the portal (it knows guide.0999_later)" in ended.stderr


@pytest.mark.once
def test_backup_of_a_missing_database_makes_nothing(tmp_path):
    ended = manage("backup", env=environment(VAR_DIR=str(tmp_path)), check=False)
    assert ended.returncode == 1
    assert "There is no database at" in ended.stderr
    assert backups(tmp_path) == {}
    assert not (tmp_path / "tabunka.sqlite3").exists()


@pytest.mark.once
def test_backup_of_a_damaged_database_is_no_backup(folder, env):
    content = bytearray((folder / "tabunka.sqlite3").read_bytes())
    content[40_000:60_000] = b"\xff" * 20_000
    (folder / "tabunka.sqlite3").write_bytes(content)
    ended = manage("backup", env=env, check=False)
    assert ended.returncode == 1
    assert "is damaged, and so would be its backup" in ended.stderr
    assert backups(folder) == {}


@pytest.mark.parametrize("program", ["pg_dump", "pg_restore", "psql"])
def test_missing_program_of_postgresql_is_named_with_the_way_to_get_it(tmp_path, monkeypatch, program):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError) as refusal:
        run_postgresql_program(program, "--version", connects=False)
    assert str(refusal.value) == (
        f"{program} is missing: apt-get install postgresql-client (not older than the server's PostgreSQL)."
    )


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    """Start PostgreSQL with a database `prepared` as on SQLite; return its databases' URL without the name."""
    with postgresql() as url:
        server = url.rpartition("/")[0]
        execute(url, "CREATE DATABASE prepared")
        env = environment(DATABASE_URL=f"{server}/prepared")
        manage("migrate", "-v0", env=env)
        manage("make_administrator", FIRST, env=env)
        yield server


@pytest.fixture
def database(server, request) -> str:
    """Copy the prepared database for one test; return the copy's URL."""
    name = f"copy_{abs(hash(request.node.name))}"
    execute(f"{server}/postgres", f"CREATE DATABASE {name} TEMPLATE prepared")
    return f"{server}/{name}"


def execute(url: str, statement: str) -> list:
    with closing(psycopg2.connect(url)) as opened:
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []


def people_in(url: str) -> list[str]:
    return execute(url, "SELECT email FROM accounts_user ORDER BY email")


@pytest.mark.once
def test_postgresql_comes_back_as_it_was(server, database, tmp_path):
    env = environment(VAR_DIR=str(tmp_path), DATABASE_URL=database)
    manage("backup", env=env)
    file = backups(tmp_path)["tabunka"]
    assert file.suffix == ".dump"
    assert mode(file) == 0o600
    manage("make_administrator", SECOND, env=env)
    execute(database, "CREATE TABLE of_a_later_version AS SELECT id FROM accounts_user")

    told = manage("restore", str(file), "--yes", env=env).stdout

    assert people_in(database) == [FIRST]
    assert f"The audit trail is whole: {FULL_TRAIL} entries." in told
    assert execute(database, "SELECT to_regclass('of_a_later_version')") == [None]
    with pytest.raises(psycopg2.errors.RaiseException, match="append-only"):
        execute(database, "DELETE FROM audit_auditentry")
    # The file set aside is a complete backup too: it can be restored to an empty database elsewhere, without --yes.
    execute(f"{server}/postgres", "CREATE DATABASE elsewhere")
    aside = backups(tmp_path)["before-restore"]
    assert mode(aside) == 0o600
    manage("restore", str(aside), env=environment(VAR_DIR=str(tmp_path), DATABASE_URL=f"{server}/elsewhere"))
    assert people_in(f"{server}/elsewhere") == [FIRST, SECOND]


@pytest.mark.once
def test_postgresql_restore_refuses_what_would_overwrite_or_disturb(database, tmp_path):
    env = environment(VAR_DIR=str(tmp_path), DATABASE_URL=database)
    manage("backup", env=env)
    [file] = backups(tmp_path).values()
    manage("make_administrator", SECOND, env=env)
    without_yes = manage("restore", str(file), env=env, check=False)
    assert without_yes.returncode == 1
    assert "holds data already" in without_yes.stderr
    with closing(psycopg2.connect(database)):
        while_used = manage("restore", str(file), "--yes", env=env, check=False)
    assert while_used.returncode == 1
    assert "Stop the portal first" in while_used.stderr
    assert people_in(database) == [FIRST, SECOND]
    assert list(backups(tmp_path)) == ["tabunka"]


@pytest.mark.once
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_postgresql_restore_of_half_a_file_changes_nothing(database, tmp_path, share):
    env = environment(VAR_DIR=str(tmp_path), DATABASE_URL=database)
    manage("backup", env=env)
    [file] = backups(tmp_path).values()
    manage("make_administrator", SECOND, env=env)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    ended = manage("restore", str(file), "--yes", env=env, check=False)
    assert ended.returncode == 1
    assert "pg_restore failed" in ended.stderr
    assert people_in(database) == [FIRST, SECOND]


@pytest.mark.once
def test_postgresql_restore_that_fails_midway_changes_nothing(database, tmp_path):
    env = environment(VAR_DIR=str(tmp_path), DATABASE_URL=database)
    manage("backup", env=env)
    [file] = backups(tmp_path).values()
    manage("make_administrator", SECOND, env=env)
    # A psql that fails after it has read the whole script, but before it commits.
    programs = tmp_path / "programs"
    programs.mkdir()
    real = shutil.which("psql")
    (programs / "psql").write_text(f'#!/bin/sh\nexec {real} "$@" --command="SELECT 1/0"\n')
    (programs / "psql").chmod(0o755)
    ended = manage(
        "restore", str(file), "--yes", env={**env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}, check=False
    )
    assert ended.returncode == 1
    assert "psql failed" in ended.stderr
    assert "division by zero" in ended.stderr
    assert people_in(database) == [FIRST, SECOND]
    manage("verify_audit", env=env)


@pytest.mark.once
def test_postgresql_password_is_on_no_command_line(database, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $@" >> {seen}\nexec {shutil.which(name)} "$@"\n')
        (programs / name).chmod(0o755)
    with_password = database.replace("tabunka@", "tabunka:not-to-be-seen@")
    env = environment(VAR_DIR=str(tmp_path), DATABASE_URL=with_password)
    manage("backup", env={**env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})
    lines = seen.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["pg_dump", "pg_restore"]
    assert "not-to-be-seen" not in seen.read_text()
