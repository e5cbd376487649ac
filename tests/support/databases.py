"""The test database: migrated once per run, with a copy for every process of the run."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction

MIGRATED = "tabunka_migrated"


@contextlib.contextmanager
def own_copy(process: str) -> Iterator[None]:
    """Point Django at this process's copy. The first process to get here migrates; the others wait for it.

    process: a name that is unique in the run.
    """
    folder = Path(os.environ["TEST_RUN_DIRECTORY"])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed, even if this process dies
        copy = _copied_file if connection.vendor == "sqlite" else _copied_database
        name = copy(folder, f"tabunka_{process}")
    _point_at(name)
    try:
        yield
    finally:
        connection.close()


@contextlib.contextmanager
def loaded_for_many(blocker, load: Callable[[], None]) -> Iterator[None]:
    """Call `load` to write rows for all tests of a module; the changes of a test are rolled back when it ends.

    blocker: pytest-django's, which blocks database access in tests that have not asked for it.
    """
    whole = transaction.atomic()
    with blocker.unblock():
        whole.__enter__()
        load()
    try:
        yield
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            whole.__exit__(None, None, None)


def _point_at(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _migrate(name: str) -> None:
    _point_at(name)
    call_command("migrate", verbosity=0)
    connection.close()


def copy_migrated_to(folder: Path) -> None:
    """Put a copy of the run's migrated SQLite database where a portal with VAR_DIR `folder` expects its database.

    It must have been migrated before: ask for pytest-django's fixture `django_db_setup`.
    """
    shutil.copyfile(Path(os.environ["TEST_RUN_DIRECTORY"], f"{MIGRATED}.sqlite3"), folder / "tabunka.sqlite3")


def _copied_file(folder: Path, name: str) -> str:
    migrated, own = folder / f"{MIGRATED}.sqlite3", folder / f"{name}.sqlite3"
    if not migrated.exists():
        half = migrated.with_suffix(".half")
        half.unlink(missing_ok=True)
        _migrate(str(half))
        half.rename(migrated)  # closing the last connection moved everything into one file (sqlite.org/wal.html)
    shutil.copyfile(migrated, own)
    return str(own)


def _copied_database(_folder: Path, name: str) -> str:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        if MIGRATED not in {row[0] for row in cursor.fetchall()}:
            cursor.execute(f"DROP DATABASE IF EXISTS {MIGRATED}_half")
            cursor.execute(f"CREATE DATABASE {MIGRATED}_half")
            _migrate(f"{MIGRATED}_half")
            cursor.execute(f"ALTER DATABASE {MIGRATED}_half RENAME TO {MIGRATED}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED}")
    return name
