"""Encrypted model fields, for text that nobody may read in the database.

AES-256-GCM (NIST SP 800-38D) with a ring of keys, settings.RECORD_KEYS: the first key encrypts, all of them decrypt.
The model, the column and the row's public id are authenticated with the text, so a text moved to another row cannot be
decrypted. Stored bytes: 1 of version, 4 that name the key, 12 of nonce, then the ciphertext with its tag.

A row returns an `EncryptedText`, never the plain text: only `services.audit.decryption.decrypt_with_audit` decrypts it,
and it writes an audit entry.
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

from services.base.normalisation import search_key

VERSION = b"\x01"
KEY_NAME_LENGTH, NONCE_LENGTH = 4, 12
BATCH_SIZE = 100
LOCK_RETRY_SECONDS = 0.05
HEADER_LENGTH = len(VERSION) + KEY_NAME_LENGTH


class DecryptionError(Exception):
    """Raised if no key of the ring decrypts a text, or the text was encrypted for another place."""


@lru_cache(maxsize=4)
def _key_ring(keys: tuple[str, ...]) -> dict[bytes, bytes]:
    """The keys by name; the one that encrypts comes first."""
    decoded = [base64.urlsafe_b64decode(key) for key in keys]
    return {hashlib.sha256(key).digest()[:KEY_NAME_LENGTH]: key for key in decoded}


def encrypt(text: str, *, place: str) -> bytes:
    """Return the bytes to store. place: model, column and row, as needed again to decrypt them."""
    name, key = next(iter(_key_ring(settings.RECORD_KEYS).items()))
    nonce = os.urandom(NONCE_LENGTH)
    return VERSION + name + nonce + AESGCM(key).encrypt(nonce, text.encode(), place.encode())


def decrypt(stored: bytes, *, place: str) -> str:
    """Return the plain text of stored bytes. Raise `DecryptionError`.

    Only for `services.audit.decryption`, which writes an audit entry, and for the rotation of keys.
    """
    key = _key_ring(settings.RECORD_KEYS).get(stored[len(VERSION) : HEADER_LENGTH])
    if key is None or not stored.startswith(VERSION):
        raise DecryptionError(f"No key of the ring opens {place}.")
    nonce, text = stored[HEADER_LENGTH : HEADER_LENGTH + NONCE_LENGTH], stored[HEADER_LENGTH + NONCE_LENGTH :]
    try:
        return AESGCM(key).decrypt(nonce, text, place.encode()).decode()
    except InvalidTag as broken:
        raise DecryptionError(f"{place} was changed, or belongs elsewhere.") from broken


def uses_current_key(stored: bytes) -> bool:
    """Whether a text is encrypted under the first key of the ring."""
    return stored[len(VERSION) : HEADER_LENGTH] == next(iter(_key_ring(settings.RECORD_KEYS)))


def blind_index(text: str, purpose: str) -> str:
    """Return a code that finds equal text without revealing it (HMAC-SHA-256); "" for no text."""
    return _index(next(iter(_key_ring(settings.RECORD_KEYS).values())), text, purpose) if text else ""


def blind_indexes(text: str, purpose: str) -> list[str]:
    """Return every code that a text may be stored under while keys are being rotated."""
    return [_index(key, text, purpose) for key in _key_ring(settings.RECORD_KEYS).values()] if text else []


def _index(key: bytes, text: str, purpose: str) -> str:
    own = hmac.new(key, f"index of {purpose}".encode(), hashlib.sha256).digest()
    return hmac.new(own, search_key(text).encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class EncryptedText:
    """A row's encrypted text. Its `str` is a placeholder, for places that show it by mistake."""

    stored: bytes
    place: str

    def __bool__(self):
        return bool(self.stored)

    def __str__(self):
        return "[encrypted]" if self.stored else ""


class _EncryptedDescriptor(DeferredAttribute):
    def __get__(self, row, owner=None):
        value = super().__get__(row, owner)
        return EncryptedText(bytes(value), self.field.place_of(row)) if isinstance(value, bytes | memoryview) else value

    def __set__(self, row, value):
        row.__dict__[self.field.attname] = value  # a descriptor with a setter has precedence over the row's dictionary


