"""Find dates, times, numbers, phone numbers and links that differ between a text and its translation.

Used for warnings before a text is sent. It avoids false alarms only where a missed difference could not send anybody
to the wrong day. Every pattern is bounded or starts where the previous one ended, so the time is linear.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.utils import dates, translation

from services.base.machine_text import ERAS, phone_key, year_of_era
from services.languages.furigana import strip_readings

_KINDS = ("link", "phone", "date", "time", "number")
_MAX_LENIENT_NUMBER = 10
_EXTRACTED = " \x1f "  # replaces each mention found, so that later patterns do not match across it


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """The differences of one kind: link, phone, date, time or number.

    `missing` is in the source only, `added` in the translation only; both are normalised and sorted
    (`2026-03-01`, `03-01`, a month alone `03`, `14:00`, `1000`, `0357441111`).
    """

    kind: str
    missing: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a mention. `detail` is what some texts leave out: the year, or the half of the day."""

    value: tuple
    detail: int | None = None


@dataclass(frozen=True, slots=True)
class _Mention:
    """A date, time, number, phone number or link in a text.

    One of its `readings` must be found in the other text. `weak_readings` only match the other text's readings.
    """

    kind: str
    shown: str
    readings: tuple[_Reading, ...]
    weak_readings: tuple[_Reading, ...] = ()


def find_inconsistencies(source: str, translation: str, *, source_language: str, language: str) -> list[Inconsistency]:
    """Return the differences between two texts (Markdown or plain, with furigana); empty if they agree.

    Repetitions count once. Links, phone numbers, dates and times must agree, but a year or a half of the day that only
    one text states is no difference, nor is a weekday; the portal's own links may lead to different languages. Numbers
    above ten must agree. Up to ten, many languages write words ("two employers"), so small numbers differ only if each
    text has one that the other lacks (4 became 5). Words from one to twelve match the numbers that they name (Arabic
    شهران is two months), but need no number in the other text. Placeholders `{name}` and list numbering are ignored.
    Never raises.
    """
    ours, theirs = _find_mentions(source, source_language), _find_mentions(translation, language)
    missing, added = _without_counterpart(ours, theirs), _without_counterpart(theirs, ours)
    found = (_difference(kind, missing, added) for kind in _KINDS)
    return [difference for difference in found if difference.missing or difference.added]


def _difference(kind: str, missing: list[_Mention], added: list[_Mention]) -> Inconsistency:
    missing, added = _of_kind(kind, missing), _of_kind(kind, added)
    if kind == "number":
        small = [{shown for shown in side if _is_small(shown)} for side in (missing, added)]
        if not all(small):
            missing, added = missing - small[0], added - small[1]
    return Inconsistency(kind, tuple(sorted(missing)), tuple(sorted(added)))


def _of_kind(kind: str, mentions: list[_Mention]) -> set[str]:
    return {mention.shown for mention in mentions if mention.kind == kind}


def _is_small(shown: str) -> bool:
    return len(shown) <= len("0.00") and Decimal(shown) <= _MAX_LENIENT_NUMBER


def _without_counterpart(mentions: list[_Mention], others: list[_Mention]) -> list[_Mention]:
    """Return the mentions without a reading in the other text."""
    offered: dict[tuple, set[int | None]] = {}
    for other in others:
        for reading in (*other.readings, *other.weak_readings):
            offered.setdefault(reading.value, set()).add(reading.detail)
    return [
        mention
        for mention in mentions
        if mention.readings and not any(_matches(reading, offered) for reading in mention.readings)
    ]


def _matches(reading: _Reading, offered: dict[tuple, set[int | None]]) -> bool:
    details = offered.get(reading.value, ())
    return bool(details) and (reading.detail is None or reading.detail in details or None in details)


# Read a text: each pass extracts its mentions and leaves the rest of the text to the next.

_CHARACTERS = str.maketrans(
    {
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF21, 0xFF5B)},  # Ａ to ｚ
        **dict(zip("：／．，－＋＃（）［］｛｝＠　", ":/.,-+#()[]{}@ ", strict=True)),
        **dict.fromkeys("‐‑–—−―〜～", "-"),
        "~": "-",
        **dict(zip("㋿㍻㍼㍽㍾", ERAS, strict=True)),
        "٬": ",",
        "٫": ".",
        "،": ",",
        **dict.fromkeys("\u202f\u2009\u2007", "\u00a0"),
        # Direction marks, joiners and Arabic short vowels are removed.
        **dict.fromkeys(map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])),
        **dict.fromkeys(map(chr, [*range(0x064B, 0x0653), 0x0640])),
    }
)
_DIGIT = re.compile(r"(?![0-9])\d")
_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,100}\}")
_NUMBERING = re.compile(r"^[ \t>]{0,12}\d{1,3}[.)、](?=\s)", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]")


