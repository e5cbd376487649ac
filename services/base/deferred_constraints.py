"""Control over when the database takes its own locks."""

from django.db import connection


def check_constraints_now() -> None:
    """Check this transaction's deferred foreign keys now, not when it commits.

    PostgreSQL takes share locks on the referenced rows for that, so it waits for anybody who is changing one of them.
    Call this before you take a lock that they may be waiting for. SQLite has one writer at a time: nothing to do.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
