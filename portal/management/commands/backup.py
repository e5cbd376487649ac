"""manage.py backup: the whole database in one file that only its owner can read.

The portal may go on working meanwhile. Whatever it keeps stands in the database, so this one file is all
of it, except for the two secrets of the environment.
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
    """Writes and checks one back-up."""

    help = "Write the whole database into one new file in VAR_DIR/backups, and check it."
    requires_system_checks = []  # a portal that cannot start must still be able to save what it has

    def handle(self, *args, **options):
        """Say where the file is. Raises CommandError, and leaves no half of a file, if it could not be made."""
        file = back_up("tabunka")
        self.stdout.write(f"Backed up and checked: {file} ({file.stat().st_size:,} bytes)")


def back_up(name: str) -> Path:
    """Write the database into a new file `<name>-<city>-<UTC time>`, readable by its owner alone."""
    save, ending = (_save_sqlite, "sqlite3") if connection.vendor == "sqlite" else (_save_postgresql, "dump")
    file = place_for(name, ending)
    partial = file.with_name(f"{file.name}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        save(partial)
        _force_to_disk(partial)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def place_for(name: str, ending: str) -> Path:
    """Where a file of this moment goes, in a folder that is its owner's alone."""
    folder = settings.VAR_DIR / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}-{settings.CITY.code}-{timezone.now():%Y%m%dT%H%M%SZ}.{ending}"
    if file.exists():
        raise CommandError(f"{file} was made within this second. Try again.")
    return file


def open_sqlite(file: Path, timeout: float) -> sqlite3.Connection:
    """An existing SQLite file; sqlite3 alone would make a missing one."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=timeout)


def is_sound(database: sqlite3.Connection) -> bool:
    """Whether SQLite finds nothing wrong with any page of the file."""
    try:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def run_postgresql_program(name: str, *words: str, connects: bool = True) -> None:
    """Run one of PostgreSQL's own programs on the portal's database, or without one (`connects`)."""
    program = shutil.which(name)
    if program is None:
        raise CommandError(
            f"{name} is missing: apt-get install postgresql-client (not older than the server's PostgreSQL)."
        )
    # The password goes by the environment: arguments can be read by everybody on the machine.
    told, secret = connection.client.settings_to_cmd_args_env(connection.settings_dict, ["--no-password", *words])
    ended = subprocess.run(  # noqa: S603  our own words
        [program, *(told[1:] if connects else words)],
        env={"PGCONNECT_TIMEOUT": "10", **os.environ, **(secret or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise CommandError(f"{name} failed:\n{ended.stderr.strip()}")


def _save_sqlite(target: Path) -> None:
    """SQLite's online back-up: one moment of the database, while others read and write."""
    source = Path(connection.settings_dict["NAME"])
    if not source.is_file():
        raise CommandError(f"There is no database at {source} yet.")
    try:
        with closing(open_sqlite(source, timeout=20)) as live, closing(open_sqlite(target, timeout=20)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no -wal beside it
            sound = is_sound(copy)
    except sqlite3.Error as fault:
        raise CommandError(f"{source} could not be read: {fault}.") from fault
    if not sound:
        raise CommandError(f"{source} is damaged, and so would be its back-up. Restore the last good one.")


def _save_postgresql(target: Path) -> None:
    """pg_dump's own format: one moment of the database; then read back to its last byte."""
    run_postgresql_program("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    run_postgresql_program("pg_restore", f"--file={os.devnull}", str(target), connects=False)


def _force_to_disk(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())