def _normalise(text: str) -> str:
    """Unify digits, dashes and spaces, so that the patterns need only one form of each."""
    text = unicodedata.normalize("NFC", text).translate(_CHARACTERS)
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def _find_mentions(text: str, language: str) -> list[_Mention]:
    found: list[_Mention] = []
    text = _PLACEHOLDER.sub(_EXTRACTED, _extract_links(strip_readings(text), language, found))
    text = _EMPHASIS.sub("", _normalise(text))
    text = _replace_era_years(_extract(_PHONE, _read_phone, text, found))
    for pattern, read in _date_passes(language):
        text = _extract(pattern, read, text, found)
    text = _NUMBERING.sub(_EXTRACTED, text)
    text = _extract(_TIME, _time_reader(language), text, found)
    text = _extract(_NOON, _read_noon, text, found)
    text = _VIETNAMESE_WEEKDAY.sub(_EXTRACTED, text)
    found += _find_numbers(text, language)
    found += _find_number_words(text, language)
    return found


_MatchReader = Callable[[re.Match], "list[_Mention] | None"]


def _extract(pattern: re.Pattern, read: _MatchReader, text: str, found: list[_Mention]) -> str:
    """Append the mentions that `read` recognises in the pattern's matches to `found`; return the text without them."""

    def replace(match: re.Match) -> str:
        mentions = read(match)
        if mentions is None:
            return match[0]
        found.extend(mentions)
        return _EXTRACTED

    return pattern.sub(replace, text)


# Links and email addresses.

_LINK = re.compile(
    r"\]\(<?(?P<target>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?)"
    r"|(?P<bare>\b(?:https?://|www\.)[!#-;=?-\[\]-~]+)"
    r"|(?<![A-Za-z0-9.+_-])(?P<mail>[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-][A-Za-z0-9.-]{0,252})",
    re.IGNORECASE | re.ASCII,
)
_TRAILING_PUNCTUATION = ".,;:!?'*_`~|]}"


def _extract_links(text: str, language: str, found: list[_Mention]) -> str:
    def read(match: re.Match) -> list[_Mention]:
        return [_link_mention(match["target"] or match["bare"] or match["mail"] or "", language)]

    return _extract(_LINK, read, text, found)


def _link_mention(address: str, language: str) -> _Mention:
    address = address.rstrip(_TRAILING_PUNCTUATION)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address.rstrip(")" + _TRAILING_PUNCTUATION)
    if address.lower().startswith("tel:"):
        return _phone_mention(address)
    address = address.removeprefix("mailto:")
    own = f"/{language}/"
    reading = _Reading(("link", "/" + address.removeprefix(own) if address.startswith(own) else address))
    # The names of anchors differ between languages.
    is_anchor = not address or address.startswith("#")
    return _Mention("link", address, () if is_anchor else (reading,))


# Phone numbers: compared as they are stored, so +81 90 and 090 are one number in Japan.

_PHONE_SEPARATOR = r"[-. ()\u00a0]{1,2}"
_PHONE = re.compile(
    rf"(?<![\d+])(?:\+\d{{1,3}}(?:{_PHONE_SEPARATOR}\d{{1,5}}){{2,5}}|\+\d{{8,15}}|\(?0\d{{1,4}}{_PHONE_SEPARATOR}\d{{1,4}}{_PHONE_SEPARATOR}\d{{3,4}}"
    r"|0\d{9,10}|\#\d{4})(?!\d)",
)
_MIN_PHONE_DIGITS = 9


def _read_phone(match: re.Match) -> list[_Mention] | None:
    if not match[0].startswith("#") and sum(map(str.isdigit, match[0])) < _MIN_PHONE_DIGITS:
        return None
    return [_phone_mention(match[0])]


def _phone_mention(written: str) -> _Mention:
    plain = "".join(sign for sign in _normalise(written) if sign in "+#()0123456789")
    digits = phone_key(plain) or re.sub(r"[()]", "", plain)
    return _Mention("phone", digits, (_Reading(("phone", digits)),))


# Dates.