class EncryptedTextField(models.BinaryField):
    """A column of encrypted text. Set a str; a row from the database returns an `EncryptedText`.

    The model needs a public_id. index: the column of the text's blind index, whose purpose is this column's name.
    """

    descriptor_class = _EncryptedDescriptor

    def __init__(self, *, index: str = "", **options):
        self.index = index
        options.update(default=b"", blank=True, editable=False)
        super().__init__(**options)

    def deconstruct(self):
        """Leave the options out that every such field has."""
        name, path, args, options = super().deconstruct()
        for ours in ("default", "blank", "editable"):
            options.pop(ours, None)
        return name, path, args, options

    def place_of(self, row: models.Model) -> str:
        """Return what a row's text is bound to: the model, the column and the row's public id."""
        return f"{row._meta.label_lower}.{self.attname}.{row.public_id}"

    def pre_save(self, row, add):
        """Encrypt a text set since the row was read; the row then returns an `EncryptedText`, as if read again."""
        value = getattr(row, self.attname)
        if isinstance(value, str):
            row.__dict__[self.attname] = encrypt(value, place=self.place_of(row)) if value else b""
        elif value.place != self.place_of(row):
            raise DecryptionError(f"{value.place} cannot be put into another place without being opened.")
        elif self.has_old_key(row):
            # The keys may have been rotated since the row was read. A text that cannot be decrypted stays as it is.
            with suppress(DecryptionError):
                self.reencrypt(row)
        return getattr(row, self.attname).stored

    def reencrypt(self, row) -> None:
        """Encrypt the row's text and its index under the first key, without saving. Raise `DecryptionError`."""
        value = getattr(row, self.attname)
        text = decrypt(value.stored, place=value.place)
        row.__dict__[self.attname] = encrypt(text, place=value.place)
        if self.index:
            setattr(row, self.index, blind_index(text, self.attname))

    def has_old_key(self, row) -> bool:
        """Whether the row's text is encrypted under another key than the first."""
        value = getattr(row, self.attname)
        return isinstance(value, EncryptedText) and bool(value) and not uses_current_key(value.stored)

    def clean(self, value, row):
        """Return the value unchanged: BinaryField would take text for base64."""
        return value

    def get_db_prep_value(self, value, connection, prepared=False):
        """Refuse anything but encrypted bytes: `update(note="…")` would store plain text."""
        if isinstance(value, str) or (value and bytes(value[:1]) != VERSION):
            raise TypeError(f"{self.attname} is encrypted: set it on the row and save the row.")
        return super().get_db_prep_value(value, connection, prepared)

    def value_to_string(self, row):
        """Return the encrypted text in base64, for fixtures."""
        value = getattr(row, self.attname)
        stored = value.stored if isinstance(value, EncryptedText) else self.pre_save(row, add=False)
        return base64.b64encode(stored).decode()


def encrypted_models() -> dict[type[models.Model], list[EncryptedTextField]]:
    """Return every model with encrypted columns, and these columns."""
    found = {
        model: [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        for model in apps.get_models()
    }
    return {model: fields for model, fields in found.items() if fields}


def rotate_keys(model: type[models.Model], fields: list[EncryptedTextField]) -> int:
    """Re-encrypt all texts of a model that are not under the first key; return how many. Can be stopped and restarted.

    Works in batches, each in a transaction of its own. Rows that somebody else has locked are skipped and tried again
    later, so this never waits while it holds a lock. Whatever others save in the meantime uses the first key anyway.
    """
    rows = model._base_manager.only("pk", "public_id", *[field.attname for field in fields]).order_by("pk")
    done, last, busy = 0, 0, set()
    while batch := list(rows.filter(pk__gt=last)[:BATCH_SIZE]):
        last, old = batch[-1].pk, _rows_under_old_keys(batch, fields)
        texts, reached = _reencrypt(rows.filter(pk__in=old), fields) if old else (0, set())
        done, busy = done + texts, busy | (old - reached)
    while busy := _rows_under_old_keys(rows.filter(pk__in=busy), fields):
        time.sleep(LOCK_RETRY_SECONDS)
        done += _reencrypt(rows.filter(pk__in=busy), fields)[0]
    return done


def _rows_under_old_keys(rows: Iterable[models.Model], fields: list[EncryptedTextField]) -> set[int]:
    """Return the keys of the rows that hold a text under another key than the first."""
    return {row.pk for row in rows if any(field.has_old_key(row) for field in fields)}


@transaction.atomic
def _reencrypt(rows: models.QuerySet, fields: list[EncryptedTextField]) -> tuple[int, set[int]]:
    """Re-encrypt the rows that nobody else has locked; return the number of texts and the keys of these rows."""
    done, reached = 0, set()
    for row in rows.select_for_update(skip_locked=True):
        old = [field for field in fields if field.has_old_key(row)]
        for field in old:
            field.reencrypt(row)
        names = {name for field in old for name in (field.attname, field.index) if name}
        if old:
            row.save(update_fields=names)
        done += len(old)
        reached.add(row.pk)
    return done, reached
