"""manage.py restore FILE: bring a back-up back, all of it or nothing, and prove that the trail is whole."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from portal.management.commands.backup import back_up, is_sound, open_sqlite, place_for, run_postgresql_program
from services.audit.trail import first_broken, record

# How each kind of file begins.
KINDS = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
STOP_FIRST = "Somebody is using the database. Stop the portal first (web, workers, beat); start it again afterwards."


class Command(BaseCommand):
    """Replaces the database by a back-up; what was there is kept."""

    help = "Replace the database by a file that `backup` wrote. The portal must be stopped meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser):
        """The file; `--yes` where there is something to overwrite."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="replace what the database holds now")

    def handle(self, *args, file: Path, yes: bool, **options):
        """Raises CommandError if nothing was done, or if what was restored is not what was once written."""
        _insist_fitting(file)
        if not yes and _holds_something():
            raise CommandError(
                f"{connection.settings_dict['NAME']} holds data already. To replace it: --yes "
                "(make restore FILE=… YES=1). What it holds now will be kept in the folder of the back-ups."
            )
        kept = _restore_sqlite(file) if connection.vendor == "sqlite" else _restore_postgresql(file)
        self.stdout.write(f"Restored: {file}")
        if kept:
            self.stdout.write(f"What was there before: {kept}")
        _bring_up_to_date()
        if broken := first_broken():
            raise CommandError(
                f"The audit trail of the restored back-up is broken at line {broken}: that line was changed, dropped "
                "or inserted, or AUDIT_KEY is not the one with which it was written."
            )
        # The restoring itself belongs in the trail; it also makes every copy of a page stale.
        line = record(None, "portal.restore", reason=file.name)
        self.stdout.write(f"The audit trail is whole: {line.sequence} lines. The portal can be started.")


def _insist_fitting(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as fault:
        raise CommandError(f"{file} cannot be read: {fault.strerror}.") from fault
    kind = next((kind for mark, kind in KINDS.items() if head.startswith(mark)), None)
    if kind is None:
        raise CommandError(f"{file} is no back-up of the portal.")
    if kind != connection.vendor:
        raise CommandError(f"{file} is a back-up of a {kind} database; DATABASE_URL leads to {connection.vendor}.")


def _holds_something() -> bool:
    if connection.vendor == "sqlite":
        database = Path(connection.settings_dict["NAME"])
        return database.is_file() and database.stat().st_size > 0
    return bool(connection.introspection.table_names())


def _restore_sqlite(file: Path) -> Path | None:
    """Put the file in the database's place; returns where what was there has gone."""
    database = Path(connection.settings_dict["NAME"])
    connection.close()
    database.parent.mkdir(parents=True, exist_ok=True)
    staged = _private_copy(file, database.with_name(f"{database.name}.restoring"))
    kept = None
    try:
        with closing(open_sqlite(staged, timeout=5)) as copy:
            if not is_sound(copy):
                raise CommandError(f"{file} is damaged. The database is as it was.")
        if database.exists():
            _insist_alone(database)
            kept = place_for("before-restore", "sqlite3")
            # A damaged database may leave its log behind: it must not be read into the new one.
            for ending in ("-wal", "-shm", ""):
                if (part := Path(f"{database}{ending}")).exists():
                    shutil.move(part, f"{kept}{ending}")
            kept.chmod(0o600)
        staged.rename(database)
    finally:
        staged.unlink(missing_ok=True)
    return kept


def _private_copy(file: Path, target: Path) -> Path:
    """A copy beside the database, for its owner alone, who stays the one who runs the portal."""
    target.unlink(missing_ok=True)
    with file.open("rb") as source, os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as to:
        shutil.copyfileobj(source, to)
        to.flush()
        os.fsync(to.fileno())
    if os.geteuid() == 0:
        owner = target.parent.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
    return target


def _insist_alone(database: Path) -> None:
    """Leaving WAL mode needs the file for oneself alone, and folds its log back in."""
    try:
        with closing(open_sqlite(database, timeout=1)) as live:
            is_alone = live.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    except sqlite3.DatabaseError as fault:
        # Damaged: it goes aside as it is.
        is_alone = fault.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    if not is_alone:
        raise CommandError(STOP_FIRST)


def _restore_postgresql(file: Path) -> Path | None:
    """Replace the schema in one transaction; returns the file into which what was there has been saved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        if cursor.fetchone()[0]:
            raise CommandError(STOP_FIRST)
    kept = back_up("before-restore") if _holds_something() else None
    connection.close()
    with tempfile.TemporaryDirectory(prefix="tabunka-restore-") as folder:
        # The whole script is written before the first word of it runs: half a file must change nothing.
        script = Path(folder, "script.sql")
        run_postgresql_program(
            "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(file), connects=False
        )
        run_postgresql_program(
            "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction",
            "--command=SET LOCAL lock_timeout = '10s'", "--command=SET client_min_messages = warning",
            "--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public", f"--file={script}",
        )  # fmt: skip
    return kept


def _bring_up_to_date() -> None:
    """An older back-up gets the tables of this version; a newer one is refused in words."""
    loader = MigrationLoader(connection)
    unknown = [
        f"{app}.{name}"
        for app, name in sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
        if app in loader.migrated_apps
    ]
    if unknown:
        raise CommandError(
            f"The back-up comes from a newer version of the portal (it knows {', '.join(unknown)}). "
            "It is in place; install that version before you start."
        )
    call_command("migrate", verbosity=0)
