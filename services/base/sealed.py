"""Texts that must not be read in the database: encrypted in their column, bound to their row.

AES-256-GCM (NIST SP 800-38D) under a ring of keys, settings.RECORD_KEYS: the first one writes, all of them read. The
model, the column and the row's public id are bound in, so that a text moved to another row does not open.
A sealed text: one byte of version, four that name the key, twelve of nonce, then the text with its tag.

A row hands out a `Sealed`, never the words: `services.audit.opening.open_sealed` alone opens it, and leaves a line.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from services.base.hygiene import search_key

VERSION = b"\x01"
KEY_NAME, NONCE = 4, 12
AT_ONCE = 200
HEAD = len(VERSION) + KEY_NAME


class CannotBeOpened(Exception):
    """No key of the ring opens this text, or it is not where it was sealed."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> dict[bytes, bytes]:
    """The keys by their names, the one that writes first."""
    decoded = [base64.urlsafe_b64decode(key) for key in keys]
    return {hashlib.sha256(key).digest()[:KEY_NAME]: key for key in decoded}


def seal(text: str, *, place: str) -> bytes:
    """The text as it is stored. place: where it stands, needed again to open it."""
    name, key = next(iter(_ring(settings.RECORD_KEYS).items()))
    nonce = os.urandom(NONCE)
    return VERSION + name + nonce + AESGCM(key).encrypt(nonce, text.encode(), place.encode())


def unseal(sealed: bytes, *, place: str) -> str:
    """The text behind what is stored. Raises CannotBeOpened. For who leaves a line, and for a change of keys."""
    key = _ring(settings.RECORD_KEYS).get(sealed[len(VERSION) : HEAD])
    if key is None or not sealed.startswith(VERSION):
        raise CannotBeOpened(f"No key of the ring opens {place}.")
    nonce, text = sealed[HEAD : HEAD + NONCE], sealed[HEAD + NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, text, place.encode()).decode()
    except InvalidTag as broken:
        raise CannotBeOpened(f"{place} was changed, or belongs elsewhere.") from broken


def is_under_first_key(sealed: bytes) -> bool:
    """Whether a change of keys has reached this text already."""
    return sealed[len(VERSION) : HEAD] == next(iter(_ring(settings.RECORD_KEYS)))


def blind_index(text: str, purpose: str) -> str:
    """A code by which the same text is found again without anybody being able to read it (HMAC-SHA-256)."""
    return _index(next(iter(_ring(settings.RECORD_KEYS).values())), text, purpose) if text else ""


def blind_indexes(text: str, purpose: str) -> list[str]:
    """The codes that a text may be stored under while a change of keys is on its way."""
    return [_index(key, text, purpose) for key in _ring(settings.RECORD_KEYS).values()] if text else []


def _index(key: bytes, text: str, purpose: str) -> str:
    own = hmac.new(key, f"index of {purpose}".encode(), hashlib.sha256).digest()
    return hmac.new(own, search_key(text).encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text of a row that is closed: it says so wherever it is shown by mistake."""

    stored: bytes
    place: str

    def __bool__(self):
        return bool(self.stored)

    def __str__(self):
        return "[sealed]" if self.stored else ""


class _Closed(DeferredAttribute):
    def __get__(self, row, owner=None):
        value = super().__get__(row, owner)
        return Sealed(bytes(value), self.field.place_of(row)) if isinstance(value, bytes | memoryview) else value

    def __set__(self, row, value):
        row.__dict__[self.field.attname] = value  # with a setter, the row's own dictionary no longer goes first


class SealedField(models.BinaryField):
    """The column of a sealed text. Set a str; what comes from the database is a `Sealed`. Needs the row's public_id.

    index: the column of the text's blind index, whose purpose is this column's name.
    """

    descriptor_class = _Closed

    def __init__(self, *, index: str = "", **options):
        self.index = index
        options.update(default=b"", blank=True, editable=False)
        super().__init__(**options)

    def deconstruct(self):
        """For migrations: nothing that a caller could have set."""
        name, path, args, options = super().deconstruct()
        for ours in ("default", "blank", "editable"):
            options.pop(ours, None)
        return name, path, args, options

    def place_of(self, row: models.Model) -> str:
        """What binds a text to its row."""
        return f"{row._meta.label_lower}.{self.attname}.{row.public_id}"

    def pre_save(self, row, add):
        """Seal what was set since the row was read."""
        value = row.__dict__.get(self.attname, b"")
        if isinstance(value, Sealed):
            return value.stored if value.place == self.place_of(row) else _refuse_moved(value)
        if isinstance(value, str):
            return seal(value, place=self.place_of(row)) if value else b""
        return value

    def get_db_prep_value(self, value, connection, prepared=False):
        """Only sealed bytes: `update(note="…")` would write words for everybody to read."""
        if isinstance(value, str):
            raise TypeError(f"{self.attname} is sealed: set it on the row and save the row.")
        return super().get_db_prep_value(value, connection, prepared)

    def value_to_string(self, row):
        """As fixtures write it: sealed."""
        return base64.b64encode(self.pre_save(row, add=False)).decode()


def _refuse_moved(value: Sealed) -> bytes:
    raise CannotBeOpened(f"{value.place} cannot be put into another place without being opened.")


def sealed_models() -> dict[type[models.Model], list[SealedField]]:
    """Every model with sealed texts, and its columns of them."""
    found = {
        model: [field for field in model._meta.concrete_fields if isinstance(field, SealedField)]
        for model in apps.get_models()
    }
    return {model: fields for model, fields in found.items() if fields}


def change_keys(model: type[models.Model], fields: list[SealedField]) -> int:
    """Seal anew under the ring's first key what is under another; how many texts. Stopped and begun again, it goes on.

    Each row by itself, and only if nobody has written it meanwhile: whoever does writes under the first key anyway.
    """
    done, last = 0, 0
    while rows := list(model._base_manager.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        done += sum(_change_key(row, field) for row in rows for field in fields)
        last = rows[-1].pk
    return done


def _change_key(row: models.Model, field: SealedField) -> int:
    closed = getattr(row, field.attname)
    if not closed or is_under_first_key(closed.stored):
        return 0
    words = unseal(closed.stored, place=closed.place)
    new = {field.attname: seal(words, place=closed.place)}
    if field.index:
        new[field.index] = blind_index(words, field.attname)
    return type(row)._base_manager.filter(pk=row.pk, **{field.attname: closed.stored}).update(**new)
