"""Fixtures for the portal's tests."""

import pytest
from django.db import connection


@pytest.fixture
def unreachable_database(transactional_db):
    """Make the database unreachable until the test ends."""
    connection.close()
    kept = dict(connection.settings_dict)
    connection.settings_dict.update({"NAME": "/nowhere/at/all/db.sqlite3", "PORT": "1"})
    yield
    connection.close()
    connection.settings_dict.update(kept)
