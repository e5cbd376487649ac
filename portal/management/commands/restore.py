"""manage.py restore FILE: restore a backup completely or not at all, and verify the audit trail."""

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

from portal.management.commands.backup import back_up, is_sound, new_backup_path, open_sqlite, run_postgresql_program
from services.audit.trail import first_broken_entry, record

FILE_SIGNATURES = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
STOP_FIRST = "Somebody is using the database. Stop the portal first (web, workers, beat); start it again afterwards."


class Command(BaseCommand):
    """Replace the database by a backup, and save what was there."""

    help = "Replace the database with a file written by `backup`. Stop the portal first."
    requires_system_checks = []

    def add_arguments(self, parser):
        """Take the file; `--yes` confirms that existing data may be replaced."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="replace what the database holds now")

    def handle(self, *args, file: Path, yes: bool, **options):
        """Raise CommandError if nothing was restored, or if the restored audit trail is broken."""
        _require_matching_backup(file)
        if not yes and _has_data():
            raise CommandError(
                f"{connection.settings_dict['NAME']} holds data already. To replace it: --yes "
                "(make restore FILE=… YES=1). What it holds now will be kept in the folder of the backups."
            )
        previous = _restore_sqlite(file) if connection.vendor == "sqlite" else _restore_postgresql(file)
        self.stdout.write(f"Restored: {file}")
        if previous:
            self.stdout.write(f"What was there before: {previous}")
        _migrate()
        if broken := first_broken_entry():
            raise CommandError(
                f"The audit trail of the restored backup is broken at entry {broken}: that entry was changed, dropped "
                "or inserted, or AUDIT_KEY is not the one with which it was written."
            )
        # The restore itself is recorded, which also invalidates all cached pages.
        entry = record(None, "portal.restore", reason=file.name)
        self.stdout.write(f"The audit trail is whole: {entry.sequence} entries. The portal can be started.")


def _require_matching_backup(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            signature = opened.read(16)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    kind = next((kind for start, kind in FILE_SIGNATURES.items() if signature.startswith(start)), None)
    if kind is None:
        raise CommandError(f"{file} is no backup of the portal.")
    if kind != connection.vendor:
        raise CommandError(f"{file} is a backup of a {kind} database; DATABASE_URL leads to {connection.vendor}.")


def _has_data() -> bool:
    if connection.vendor == "sqlite":
        database = Path(connection.settings_dict["NAME"])
        return database.is_file() and database.stat().st_size > 0
    return bool(connection.introspection.table_names())


def _restore_sqlite(file: Path) -> Path | None:
    """Put the file in the database's place; return the path of the previous database."""
    database = Path(connection.settings_dict["NAME"])
    connection.close()
    database.parent.mkdir(parents=True, exist_ok=True)
    staged = _private_copy(file, database.with_name(f"{database.name}.restoring"))
    previous = None
    try:
        with closing(open_sqlite(staged, timeout=5)) as copy:
            if not is_sound(copy):
                raise CommandError(f"{file} is damaged. The database is as it was.")
        if database.exists():
            _require_exclusive_access(database)
            previous = new_backup_path("before-restore", "sqlite3")
            # A damaged database may leave its WAL behind, which must not be applied to the new database.
            for ending in ("-wal", "-shm", ""):
                if (part := Path(f"{database}{ending}")).exists():
                    shutil.move(part, f"{previous}{ending}")
            previous.chmod(0o600)
        staged.rename(database)
    finally:
        staged.unlink(missing_ok=True)
    return previous


def _private_copy(file: Path, target: Path) -> Path:
    """Copy the file beside the database, readable only by the user who runs the portal."""
    target.unlink(missing_ok=True)
    with file.open("rb") as source, os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as to:
        shutil.copyfileobj(source, to)
        to.flush()
        os.fsync(to.fileno())
    if os.geteuid() == 0:
        owner = target.parent.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
    return target


def _require_exclusive_access(database: Path) -> None:
    """Refuse if the database is in use: leaving WAL mode needs exclusive access, and merges the WAL."""
    try:
        with closing(open_sqlite(database, timeout=1)) as live:
            is_alone = live.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    except sqlite3.DatabaseError as error:
        # A damaged database is moved aside as it is.
        is_alone = error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    if not is_alone:
        raise CommandError(STOP_FIRST)


def _restore_postgresql(file: Path) -> Path | None:
    """Replace the schema in one transaction; return the backup of the previous data."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        if cursor.fetchone()[0]:
            raise CommandError(STOP_FIRST)
    previous = back_up("before-restore") if _has_data() else None
    connection.close()
    with tempfile.TemporaryDirectory(prefix="tabunka-restore-") as folder:
        # Write the whole script before running it, so that a truncated backup changes nothing.
        script = Path(folder, "script.sql")
        run_postgresql_program(
            "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(file), connects=False
        )
        run_postgresql_program(
            "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction",
            "--command=SET LOCAL lock_timeout = '10s'", "--command=SET client_min_messages = warning",
            "--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public", f"--file={script}",
        )  # fmt: skip
    return previous


def _migrate() -> None:
    """Migrate an older backup to this version; refuse a newer one."""
    loader = MigrationLoader(connection)
    unknown = [
        f"{app}.{name}"
        for app, name in sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
        if app in loader.migrated_apps
    ]
    if unknown:
        raise CommandError(
            f"The backup comes from a newer version of the portal (it knows {', '.join(unknown)}). "
            "It is in place; install that version before you start."
        )
    call_command("migrate", verbosity=0)
