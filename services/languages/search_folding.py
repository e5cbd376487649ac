"""Fold spelling variants for search: the result is only compared, never shown.

In addition to width, case and white space (`search_key`, which names and codes are also compared by):

- katakana becomes hiragana: ゴミ on a sign finds ごみ in the text;
- Latin letters lose their accents, as on a keyboard without them: "rac thai" finds "rác thải". Danish æ, ø, å become
  ae, oe, aa;
- Arabic loses vowel signs, hamzas and tatweel; ta marbuta becomes ha and alef maqsura ya, as they are often typed;
- Nepali loses the length of i and u, nukta, and the distinctions of ś, ṣ and s, and of chandrabindu and anusvara;
- digits of any script become 0 to 9.

Different words can become equal (Vietnamese "thuê" and "thuế"): an extra result, ranked lower, is better than a
missing one.
"""

import re
import unicodedata

from services.base.normalisation import search_key

_KATAKANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "đ": "d", "ı": "i"})
_ARABIC = str.maketrans({"ة": "ه", "ى": "ي", "ٱ": "ا", "ی": "ي", "ک": "ك", "ـ": None})
_NEPALI = str.maketrans("ीूईऊशषँ", "िुइउसस\u0902")
_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966) for digit in range(10)}
_FOLDED = _KATAKANA | _LETTERS | _ARABIC | _NEPALI | _DIGITS | {0x200C: None, 0x200D: None}
# Latin accents, Arabic vowel signs and hamzas, nukta. Not the voicing mark of kana: か and が are different letters.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u093c]")
_ARTICLE = re.compile("^ال(?=..)")


def fold_for_search(text: str) -> str:
    """Return the form in which search compares texts. Idempotent."""
    # Letters first: decomposed, å would be an a with a mark.
    decomposed = unicodedata.normalize("NFD", search_key(text).translate(_FOLDED))
    return search_key(unicodedata.normalize("NFC", _MARKS.sub("", decomposed)))


def folded_search_words(typed: str, most: int = 10) -> list[str]:
    """Split a query into at most `most` folded words. Arabic words lose their article, to match with and without it."""
    return [_ARTICLE.sub("", word) for word in fold_for_search(typed).split()[:most]]
