"""Fold spelling variants for search: the result is only compared, never shown.

Texts and queries are folded letter by letter, so a part of a text stays a part of the folded text. In addition to
width, case and white space (`search_key`, which names and codes are also compared by):

- quotation marks, apostrophes and hyphens are removed: "iba’t" finds "iba't", "email" finds "e-mail";
- katakana becomes hiragana: ゴミ on a sign finds ごみ in the text;
- Latin letters lose their accents, as on a keyboard without them: "rac thai" finds "rác thải", "ar" finds "år";
- traditional Chinese characters become simplified, and spaces between Chinese characters or Hangul are removed;
- Arabic loses vowel signs, hamzas and tatweel; ta marbuta becomes ha and alef maqsura ya, as they are often typed;
- Nepali loses the length of i and u, nukta, chandrabindu and anusvara, and the distinctions of ś, ṣ and s;
- digits of any script become 0 to 9.

What depends on the letters around it is not folded: each word of a query gets alternatives instead, the word as typed
always among them, so an exact match is never lost.

Different words can become equal (Vietnamese "thuê" and "thuế"): an extra result, ranked lower, is better than a
missing one.
"""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from services.base.normalisation import search_key

Alternatives = tuple[str, ...]

MAX_ALTERNATIVES = 12  # of one word: each is a comparison with every text


def _lines(name: str) -> list[list[str]]:
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


_HYPHENS = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = "'\"`´‘’‚‛“”„‟′″‵«»‹›ʼʻʹʾʿ＇＂「」『』｢｣《》〈〉"
_PUNCTUATION = str.maketrans(dict.fromkeys(_HYPHENS + _QUOTES))
_WITHOUT_QUOTES = str.maketrans(dict.fromkeys(_QUOTES))
_HANZI = {ord(pair[0]): pair[1] for line in _lines("traditional_chinese.txt") for pair in line}
_KATAKANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "đ": "d", "ı": "i"})
_ARABIC = str.maketrans({"ة": "ه", "ى": "ي", "ٱ": "ا", "ی": "ي", "ک": "ك", "ـ": None, "ء": None})
_NEPALI = str.maketrans("ीूईऊशष", "िुइउसस", "ँ\u0902")
_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966) for digit in range(10)}
_FOLDED = _HANZI | _KATAKANA | _LETTERS | _ARABIC | _NEPALI | _DIGITS | _PUNCTUATION | {0x200C: None, 0x200D: None}
# Latin accents, Arabic vowel signs and hamzas, nukta. Not the voicing mark of kana: か and が are different letters.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u093c]")
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々"
_INNER_SPACE = re.compile(f"(?<=[{_HAN}가-힣]) (?=[{_HAN}가-힣])")

# The article behind and, then, with, like, for; or one such letter before a long word.
_PARTICLE = re.compile("^(?:ال(?=..)|[وف]?(?:[بك]?ال|لل)(?=...)|[وفبلك](?=.{5}))")
_OKURIGANA = "[っわらかさたなま]?[いきしちにみりぎじびえけせてめれげべ]"
_COMPOUND = re.compile(f"[{_HAN}]+(?:(?:{_OKURIGANA}|っ)[{_HAN}]+)+")
_INNER_OKURIGANA = re.compile(f"(?<=[{_HAN}])(?:{_OKURIGANA}|っ)(?=[{_HAN}])")
_LAST_OKURIGANA = re.compile(f"(?<=[{_HAN}]{{2}}){_OKURIGANA}(?![ぁ-ゖ])")
_LONG_MARK = re.compile("(?<=[ァ-ヺー]{2})ー(?![ァ-ヺー])|(?<=[0-9A-Za-z])ー")
_NO_LONG_MARK = re.compile("(?<=[ァ-ヺー]{2}[ァ-ヺ])(?![ァ-ヺー])")
_NASAL = re.compile("[ङञणनम]\u094d(?=[क-म])")
_FINALS = dict(
    zip("ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", map(chr, range(0x11A8, 0x11C3)), strict=True)
)
_FINAL = re.compile(f"(?<=[가-힣ㅏ-ㅣ])[{''.join(_FINALS)}](?![ㅏ-ㅣ])")
_SPELLINGS = [
    sorted((spelling.translate(_KATAKANA) for spelling in line), key=len, reverse=True)
    for line in _lines("japanese_spellings.txt")
]


def fold_for_search(text: str) -> str:
    """Return the form in which search compares texts. Idempotent."""
    # Letters first: decomposed, ø and đ would be kept.
    decomposed = unicodedata.normalize("NFD", search_key(text.translate(_PUNCTUATION)).translate(_FOLDED))
    folded = search_key(unicodedata.normalize("NFC", _MARKS.sub("", decomposed)))
    return _INNER_SPACE.sub("", folded)


def searchable_text(text: str) -> str:
    """Return the folded text to store or compare queries with, followed by its short spellings.

    Short are Japanese compounds without okurigana and Nepali words with anusvara for a nasal consonant.
    """
    folded = fold_for_search(text)
    short = [_without_okurigana(compound) for compound in _COMPOUND.findall(folded)]
    short += [_NASAL.sub("", word) for word in folded.split() if _NASAL.search(word)]
    return " ".join([folded, *dict.fromkeys(short)])


def folded_search_words(typed: str, most: int = 10) -> list[Alternatives]:
    """Split a query into at most `most` words, each as its folded alternatives. A text must contain one of each."""
    words = map(_alternatives, typed.translate(_WITHOUT_QUOTES).split())
    return [word for word in words if word][:most]


def _alternatives(word: str) -> Alternatives:
    """Return the folded spellings of a word, the one that was typed first; none for punctuation alone."""
    spellings = [unicodedata.normalize("NFKC", it) for it in (word, _with_final_consonants(word))]
    for respell in _RESPELLINGS:
        spellings += [other for spelling in spellings for other in respell(spelling)]
        spellings = list(dict.fromkeys(spellings))
    folded = dict.fromkeys(filter(None, map(fold_for_search, spellings)))
    return tuple(folded)[:MAX_ALTERNATIVES]


def _japanese_spellings(word: str) -> list[str]:
    """Return the word with each other spelling of a Japanese word in it."""
    word = word.translate(_KATAKANA)
    return [
        word.replace(known, other)
        for line in _SPELLINGS
        if (known := next((spelling for spelling in line if spelling in word), None))
        for other in line
        if other != known
    ]


def _without_okurigana(text: str) -> str:
    return _LAST_OKURIGANA.sub("", _INNER_OKURIGANA.sub("", text))


def _danish_letters(word: str) -> list[str]:
    """Return å and ø as two letters, and two letters as one: a text may have either."""
    small = word.casefold()
    two, one = small.replace("å", "aa").replace("ø", "oe"), small.replace("aa", "å").replace("oe", "ø")
    return [two, one]


def _with_final_consonants(word: str) -> str:
    """Return the word with Korean consonants that stand alone at the end of a syllable as part of it."""
    return _FINAL.sub(lambda final: _FINALS[final[0]], word)


_RESPELLINGS: list[Callable[[str], list[str]]] = [
    lambda word: [re.sub(f"[{re.escape(_HYPHENS)}]+", " ", word)],  # a text may have two words
    lambda word: [_without_okurigana(word)],
    lambda word: [_LONG_MARK.sub("", word), _NO_LONG_MARK.sub("ー", word)],
    _japanese_spellings,
    _danish_letters,
    lambda word: [_PARTICLE.sub("", fold_for_search(word))],
    lambda word: [_NASAL.sub("", word)],
]
