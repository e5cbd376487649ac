"""What typed text has to be before anything looks at it.

Unicode NFC, no control characters, at least one mark that can be seen. ZWJ and ZWNJ stay in
names and prose (Persian and Nepali need them) and go from e-mail addresses, codes and numbers.
Bidi controls (U+202A to 202E, 2066 to 2069) are refused in one line and dropped in prose: they can
make a line read as something else than it says (Unicode TR 36).
"""

import datetime
import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

BIDI_CONTROLS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
JOINERS = {"\u200c", "\u200d"}
INVISIBLE_LETTERS = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}  # letters by category, blank to the eye
NO_CHARACTERS = {"\ufffe", "\uffff"}  # no XML may hold them: one would break a feed for all its readers
MOST_MARKS = 30  # on one letter; Unicode's Stream-Safe Text Format (UAX 15) says that no writing needs more
HIDDEN_MARKS = {"\u0f73", "\u0f75", "\u0f81"}  # not counted as marks by Unicode until NFC takes them apart
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)
LARGEST_NUMBER = 2**31 - 1


def is_visible(text: str) -> bool:
    """Whether anything in the text can be seen: a letter, number, sign or punctuation."""
    return any(unicodedata.category(mark)[0] in "LNPS" and mark not in INVISIBLE_LETTERS for mark in text)


def clean_line(text: str) -> str:
    """One line as it is kept: NFC, white space folded. Raises ValidationError for what must not be."""
    text = _composed(text)
    _refuse_broken(text)
    if any(mark in BIDI_CONTROLS for mark in text):
        raise ValidationError(_("Please remove the invisible marks that change the direction of writing."), code="bidi")
    return _insist_visible(" ".join(text.split()))


def clean_prose(text: str) -> str:
    """Several lines as they are kept: NFC, Unix line ends, no bidi controls, no other controls."""
    text = _composed(text).replace("\r\n", "\n").replace("\r", "\n")
    _refuse_broken(text.replace("\n", "").replace("\t", ""))
    return _insist_visible("".join(mark for mark in text if mark not in BIDI_CONTROLS).strip())


def clean_code(text: str) -> str:
    """A code, e-mail address or number: as a line, without any joiner."""
    return clean_line("".join(mark for mark in text if mark not in JOINERS))


def search_key(text: str) -> str:
    """The form in which texts are compared, never shown: NFKC, case folded, white space folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _composed(text: str) -> str:
    """NFC. Heaps of marks are refused first: NFC sorts them in quadratic time, minutes for a megabyte."""
    marks = 0
    for mark in text:
        marks = marks + 1 if unicodedata.combining(mark) or mark in HIDDEN_MARKS else 0
        if marks > MOST_MARKS:
            raise ValidationError(
                _("This text holds characters that cannot be kept. Please type it again."), code="broken"
            )
    return unicodedata.normalize("NFC", text)


def _refuse_broken(text: str) -> None:
    others = set(text) - set("\n\r\t")
    if any(mark in NO_CHARACTERS or unicodedata.category(mark) in {"Cc", "Cs"} for mark in others):
        raise ValidationError(_("This text holds characters that cannot be kept. Please type it again."), code="broken")


def _insist_visible(text: str) -> str:
    if text and not is_visible(text):
        raise ValidationError(_("Please write something that can be seen."), code="invisible")
    return text


class LineField(forms.CharField):
    """One line of text that a person types: a name, a title, a question."""

    def to_python(self, value):
        """Clean before the length is measured."""
        value = super().to_python(value)
        return clean_line(value) if value else value


class ProseField(forms.CharField):
    """Several lines of text that a person types."""

    widget = forms.Textarea

    def to_python(self, value):
        """Clean before the length is measured."""
        value = super().to_python(value)
        return clean_prose(value) if value else value


class NumberField(forms.IntegerField):
    """A whole number that every column can hold."""

    default_validators = [MinValueValidator(-LARGEST_NUMBER), MaxValueValidator(LARGEST_NUMBER)]


class DayField(forms.DateField):
    """A day between 1900 and 2100."""

    default_validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
