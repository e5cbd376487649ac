"""Public ids for URLs: 128 random bits, so that nobody can count or guess them."""

import secrets

from django.db import models


def public_id() -> str:
    """Return a new id of 22 letters, digits, `-` and `_` (RFC 4648 base64url) that does not start with `-`.

    Spreadsheets take a leading `-` for a formula, so our exports would have to escape the id.
    """
    while (new_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return new_id


class PublicIdField(models.CharField):
    """A column for a public id: unique, generated once, never edited."""

    def __init__(self, **options):
        options.update(max_length=22, unique=True, default=public_id, editable=False)
        super().__init__(**options)

    def deconstruct(self):
        """Leave the options out that every such field has."""
        name, path, args, options = super().deconstruct()
        for ours in ("max_length", "unique", "default", "editable"):
            options.pop(ours, None)
        return name, path, args, options
