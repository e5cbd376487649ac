"""manage.py backup: save the whole database in one file that only its owner can read.

The portal may keep running. All its data is in the database, so this file is everything, except for the two secrets
in the environment.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone


class Command(BaseCommand):
    """Write and verify a backup."""

    help = "Write the whole database into one new file in VAR_DIR/backups, and check it."
    requires_system_checks = []  # a backup must be possible even if the portal cannot start

    def handle(self, *args, **options):
        """Print the file's path. Raise CommandError, and leave no partial file, if the backup fails."""
        file = back_up("tabunka")
        self.stdout.write(f"Backed up and checked: {file} ({file.stat().st_size:,} bytes)")


def back_up(name: str) -> Path:
    """Save the database in a new file `<name>-<city>-<UTC time>`, readable only by its owner; return its path."""
    save, ending = (_save_sqlite, "sqlite3") if connection.vendor == "sqlite" else (_save_postgresql, "dump")
    file = new_backup_path(name, ending)
    partial = file.with_name(f"{file.name}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        save(partial)
        _fsync(partial)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def new_backup_path(name: str, ending: str) -> Path:
    """Return the path for a new file, in a folder that only its owner can read."""
    folder = settings.VAR_DIR / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}-{settings.CITY.code}-{timezone.now():%Y%m%dT%H%M%SZ}.{ending}"
    if file.exists():
        raise CommandError(f"{file} was made within this second. Try again.")
    return file


def open_sqlite(file: Path, timeout: float) -> sqlite3.Connection:
    """Open an existing SQLite file; by default, sqlite3 would create a missing one."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=timeout)


def is_sound(database: sqlite3.Connection) -> bool:
    """Whether SQLite's integrity check passes."""
    try:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def run_postgresql_program(name: str, *arguments: str, connects: bool = True) -> None:
    """Run a PostgreSQL program on the portal's database, or without a database (`connects=False`)."""
    program = shutil.which(name)
    if program is None:
        raise CommandError(
            f"{name} is missing: apt-get install postgresql-client (not older than the server's PostgreSQL)."
        )
    # The password is in the environment, because everybody on the machine can read a process's arguments.
    command, secret = connection.client.settings_to_cmd_args_env(
        connection.settings_dict, ["--no-password", *arguments]
    )
    result = subprocess.run(  # noqa: S603  no user input
        [program, *(command[1:] if connects else arguments)],
        env={"PGCONNECT_TIMEOUT": "10", **os.environ, **(secret or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise CommandError(f"{name} failed:\n{result.stderr.strip()}")


def _save_sqlite(target: Path) -> None:
    """Save a consistent snapshot by SQLite's online backup, while others read and write."""
    source = Path(connection.settings_dict["NAME"])
    if not source.is_file():
        raise CommandError(f"There is no database at {source} yet.")
    try:
        with closing(open_sqlite(source, timeout=20)) as live, closing(open_sqlite(target, timeout=20)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no -wal beside it
            sound = is_sound(copy)
    except sqlite3.Error as error:
        raise CommandError(f"{source} could not be read: {error}.") from error
    if not sound:
        raise CommandError(f"{source} is damaged, and so would be its backup. Restore the last good one.")


def _save_postgresql(target: Path) -> None:
    """Save a consistent snapshot in pg_dump's custom format, then read it back to verify it."""
    run_postgresql_program("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    run_postgresql_program("pg_restore", f"--file={os.devnull}", str(target), connects=False)


def _fsync(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())