_ERA = re.compile(rf"({'|'.join(ERAS)}|(?<![A-Za-z])[RHSTM])\s?(\d{{1,2}}|元)\s?年")
_ERA_DATE = re.compile(r"(?<![A-Za-z\d])([RHSTM])\s?(\d{1,2})([./-])(\d{1,2})\3(\d{1,2})(?![\d./-]?\d)")
_JOINER = (
    r"\s?(?:-|から|と|、|・|至|到|和|부터|까지|및|देखि|र|(?:إلى|الى|حتى|و)|,\s?and|,|"
    r"(?:to|till|until|through|and|or|til|og|eller|hanggang|at|o|đến|tới|và)(?=\s))\s?"
)
_DAYS = (1, 31)
_MONTHS = (1, 12)

_NO_SPAN = r"(?![間间内]|以内|\s?이내)"
_CJK_DATE = re.compile(
    rf"(?:(?<!\d)(?P<year>\d{{4}})\s?[年년]\s?)?(?<!\d)(?P<month>\d\d?)\s?[月월]\s?"
    rf"(?P<before>(?:\d\d?\s?[日号일]?{_JOINER}){{0,6}})(?P<day>\d\d?)\s?[日号일]{_NO_SPAN}"
    rf"(?P<more>(?:\s?(?:\([^()\n]{{1,6}}\))?{_JOINER}\d\d?\s?[日号일]{_NO_SPAN}){{0,6}})"
)
_YEAR_FIRST = re.compile(
    r"(?<![\d.])(?P<year>[12]\d{3})(?:(?P<sign>[-/])|\.\s?)(?P<month>\d\d?)(?(sign)(?P=sign)|\.\s?)(?P<day>\d\d?)(?!\d)"
)
_YEAR_LAST = re.compile(
    r"(?<![\d./])(?P<one>\d\d?)(?P<sign>[-/.])\s?(?P<two>\d\d?)(?:(?P=sign)|-)\s?(?P<year>[12]\d{3})(?!\d)"
)
_NO_YEAR = re.compile(r"(?<![\d./])(?P<one>\d\d?)/(?P<two>\d\d?)(?![\d/])")
_VIETNAMESE = re.compile(
    rf"(?<!\d)(?P<before>(?:\d\d?{_JOINER}(?:ngày\s)?){{0,6}})(?P<day>\d\d?)\s?tháng\s?(?P<month>\d\d?)(?!\d)"
    r"(?:,?\s(?:năm\s)?(?P<year>[12]\d{3})(?!\d))?",
    re.IGNORECASE,
)
_MONTH_ALONE = re.compile(r"(?<![\d.])(?P<month>\d\d?)\s?[月월](?!\d)|tháng\s(?P<vi>\d\d?)(?!\d)", re.IGNORECASE)
_VIETNAMESE_WEEKDAY = re.compile(r"thứ\s[2-7]\b", re.IGNORECASE)
# Languages that write the day or the month first in 1/3; the others use both orders, or mean a fraction.
_DAY_FIRST = {"vi", "da", "ar"}
_MONTH_FIRST = {"ja", "ja-simple", "zh-hans", "ko"}
_OMITS_YEAR = {"ja", "ja-simple", "zh-hans", "vi", "da"}


def _replace_era_years(text: str) -> str:
    """Turn 令和8年 into 2026年, and R8.3.1 into 2026-3-1."""
    text = _ERA.sub(lambda era: f"{year_of_era(era[1], era[2])}年", text)
    return _ERA_DATE.sub(lambda date: f"{year_of_era(date[1], date[2])}-{date[4]}-{date[5]}", text)


def _date_passes(language: str) -> list[tuple[re.Pattern, _MatchReader]]:
    def year_last(match: re.Match) -> list[_Mention] | None:
        return _read_slashed_date(match, language, int(match["year"]))

    def no_year(match: re.Match) -> list[_Mention] | None:
        found = _read_slashed_date(match, language, None)
        if found and language not in _OMITS_YEAR:
            # It may be a fraction: it only confirms what the other text says.
            numbers = (_number_reading(str(int(match["one"]))), _number_reading(str(int(match["two"]))))
            return [_Mention("date", it.shown, (), (*it.readings, *it.weak_readings, *numbers)) for it in found]
        return found

    passes = [
        (_CJK_DATE, _read_written_date),
        (_YEAR_FIRST, _read_written_date),
        (_YEAR_LAST, year_last),
        (_NO_YEAR, no_year),
    ]
    if language == "vi":
        passes.append((_VIETNAMESE, _read_written_date))
    months = _month_names(language)
    if months:
        passes += [(pattern, _named_month_reader(months)) for pattern in _name_patterns(language)]
    return [*passes, (_MONTH_ALONE, _read_month_alone)]


