"""The order in which rows are locked, where the database would choose another."""

from django.db import connection


def look_at_references_now() -> None:
    """Have PostgreSQL look now at the rows to which this transaction's new rows refer, not when it commits.

    It locks those rows for that, so it waits for whoever is changing one of them. Call it before taking a lock for
    which that one may wait in turn. SQLite has one writer at a time, and no order.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
