"""The contents of the database, and access to a person's own data."""

from django.db import connection

from tests.factories.accounts import PASSWORD


def whole_database() -> str:
    """Return every value in every table as text: what somebody with the database file would see."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)


def confirm_identity(client, user) -> None:
    """Sign in and enter the password again, as the "my data" page requires."""
    client.force_login(user)
    asked = client.get("/en/me/data/")
    assert asked.status_code == 302
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == "/en/me/data/"