def _read_written_date(match: re.Match) -> list[_Mention] | None:
    return _read_dates(match, int(match["month"]))


def _read_dates(match: re.Match, month: int) -> list[_Mention] | None:
    """Return the date of the match, and those of days listed before and after it ("1, 8 and 15 March")."""
    groups = match.groupdict()
    written_year, day = groups.get("year") or groups.get("year_before"), int(match["day"])
    year = int(written_year) if written_year else None
    if not (_is_within(month, _MONTHS) and _is_within(day, _DAYS)):
        return None
    listed = re.findall(r"\d+", f"{groups.get('before') or ''} {groups.get('more') or ''}")
    return [_date_mention(year, month, day), *(_listed_day(year, month, int(day)) for day in listed)]


def _listed_day(year: int | None, month: int, day: int) -> _Mention:
    """Read a number beside a date: most likely a day of the same month, but perhaps a plain number."""
    number = _number_reading(str(day))
    if not _is_within(day, _DAYS):
        return _Mention("number", str(day), (number,))
    date = _date_mention(year, month, day)
    return _Mention("date", date.shown, (*date.readings, number), date.weak_readings)


def _read_slashed_date(match: re.Match, language: str, year: int | None) -> list[_Mention] | None:
    one, two = int(match["one"]), int(match["two"])
    orders = []
    if language not in _MONTH_FIRST:
        orders.append((two, one))
    if language not in _DAY_FIRST:
        orders.append((one, two))
    possible = [(month, day) for month, day in orders if _is_within(month, _MONTHS) and _is_within(day, _DAYS)]
    if not possible:
        return None
    possible_dates = [_date_mention(year, month, day) for month, day in possible]
    readings = tuple(reading for date in possible_dates for reading in date.readings)
    weak_readings = tuple(reading for date in possible_dates for reading in date.weak_readings)
    return [_Mention("date", possible_dates[0].shown, readings, weak_readings)]


def _date_mention(year: int | None, month: int, day: int) -> _Mention:
    numbers = [_number_reading(str(number)) for number in (day, year) if number]
    weak_readings = (_Reading(("month", month)), *numbers)
    shown = f"{year:04}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}"
    return _Mention("date", shown, (_Reading(("date", month, day), year),), weak_readings)


def _read_month_alone(match: re.Match) -> list[_Mention] | None:
    month = int(match["month"] or match["vi"])
    return [_month_mention(month)] if _is_within(month, _MONTHS) else None


def _month_mention(month: int, *, is_certain: bool = True) -> _Mention:
    key = (_Reading(("month", month)),)
    return _Mention("date", f"{month:02}", key if is_certain else (), () if is_certain else key)


