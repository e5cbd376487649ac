"""Ids that may stand in an address: 128 random bits, so that nobody can count or guess them."""

import secrets

from django.db import models


def public_id() -> str:
    """A new id of 22 letters, digits, `-` and `_` (RFC 4648 base64url); the first is no `-`.

    With that a spreadsheet would take it for a formula, and so our own files would not give it as it is.
    """
    while (made := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return made


class PublicIdField(models.CharField):
    """The column of a public id: made once, never edited, unique."""

    def __init__(self, **options):
        options.update(max_length=22, unique=True, default=public_id, editable=False)
        super().__init__(**options)

    def deconstruct(self):
        """For migrations: only what a caller could have set."""
        name, path, args, options = super().deconstruct()
        for ours in ("max_length", "unique", "default", "editable"):
            options.pop(ours, None)
        return name, path, args, options
