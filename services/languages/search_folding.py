"""How words are compared in search: what people type differently and mean alike is folded, never shown.

Beyond width, case and white space (`search_key`), which also names and codes are compared by:

- katakana and hiragana are one: ゴミ on a sign is ごみ in the text;
- Latin letters lose their accents, as on a keyboard without them: "rac thai" finds "rác thải". Danish æ, ø, å are
  ae, oe, aa;
- Arabic loses vowel signs, hamzas and tatweel; ta marbuta is ha and alef maqsura is ya, as they are often typed;
- Nepali loses the length of i and u, nukta, and the difference of ś, ṣ and s, of chandrabindu and anusvara;
- digits of any script are 0 to 9.

Folding may make two words one (Vietnamese "thuê" and "thuế"): a result too many, and the better one first, is better
than none.
"""

import re
import unicodedata

from services.base.hygiene import search_key

_KATAKANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "đ": "d", "ı": "i"})
_ARABIC = str.maketrans({"ة": "ه", "ى": "ي", "ٱ": "ا", "ی": "ي", "ک": "ك", "ـ": None})
_NEPALI = str.maketrans("ीूईऊशषँ", "िुइउसस\u0902")
_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966) for digit in range(10)}
_FOLDED = _KATAKANA | _LETTERS | _ARABIC | _NEPALI | _DIGITS | {0x200C: None, 0x200D: None}
# Latin accents, Arabic vowel signs and hamzas, nukta. Not the voicing of kana (か, が), which makes another letter.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u093c]")
_ARTICLE = re.compile("^ال(?=..)")


def folded(text: str) -> str:
    """The form in which search compares texts. Folding it again changes nothing."""
    # The letters first: taken apart, å would be an a with a mark.
    apart = unicodedata.normalize("NFD", search_key(text).translate(_FOLDED))
    return search_key(unicodedata.normalize("NFC", _MARKS.sub("", apart)))


def keys_of(typed: str, most: int = 10) -> list[str]:
    """What somebody typed, as the words to look for; Arabic ones without their article, so that both are found."""
    return [_ARTICLE.sub("", word) for word in folded(typed).split()[:most]]