def _is_within(value: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


# Names of months: from Django's catalogues, and other spellings that people use.

_EXTRA_MONTH_NAMES = {
    "en": {"Sept": 9},
    "fil": {
        "Enero": 1, "Pebrero": 2, "Marso": 3, "Abril": 4, "Mayo": 5, "Hunyo": 6, "Hulyo": 7, "Agosto": 8,
        "Setyembre": 9, "Septyembre": 9, "Oktubre": 10, "Nobyembre": 11, "Disyembre": 12,
        "January": 1, "February": 2, "March": 3, "April": 4, "June": 6, "July": 7, "August": 8,
        "September": 9, "October": 10, "November": 11, "December": 12,
    },
    "ne": {
        "जनवरी": 1, "फेब्रुअरी": 2, "फेब्रवरी": 2, "फेब्रुवरी": 2, "मार्च": 3, "अप्रिल": 4, "अप्रैल": 4, "मे": 5, "जुन": 6, "जून": 6,
        "जुलाई": 7, "अगस्ट": 8, "अगस्त": 8, "सेप्टेम्बर": 9, "सेप्टेंबर": 9, "सेप्टेम्वर": 9, "अक्टोबर": 10, "अक्टुबर": 10,
        "नोभेम्बर": 11, "नोवेम्बर": 11, "डिसेम्बर": 12, "डिसेम्वर": 12,
    },
    "ar": {
        "يناير": 1, "فبراير": 2, "مارس": 3, "أبريل": 4, "إبريل": 4, "ابريل": 4, "مايو": 5, "يونيو": 6, "يونية": 6,
        "يوليو": 7, "يولية": 7, "أغسطس": 8, "اغسطس": 8, "سبتمبر": 9, "أكتوبر": 10, "اكتوبر": 10, "نوفمبر": 11,
        "ديسمبر": 12, "كانون الثاني": 1, "شباط": 2, "آذار": 3, "نيسان": 4, "أيار": 5, "حزيران": 6, "تموز": 7, "آب": 8,
        "أيلول": 9, "تشرين الأول": 10, "تشرين الثاني": 11, "كانون الأول": 12,
    },
}  # fmt: skip
# These are also other words: "you may", "to march", "which" in Nepali, "month and year" in Vietnamese.
_AMBIGUOUS_NAMES = {"may", "march", "मे", "जुन", "آب", "tháng năm"}
_SHORT_NAME = 3
_LETTER = r"[^\W\d_]"
_ORDINAL = r"(?:st|nd|rd|th)?"


@lru_cache(maxsize=32)
def _month_names(language: str) -> dict[str, int]:
    """Return the months by name in lower case; empty for languages that write months as numbers."""
    names: dict[str, int] = {}
    with translation.override(language):
        for table in (dates.MONTHS, dates.MONTHS_ALT, dates.MONTHS_3, dates.MONTHS_AP):
            names.update({str(name): month for month, name in table.items()})
    names.update(_EXTRA_MONTH_NAMES.get(language, {}))
    plain = {_normalise(name).strip(" .").lower(): month for name, month in names.items()}
    # An English short form that a catalogue left untranslated may be a word: "may" is "there is" in Filipino.
    foreign = set() if language == "en" else {"may"}
    return {
        name: month for name, month in plain.items() if len(name) > 1 and name not in foreign and not _has_digit(name)
    }


def _has_digit(name: str) -> bool:
    return any(sign.isdigit() for sign in name)


@lru_cache(maxsize=32)
def _name_patterns(language: str) -> list[re.Pattern]:
    """Return the patterns for day before month, month before day, and month alone."""
    # Short names are also the beginnings of other Nepali words: मे in मेरो.
    whole = r"(?![\u0900-\u0963])" if language == "ne" else ""
    by_length = sorted(_month_names(language), key=len, reverse=True)
    names = "|".join(re.escape(name) + (whole if len(name) <= _SHORT_NAME else "") for name in by_length)
    # Nepali appends particles to the name; Arabic prefixes conjunctions.
    start, end = rf"(?<!{_LETTER})[وبلف]?", "" if language == "ne" else rf"(?!{_LETTER})\.?"
    dot = r"\.?" if language == "da" else ""
    day = rf"\d\d?{_ORDINAL}{dot}"
    year = r"(?:\s?,?\s?(?P<year>[12]\d{3})(?!\d))?"
    no_time = r"(?!\d|[:.]\d|\s?[ap]\.?m)"
    patterns = [
        rf"(?<![\d.:])(?P<before>(?:{day}{_JOINER}(?:den\s|ika-)?){{0,6}})(?P<day>\d\d?){_ORDINAL}{dot}\s?"
        rf"(?:of\s|ng\s|من\s)?{start}(?P<name>{names}){end}{year}",
        rf"(?:(?<!\d)(?P<year_before>[12]\d{{3}})\s)?{start}(?P<name>{names}){end}\s?,?\s?(?P<day>\d\d?){no_time}{_ORDINAL}"
        rf"(?P<more>(?:{_JOINER}\d\d?{no_time}{_ORDINAL}){{0,6}}){year}",
        rf"{start}(?P<name>{names}){end}",
    ]
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


def _named_month_reader(months: dict[str, int]) -> _MatchReader:
    def read(match: re.Match) -> list[_Mention] | None:
        name = match["name"].lower()
        if name not in months:  # casing beyond ASCII: İ
            return None
        if match.re.groupindex.get("day"):
            return _read_dates(match, months[name])
        return [_month_mention(months[name], is_certain=name not in _AMBIGUOUS_NAMES and len(name) > _SHORT_NAME)]

    return read


# Times of day, in minutes; if a text does not state the half of the day, it may be either.

_MORNING = (
    r"午前|上午|早上|早晨|凌晨|清晨|朝の?|오전|아침|새벽|बिहान|a\.?m\b\.?|n\.\s?u\b\.?|ng umaga|(?:buổi )?sáng|"
    r"صباحا|فجرا|ص\b|om (?:morgenen|formiddagen)|in the morning"
)
_AFTERNOON = (
    r"午後|下午|傍晚|夕方の?|오후|저녁|दिउँसो|अपराह्न|बेलुका|बेलुकी|साँझ|p\.?m\b\.?|n\.\s?h\b\.?|ng hapon|(?:buổi )?chiều|"
    r"مساء|بعد الظهر|عصرا|م\b|om eftermiddagen|in the afternoon"
)
_NIGHT = (
    r"晚上|夜の?|밤|राति|n\.\s?g\b\.?|ng gabi|(?:buổi )?tối|đêm|ليلا|"
    r"om (?:aftenen|natten)|in the evening|at night|midnight"
)
_MIDDAY = r"中午|正午|昼の?|낮|मध्याह्न|n\.\s?t\b\.?|ng tanghali|(?:buổi )?trưa|ظهرا|noon\b"
_HALF = f"{_MORNING}|{_AFTERNOON}|{_NIGHT}|{_MIDDAY}"
_HALVES = [
    (re.compile(words, re.IGNORECASE), half)
    for words, half in ((_MORNING, "morning"), (_AFTERNOON, "afternoon"), (_NIGHT, "night"), (_MIDDAY, "midday"))
]
_HOUR = r"時(?![間期給])|时(?![间候])|点(?!儿)|點|시(?![간설민])|बजे|giờ|h(?![^\W\d_])"
_TIME = re.compile(
    rf"(?P<lead>(?:\bkl\b\.?|الساعة|alas)[-\s]?)?(?:(?P<before>{_HALF})(?:को)?\s?)?(?:ika-)?"
    rf"(?<![\d/])(?P<others>(?:\d\d?{_JOINER}(?:kl\.?\s?)?){{0,3}})(?<![\d/])(?P<hour>\d\d?)(?!\d)"
    r"(?:(?P<sign>[:.])(?P<minute>[0-5]\d)(?![\d])(?::[0-5]\d(?!\d))?)?"
    rf"(?:\s?(?P<unit>{_HOUR})(?:钟|鐘)?"
    r"(?:\s?(?P<minutes>[0-5]?\d)\s?(?:分|분|phút|मिनेट)|(?P<bare>[0-5]\d)(?!\d)|\s?(?P<thirty>半|반|rưỡi))?)?"
    rf"(?:\s?(?P<after>{_HALF}))?(?:{_JOINER}(?P<last>\d\d?)(?![\d:%]|\.\d|\s?(?:{_HOUR}|{_HALF})))?",
    re.IGNORECASE,
)
_MINUTES_IN_DAY, _MINUTES_IN_HALF_DAY = 24 * 60, 12 * 60
_NOON = re.compile(
    r"(?P<certain>正午|정오|(?<!after)noon\b)|(?P<midnight>midnight|midnat)"
    r"|(?:中午|tanghali|trưa|الظهر|ظهرا|मध्याह्न|middag)",
    re.IGNORECASE,
)


def _time_reader(language: str) -> _MatchReader:
    def read(match: re.Match) -> list[_Mention] | None:
        if not _is_time(match, language):
            return None
        half = _half_of_day(match["after"] or match["before"])
        minute = int(match["minute"] or match["minutes"] or match["bare"] or (30 if match["thirty"] else 0))
        # "午後2〜4時" states the half of the day for the first time only, "2–4 p.m." for the second only.
        own_half = None if match["others"] and not match["after"] else half
        could_be_hours = (
            not (minute or match["after"] or match["sign"]) and (match["unit"] or "").lower() not in _CLOCK_UNITS
        )
        found = [_time_mention(match["hour"], minute, own_half, or_number=could_be_hours)]
        listed = [(hour, _half_of_day(match["before"])) for hour in re.findall(r"\d+", match["others"])]
        if match["last"]:
            listed.append((match["last"], None))
        return found + [_time_mention(hour, 0, half, or_number=True) for hour, half in listed]

    return read


_CLOCK_UNITS = {"時", "时", "点", "點", "시", "बजे"}


def _is_time(match: re.Match, language: str) -> bool:
    """Whether something beside the number shows that it is an hour."""
    if int(match["hour"]) > _MINUTES_IN_DAY // 60:
        return False
    if match["sign"] == ".":
        return bool(match["lead"] or language == "da" or match["after"])
    if match["sign"] or match["unit"] or match["lead"]:
        return True
    if match["after"]:
        return match["after"] not in {"م", "ص"}  # م alone also abbreviates metre
    return language == "ne" and bool(match["before"])


def _half_of_day(word: str | None) -> str | None:
    return next((half for words, half in _HALVES if word and words.fullmatch(word)), None)


def _time_mention(hour: str, minute: int, half: str | None, *, or_number: bool = False) -> _Mention:
    number = _number_reading(str(int(hour)))
    if int(hour) > _MINUTES_IN_DAY // 60:
        return _Mention("number", number.value[1], (number,))
    is_half_known, minutes = _minutes_since_midnight(hour, minute, half)
    key = _Reading(("time", minutes % _MINUTES_IN_HALF_DAY), minutes // _MINUTES_IN_HALF_DAY if is_half_known else None)
    shown = f"{minutes // 60:02}:{minutes % 60:02}"
    return _Mention("time", shown, (key, number) if or_number else (key,))


def _minutes_since_midnight(hour: str, minute: int, half: str | None) -> tuple[bool, int]:
    """Return whether the half of the day is known, and the minutes since midnight."""
    hours = int(hour) % 24
    if hours > 12 or hours == 0 or (len(hour) > 1 and hour.startswith("0")):
        # 午後0時 is noon.
        hours += 12 if hours == 0 and half == "afternoon" else 0
        return True, hours * 60 + minute
    if hours == 12:
        # 12 a.m. and 午前12時 are midnight and noon, 夜12時 is midnight.
        is_noon = half in {"afternoon", "midday"}
        return is_noon or half == "night", (12 * 60 if is_noon or half is None else 0) + minute
    is_later = half == "afternoon" or (half == "night" and hours >= 5) or (half == "midday" and hours < 10)
    is_half_known = half is not None and (half != "night" or hours >= 5)
    return is_half_known, (hours + 12 * is_later) * 60 + minute


def _read_noon(match: re.Match) -> list[_Mention]:
    """Read a word for noon or midnight. A word that also means lunch time only confirms the other text's noon."""
    key = (_Reading(("time", 0), 0 if match["midnight"] else 1),)
    is_certain = bool(match["certain"])
    return [_Mention("time", "12:00", key if is_certain else (), () if is_certain else key)]


# Numbers: everything else with digits.

_UNITS = {
    "億": 10**8, "亿": 10**8, "억": 10**8, "万": 10**4, "萬": 10**4, "만": 10**4, "千": 10**3, "천": 10**3, "百": 100,
    "割": 10, "成": 10, "할": 10,
    "nghìn": 10**3, "ngàn": 10**3, "triệu": 10**6, "tỷ": 10**9,
    "हजार": 10**3, "लाख": 10**5, "करोड": 10**7,
    "ألف": 10**3, "آلاف": 10**3, "مليون": 10**6, "ملايين": 10**6,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "lakh": 10**5,
    "tusind": 10**3, "mio": 10**6, "millioner": 10**6,
    "libo": 10**3, "libong": 10**3, "milyon": 10**6, "milyong": 10**6,
}  # fmt: skip
_TENTH_UNITS = {"割", "成", "할"}
_UNIT = "|".join(unit if unit > "\u2000" else rf"{unit}(?!{_LETTER})" for unit in sorted(_UNITS, reverse=True))
_MAX_DIGITS = 20  # longer numbers are not amounts and are compared as written


@lru_cache(maxsize=2)
def _number_pattern(*, has_decimal_comma: bool) -> re.Pattern:
    decimals, spaced = (r"[.,]\d{1,2}", r"|[1-9]\d{0,2}(?: \d{3})+") if has_decimal_comma else (r"\.\d{1,2}", "")
    return re.compile(
        rf"(?:(?<![\d.,])(?P<grouped>(?:[1-9]\d?(?:,\d{{2}})+,\d{{3}}|[1-9]\d{{0,2}}(?:[.,\u00a0]\d{{3}})+{spaced})(?!\d))"
        rf"|(?P<plain>\d+(?:{decimals}(?!\d))?))(?:\s?(?P<unit>{_UNIT}))?",
        re.IGNORECASE,
    )


# Numbers written as words, from one to twelve. Words that usually mean something else are left out, as (?!):
# Vietnamese năm is also "year", and Nepali छ "is". Danish en and et are articles as well, so a text with either
# matches the number one.
_NUMBER_WORDS = {
    "en": "one two three four five six seven eight nine ten eleven twelve",
    "da": "en|et|én|ét to tre fire fem seks syv otte ni ti elleve tolv",
    "fil": "isa(?:ng)? dalawa(?:ng)? tatlo(?:ng)? apat lima(?:ng)? anim pito(?:ng)? walo(?:ng)? siyam sampu(?:ng)?"
    " labing-?isa(?:ng)? labindalawa(?:ng)?",
    "vi": "một hai ba bốn (?!) sáu bảy|bẩy tám chín mười mười\\smột mười\\shai",
    "ne": "एक|एउटा दुई|दुइटा तीन|तीनवटा चार पाँच (?!) सात आठ नौ दस एघार बाह्र",
    "ar": "واحدة? اثنان|اثنين|اثنتان|اثنتين|{dual} ثلاثة? أربعة? خمسة? ستة? سبعة? ثمان(?:ية?)? تسعة? عشرة?"
    " (?:أحد|إحدى)\\sعشرة? (?:اثنا|اثني|اثنتا|اثنتي)\\sعشرة?",
    "zh-hans": "一 二|两 三 四 五 六 七 八 九 十 十一 十二",
    "ja": "一|ひと[つり] 二|ふた[つり] 三|みっつ 四|よっつ 五|いつつ 六|むっつ 七|ななつ 八|やっつ 九|ここのつ"
    " 十 十一 十二",
    "ko": "한(?!국)|하나 두|둘 세|셋 네|넷 다섯 여섯 일곱 여덟 아홉 열 열한|열하나 열두|열둘",
}
_NUMBER_WORDS["ja-simple"] = _NUMBER_WORDS["ja"]
# Arabic nouns in the dual: شهران, شهرين (two months).
_DUAL = "(?:شهر|يوم|أسبوع|عام|سنت|ساعت|دقيقت|مرت|مرحلت|نسخت|صورت|شخص|طفل|مكان|خطوت|نوع)(?:ان|ين)"
_WITHOUT_SPACES = {"ja", "ja-simple", "zh-hans"}


@lru_cache(maxsize=16)
def _number_words(language: str) -> tuple[re.Pattern, ...]:
    """Return one pattern for each number from one to twelve; none for a language without a list."""
    before, after = (rf"(?<!{_LETTER})", rf"(?!{_LETTER})")
    if language == "ar":
        before = rf"(?<!{_LETTER})[وبلف]?(?:ال)?"
    elif language in _WITHOUT_SPACES:
        before, after = "(?<![一二三四五六七八九十百千万])", "(?![一二三四五六七八九十百千万])"
    elif language == "ko":  # what is counted may follow without a space
        after = ""
    words = _NUMBER_WORDS.get(language, "").replace("{dual}", _DUAL).split(" ")
    return tuple(re.compile(f"{before}(?:{word}){after}", re.IGNORECASE) for word in words if word)


def _find_number_words(text: str, language: str) -> Iterator[_Mention]:
    for number, pattern in enumerate(_number_words(language), start=1):
        if pattern.search(text):
            yield _Mention("number", str(number), (), (_number_reading(str(number)),))


@dataclass(slots=True)
class _Amount:
    """A number while it is being read: 1万 2千 500 is a single one."""

    value: Decimal
    unit: str
    end: int


def _find_numbers(text: str, language: str) -> Iterator[_Mention]:
    amount = None
    for match in _number_pattern(has_decimal_comma=language in {"da", "vi"}).finditer(text):
        written = re.sub(r"\D", "", match["grouped"]) if match["grouped"] else match["plain"].replace(",", ".")
        if len(written) > _MAX_DIGITS:
            yield _number_mention(written.lstrip("0"))
            continue
        unit = (match["unit"] or "").lower()
        value = Decimal(written) * _UNITS.get(unit, 1)
        if amount and _continues_amount(amount, match, value, text):
            amount = _Amount(amount.value + value, unit, match.end())
            continue
        if amount:
            yield _amount_mention(amount)
        amount = _Amount(value, unit, match.end())
    if amount:
        yield _amount_mention(amount)


def _continues_amount(amount: _Amount, match: re.Match, value: Decimal, text: str) -> bool:
    """Whether the match continues an amount, as 2千 does in 1万2千."""
    gap = text[amount.end : match.start()]
    is_smaller = bool(amount.unit) and amount.unit not in _TENTH_UNITS and value < _UNITS[amount.unit]
    return is_smaller and (gap == "" or (gap == " " and bool(match["unit"])))


def _amount_mention(amount: _Amount) -> _Mention:
    mention = _number_mention(_format_decimal(amount.value))
    if amount.unit in _TENTH_UNITS:  # 3割 may be written as 30 % or as three tenths
        tenths = _number_reading(_format_decimal(amount.value / 10))
        return _Mention(mention.kind, mention.shown, (*mention.readings, tenths))
    return mention


def _format_decimal(value: Decimal) -> str:
    """Format a number without trailing zeros."""
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _number_mention(shown: str) -> _Mention:
    return _Mention("number", shown, (_number_reading(shown),))


def _number_reading(shown: str) -> _Reading:
    return _Reading(("number", shown))
