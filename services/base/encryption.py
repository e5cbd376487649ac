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
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.query_utils import DeferredAttribute

from services.base.hygiene import search_key

VERSION = b"\x01"
KEY_NAME, NONCE = 4, 12
AT_ONCE = 100
PAUSE = 0.05  # seconds, until somebody has let go of a row
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
        """Seal what was set since the row was read; from now on the row hands out a `Sealed`, as one that was read."""
        value = getattr(row, self.attname)
        if isinstance(value, str):
            row.__dict__[self.attname] = seal(value, place=self.place_of(row)) if value else b""
        elif value.place != self.place_of(row):
            raise CannotBeOpened(f"{value.place} cannot be put into another place without being opened.")
        elif self.is_old(row):
            # A change of keys may have been here since the row was read. What nobody can open stays as it is.
            with suppress(CannotBeOpened):
                self.change_key(row)
        return getattr(row, self.attname).stored

    def change_key(self, row) -> None:
        """Seal the row's text anew under the first key; its index too. Raises CannotBeOpened. Nothing is saved."""
        value = getattr(row, self.attname)
        words = unseal(value.stored, place=value.place)
        row.__dict__[self.attname] = seal(words, place=value.place)
        if self.index:
            setattr(row, self.index, blind_index(words, self.attname))

    def is_old(self, row) -> bool:
        """Whether the row's text is under another key than the first."""
        value = getattr(row, self.attname)
        return isinstance(value, Sealed) and bool(value) and not is_under_first_key(value.stored)

    def clean(self, value, row):
        """Nothing to validate; BinaryField would take words for base64."""
        return value

    def get_db_prep_value(self, value, connection, prepared=False):
        """Only sealed bytes: `update(note="…")` would write words for everybody to read."""
        if isinstance(value, str) or (value and bytes(value[:1]) != VERSION):
            raise TypeError(f"{self.attname} is sealed: set it on the row and save the row.")
        return super().get_db_prep_value(value, connection, prepared)

    def value_to_string(self, row):
        """As fixtures write it: sealed."""
        value = getattr(row, self.attname)
        stored = value.stored if isinstance(value, Sealed) else self.pre_save(row, add=False)
        return base64.b64encode(stored).decode()


def sealed_models() -> dict[type[models.Model], list[SealedField]]:
    """Every model with sealed texts, and its columns of them."""
    found = {
        model: [field for field in model._meta.concrete_fields if isinstance(field, SealedField)]
        for model in apps.get_models()
    }
    return {model: fields for model, fields in found.items() if fields}


def change_keys(model: type[models.Model], fields: list[SealedField]) -> int:
    """Seal anew under the ring's first key what is under another; how many texts. Stopped and begun again, it goes on.

    A batch is locked, read, written, let go of. What somebody else holds is passed over and comes later, so that this
    waits for nobody while it holds a row; what they write meanwhile stays, under the first key as all that is written.
    """
    rows = model._base_manager.only("pk", "public_id", *[field.attname for field in fields]).order_by("pk")
    done, last, busy = 0, 0, set()
    while batch := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last, old = batch[-1].pk, _old_keys(batch, fields)
        texts, reached = _change(rows.filter(pk__in=old), fields) if old else (0, set())
        done, busy = done + texts, busy | (old - reached)
    while busy := _old_keys(rows.filter(pk__in=busy), fields):
        time.sleep(PAUSE)
        done += _change(rows.filter(pk__in=busy), fields)[0]
    return done


def _old_keys(rows: Iterable[models.Model], fields: list[SealedField]) -> set[int]:
    """The rows that hold a text under another key than the first."""
    return {row.pk for row in rows if any(field.is_old(row) for field in fields)}


@transaction.atomic
def _change(rows: models.QuerySet, fields: list[SealedField]) -> tuple[int, set[int]]:
    """Change the keys of those rows that nobody else holds now: how many texts, and which rows those were."""
    done, reached = 0, set()
    for row in rows.select_for_update(skip_locked=True):
        old = [field for field in fields if field.is_old(row)]
        for field in old:
            field.change_key(row)
        names = {name for field in old for name in (field.attname, field.index) if name}
        if old:
            row.save(update_fields=names)
        done += len(old)
        reached.add(row.pk)
    return done, reached
