"""Normalise typed text before anything else uses it.

The result is Unicode NFC, without control characters and with at least one visible character. ZWJ and ZWNJ stay in
names and prose (Persian and Nepali need them); `services.base.machine_text` removes them from what machines read.
Bidi controls (U+202A to 202E, 2066 to 2069) can make a line look like a different text (Unicode TR 36): they are
refused in single lines and removed from prose.
"""

import datetime
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

BIDI_CONTROLS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


INVISIBLE_LETTERS = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}  # letters by category, but shown as blanks


NONCHARACTERS = {"\ufffe", "\uffff"}  # not allowed in XML: one would break a feed for all its readers


MAX_COMBINING_MARKS = 30  # on one letter; no script needs more (Unicode Stream-Safe Text Format, UAX 15)


HIDDEN_MARKS = {"\u0f73", "\u0f75", "\u0f81"}  # Unicode counts them as combining only after NFC has decomposed them


FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)


def is_visible(text: str) -> bool:
    """Whether the text has a visible character: a letter, number, symbol or punctuation mark."""
    return any(unicodedata.category(letter)[0] in "LNPS" and letter not in INVISIBLE_LETTERS for letter in text)


def clean_line(text: str) -> str:
    """Return one line to store: NFC, white space collapsed. Raise ValidationError for forbidden characters."""
    text = _to_nfc(text)
    _refuse_control_characters(text)
    if any(character in BIDI_CONTROLS for character in text):
        raise ValidationError(_("Remove the hidden characters that change the direction of the text."), code="bidi")
    return _require_visible(" ".join(text.split()))


def clean_prose(text: str) -> str:
    """Return several lines to store: NFC, Unix line ends, no bidi controls. Refuse other controls (ValidationError)."""
    text = _to_nfc(text).replace("\r\n", "\n").replace("\r", "\n")
    _refuse_control_characters(text.replace("\n", "").replace("\t", ""))
    return _require_visible("".join(character for character in text if character not in BIDI_CONTROLS).strip())


def search_key(text: str) -> str:
    """Return the form in which texts are compared, never shown: NFKC, case folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _to_nfc(text: str) -> str:
    """Return the text in NFC. Refuse heaps of marks first: NFC sorts them in quadratic time, minutes for a megabyte."""
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) or character in HIDDEN_MARKS else 0
        if marks > MAX_COMBINING_MARKS:
            raise ValidationError(
                _("This text contains characters that cannot be saved. Enter it again without them."), code="broken"
            )
    return unicodedata.normalize("NFC", text)


def _refuse_control_characters(text: str) -> None:
    others = set(text) - set("\n\r\t")
    if any(character in NONCHARACTERS or unicodedata.category(character) in {"Cc", "Cs"} for character in others):
        raise ValidationError(
            _("This text contains characters that cannot be saved. Enter it again without them."), code="broken"
        )


def _require_visible(text: str) -> str:
    if text and not is_visible(text):
        raise ValidationError(_("Enter at least one visible character."), code="invisible")
    return text
