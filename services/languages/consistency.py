"""Whether two languages of one text tell the same dates, times, numbers, phone numbers and links.

For warnings before a text is sent, so it prefers silence to a false alarm only where nobody is sent to the
wrong day by it. Every pattern is bounded or starts where the one before it ended: the time is linear.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.utils import dates, translation

from services.languages.ruby import as_plain

_KINDS = ("link", "phone", "date", "time", "number")
_LENIENT_UP_TO = 10
_TAKEN = " \x1f "  # stands where a figure was found: later patterns do not reach across it


@dataclass(frozen=True, slots=True)
class Difference:
    """What two languages of a text do not share, of one kind: link, phone, date, time or number.

    `missing` stands in the source only, `added` in the translation only: normalised and sorted
    (`2026-03-01`, `03-01`, a month alone `03`, `14:00`, `1000`, `0357441111`).
    """

    kind: str
    missing: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Key:
    """One way to read a figure: `what` it is, and what only some texts tell (the year, the half of the day)."""

    what: tuple
    detail: int | None = None


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure as found. One of `keys` must be found on the other side; `also` only helps the other side's."""

    kind: str
    shown: str
    keys: tuple[_Key, ...]
    also: tuple[_Key, ...] = ()


def differences(source: str, translation: str, *, source_language: str, language: str) -> list[Difference]:
    """The figures that stand in only one of the two texts (Markdown or plain, with ruby); empty when they agree.

    A figure counts once, however often it is said. Links, phone numbers, dates and times are strict, but a
    year or a half of the day that only one side tells is no difference, nor is the weekday; the portal's own
    links may differ in the language they lead to. Numbers are strict above ten. Up to ten many languages write
    words ("two employers"), so these count only where each text has one that the other lacks (4 became 5).
    Placeholders `{name}` and the numbering of lists are ignored. Never raises.
    """
    ours, theirs = _figures(source, source_language), _figures(translation, language)
    missing, added = _unmatched(ours, theirs), _unmatched(theirs, ours)
    found = (_difference(kind, missing, added) for kind in _KINDS)
    return [difference for difference in found if difference.missing or difference.added]


def _difference(kind: str, missing: list[_Figure], added: list[_Figure]) -> Difference:
    missing, added = _of_kind(kind, missing), _of_kind(kind, added)
    if kind == "number":
        small = [{shown for shown in side if _is_small(shown)} for side in (missing, added)]
        if not all(small):
            missing, added = missing - small[0], added - small[1]
    return Difference(kind, tuple(sorted(missing)), tuple(sorted(added)))


def _of_kind(kind: str, figures: list[_Figure]) -> set[str]:
    return {figure.shown for figure in figures if figure.kind == kind}


def _is_small(shown: str) -> bool:
    return len(shown) <= len("0.00") and Decimal(shown) <= _LENIENT_UP_TO


def _unmatched(figures: list[_Figure], others: list[_Figure]) -> list[_Figure]:
    """The figures of which no key is found on the other side."""
    offered: dict[tuple, set[int | None]] = {}
    for other in others:
        for key in (*other.keys, *other.also):
            offered.setdefault(key.what, set()).add(key.detail)
    return [figure for figure in figures if figure.keys and not any(_meets(key, offered) for key in figure.keys)]


def _meets(key: _Key, offered: dict[tuple, set[int | None]]) -> bool:
    details = offered.get(key.what, ())
    return bool(details) and (key.detail is None or key.detail in details or None in details)


# Reading a text: each pass takes its figures out of the text and leaves the rest to the next.

_SIGNS = str.maketrans(
    {
        **dict(zip("：／．，－＋＃（）［］｛｝＠　", ":/.,-+#()[]{}@ ", strict=True)),
        **dict.fromkeys("‐‑–—−―〜～", "-"),
        "~": "-",
        "٬": ",",
        "٫": ".",
        "،": ",",
        **dict.fromkeys("\u202f\u2009\u2007", "\u00a0"),
        # Marks of direction, joiners and short vowels of Arabic.
        **dict.fromkeys(map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])),
        **dict.fromkeys(map(chr, [*range(0x064B, 0x0653), 0x0640])),
    }
)
_DIGIT = re.compile(r"(?![0-9])\d")
_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,100}\}")
_NUMBERING = re.compile(r"^[ \t>]{0,12}\d{1,3}[.)、](?=\s)", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]")


def _normal(text: str) -> str:
    """One form for every digit, dash and space, so that the patterns need to know only one."""
    text = unicodedata.normalize("NFC", text).translate(_SIGNS)
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def _figures(text: str, language: str) -> list[_Figure]:
    found: list[_Figure] = []
    text = _PLACEHOLDER.sub(_TAKEN, _links(as_plain(text), language, found))
    text = _EMPHASIS.sub("", _normal(text))
    text = _era_years(_take(_PHONE, _phone, text, found))
    for pattern, read in _date_passes(language):
        text = _take(pattern, read, text, found)
    text = _NUMBERING.sub(_TAKEN, text)
    text = _take(_TIME, _times(language), text, found)
    text = _take(_NOON, _noon, text, found)
    found += _numbers(_VIETNAMESE_WEEKDAY.sub(_TAKEN, text), language)
    return found


_Reader = Callable[[re.Match], "list[_Figure] | None"]


def _take(pattern: re.Pattern, read: _Reader, text: str, found: list[_Figure]) -> str:
    """The text without what `read` recognises in the pattern's matches; what it recognises goes to `found`."""

    def taken(match: re.Match) -> str:
        figures = read(match)
        if figures is None:
            return match[0]
        found.extend(figures)
        return _TAKEN

    return pattern.sub(taken, text)


# Links and mail addresses.

_LINK = re.compile(
    r"\]\(<?(?P<target>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?)"
    r"|(?P<bare>\b(?:https?://|www\.)[!#-;=?-\[\]-~]+)"
    r"|(?<![A-Za-z0-9.+_-])(?P<mail>[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-][A-Za-z0-9.-]{0,252})",
    re.IGNORECASE | re.ASCII,
)
_TRAILING = ".,;:!?'*_`~|]}"


def _links(text: str, language: str, found: list[_Figure]) -> str:
    def read(match: re.Match) -> list[_Figure]:
        return [_link(match["target"] or match["bare"] or match["mail"] or "", language)]

    return _take(_LINK, read, text, found)


def _link(address: str, language: str) -> _Figure:
    address = address.rstrip(_TRAILING)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address.rstrip(")" + _TRAILING)
    if address.lower().startswith("tel:"):
        return _phone_figure(address)
    address = address.removeprefix("mailto:")
    own = f"/{language}/"
    what = ("link", "/" + address.removeprefix(own) if address.startswith(own) else address)
    # A place on the same page has a name in each language.
    is_elsewhere = bool(address) and not address.startswith("#")
    return _Figure("link", address, (_Key(what),) if is_elsewhere else ())


# Phone numbers: by digits, with Japan's code as a leading zero.

_BREAK = r"[-. ()\u00a0]{1,2}"
_PHONE = re.compile(
    rf"(?<![\d+])(?:\+\d{{1,3}}(?:{_BREAK}\d{{1,5}}){{2,5}}|\+\d{{8,15}}|\(?0\d{{1,4}}{_BREAK}\d{{1,4}}{_BREAK}\d{{3,4}}"
    r"|0\d{9,10}|\#\d{4})(?!\d)",
)
_FEWEST_DIGITS = 9


def _phone(match: re.Match) -> list[_Figure] | None:
    if not match[0].startswith("#") and sum(map(str.isdigit, match[0])) < _FEWEST_DIGITS:
        return None
    return [_phone_figure(match[0])]


def _phone_figure(written: str) -> _Figure:
    digits = "".join(sign for sign in _normal(written).replace("(0)", "") if sign in "+#0123456789")
    digits = "0" + digits.removeprefix("+81") if digits.startswith("+81") else digits
    return _Figure("phone", digits, (_Key(("phone", digits)),))


# Dates.

_ERA = re.compile(r"(令和|平成)\s?(\d{1,2}|元)\s?年")
_BEFORE_ERA = {"令和": 2018, "平成": 1988}
_AND = (
    r"\s?(?:-|から|と|、|・|至|到|和|부터|까지|및|देखि|र|(?:إلى|الى|حتى|و)|,\s?and|,|"
    r"(?:to|till|until|through|and|or|til|og|eller|hanggang|at|o|đến|tới|và)(?=\s))\s?"
)
_DAYS = (1, 31)
_MONTHS = (1, 12)

_NO_SPAN = r"(?![間间内]|以内|\s?이내)"
_CJK_DATE = re.compile(
    rf"(?:(?<!\d)(?P<year>\d{{4}})\s?[年년]\s?)?(?<!\d)(?P<month>\d\d?)\s?[月월]\s?"
    rf"(?P<before>(?:\d\d?\s?[日号일]?{_AND}){{0,6}})(?P<day>\d\d?)\s?[日号일]{_NO_SPAN}"
    rf"(?P<more>(?:\s?(?:\([^()\n]{{1,6}}\))?{_AND}\d\d?\s?[日号일]{_NO_SPAN}){{0,6}})"
)
_YEAR_FIRST = re.compile(
    r"(?<![\d.])(?P<year>[12]\d{3})(?:(?P<sign>[-/])|\.\s?)(?P<month>\d\d?)(?(sign)(?P=sign)|\.\s?)(?P<day>\d\d?)(?!\d)"
)
_YEAR_LAST = re.compile(
    r"(?<![\d./])(?P<one>\d\d?)(?P<sign>[-/.])\s?(?P<two>\d\d?)(?:(?P=sign)|-)\s?(?P<year>[12]\d{3})(?!\d)"
)
_NO_YEAR = re.compile(r"(?<![\d./])(?P<one>\d\d?)/(?P<two>\d\d?)(?![\d/])")
_VIETNAMESE = re.compile(
    rf"(?<!\d)(?P<before>(?:\d\d?{_AND}(?:ngày\s)?){{0,6}})(?P<day>\d\d?)\s?tháng\s?(?P<month>\d\d?)(?!\d)"
    r"(?:,?\s(?:năm\s)?(?P<year>[12]\d{3})(?!\d))?",
    re.IGNORECASE,
)
_MONTH_ALONE = re.compile(r"(?<![\d.])(?P<month>\d\d?)\s?[月월](?!\d)|tháng\s(?P<vi>\d\d?)(?!\d)", re.IGNORECASE)
_VIETNAMESE_WEEKDAY = re.compile(r"thứ\s[2-7]\b", re.IGNORECASE)
# Who writes the day or the month first in 1/3; the others do both, or write fractions so.
_DAY_FIRST = {"vi", "da", "ar"}
_MONTH_FIRST = {"ja", "ja-simple", "zh-hans", "ko"}
_WRITES_NO_YEAR = {"ja", "ja-simple", "zh-hans", "vi", "da"}


def _era_years(text: str) -> str:
    """令和8年 as 2026年."""
    return _ERA.sub(lambda era: f"{_BEFORE_ERA[era[1]] + (1 if era[2] == '元' else int(era[2]))}年", text)


def _date_passes(language: str) -> list[tuple[re.Pattern, _Reader]]:
    def year_last(match: re.Match) -> list[_Figure] | None:
        return _slashed(match, language, int(match["year"]))

    def no_year(match: re.Match) -> list[_Figure] | None:
        found = _slashed(match, language, None)
        if found and language not in _WRITES_NO_YEAR:
            # As likely a fraction: it only answers for what the other side tells.
            numbers = (_number_key(str(int(match["one"]))), _number_key(str(int(match["two"]))))
            return [_Figure("date", figure.shown, (), (*figure.keys, *figure.also, *numbers)) for figure in found]
        return found

    passes = [(_CJK_DATE, _written_out), (_YEAR_FIRST, _written_out), (_YEAR_LAST, year_last), (_NO_YEAR, no_year)]
    if language == "vi":
        passes.append((_VIETNAMESE, _written_out))
    months = _month_names(language)
    if months:
        passes += [(pattern, _named(months)) for pattern in _name_patterns(language)]
    return [*passes, (_MONTH_ALONE, _month_alone)]


def _written_out(match: re.Match) -> list[_Figure] | None:
    return _dates(match, int(match["month"]))


def _dates(match: re.Match, month: int) -> list[_Figure] | None:
    """The day of the match, and the days listed before and after it ("1, 8 and 15 March")."""
    groups = match.groupdict()
    written_year, day = groups.get("year") or groups.get("year_before"), int(match["day"])
    year = int(written_year) if written_year else None
    if not (_within(month, _MONTHS) and _within(day, _DAYS)):
        return None
    listed = re.findall(r"\d+", f"{groups.get('before') or ''} {groups.get('more') or ''}")
    return [_date(year, month, day), *(_listed_day(year, month, int(day)) for day in listed)]


def _listed_day(year: int | None, month: int, day: int) -> _Figure:
    """A number beside a date: a day of the same month most likely, a plain number perhaps."""
    number = _number_key(str(day))
    if not _within(day, _DAYS):
        return _Figure("number", str(day), (number,))
    date = _date(year, month, day)
    return _Figure("date", date.shown, (*date.keys, number), date.also)


def _slashed(match: re.Match, language: str, year: int | None) -> list[_Figure] | None:
    one, two = int(match["one"]), int(match["two"])
    orders = []
    if language not in _MONTH_FIRST:
        orders.append((two, one))
    if language not in _DAY_FIRST:
        orders.append((one, two))
    possible = [(month, day) for month, day in orders if _within(month, _MONTHS) and _within(day, _DAYS)]
    if not possible:
        return None
    readings = [_date(year, month, day) for month, day in possible]
    keys, also = (tuple(key for date in readings for key in getattr(date, name)) for name in ("keys", "also"))
    return [_Figure("date", readings[0].shown, keys, also)]


def _date(year: int | None, month: int, day: int) -> _Figure:
    also = (_Key(("month", month)), _number_key(str(day)), *([_number_key(str(year))] if year else []))
    shown = f"{year:04}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}"
    return _Figure("date", shown, (_Key(("date", month, day), year),), also)


def _month_alone(match: re.Match) -> list[_Figure] | None:
    month = int(match["month"] or match["vi"])
    return [_month(month)] if _within(month, _MONTHS) else None


def _month(month: int, *, is_certain: bool = True) -> _Figure:
    key = (_Key(("month", month)),)
    return _Figure("date", f"{month:02}", key if is_certain else (), () if is_certain else key)


def _within(value: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


# Names of months: Django's, in the forms of its catalogues, and what else people write.

_MORE_MONTHS = {
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
# Also other words: "you may", "to march", "which" in Nepali, "month and year" in Vietnamese.
_OTHER_WORDS = {"may", "march", "मे", "जुन", "آب", "tháng năm"}
_SHORT = 3
_LETTER = r"[^\W\d_]"
_ORDINAL = r"(?:st|nd|rd|th)?"


@lru_cache(maxsize=32)
def _month_names(language: str) -> dict[str, int]:
    """Month by name in lower case; empty where months are written as numbers."""
    names: dict[str, int] = {}
    with translation.override(language):
        for table in (dates.MONTHS, dates.MONTHS_ALT, dates.MONTHS_3, dates.MONTHS_AP):
            names.update({str(name): month for month, name in table.items()})
    names.update(_MORE_MONTHS.get(language, {}))
    plain = {_normal(name).strip(" .").lower(): month for name, month in names.items()}
    # A short form of English that a catalogue left untranslated is a word of another language ("may" is "there is").
    foreign = set() if language == "en" else {"may"}
    return {
        name: month for name, month in plain.items() if len(name) > 1 and name not in foreign and not _has_digit(name)
    }


def _has_digit(name: str) -> bool:
    return any(sign.isdigit() for sign in name)


@lru_cache(maxsize=32)
def _name_patterns(language: str) -> list[re.Pattern]:
    """Day before month, month before day, and month alone."""
    # Short names are the beginnings of other Nepali words: मे of मेरो.
    whole = r"(?![\u0900-\u0963])" if language == "ne" else ""
    by_length = sorted(_month_names(language), key=len, reverse=True)
    names = "|".join(re.escape(name) + (whole if len(name) <= _SHORT else "") for name in by_length)
    # Nepali joins its particles to the name, Arabic its conjunctions.
    start, end = rf"(?<!{_LETTER})[وبلف]?", "" if language == "ne" else rf"(?!{_LETTER})\.?"
    dot = r"\.?" if language == "da" else ""
    day = rf"\d\d?{_ORDINAL}{dot}"
    year = r"(?:\s?,?\s?(?P<year>[12]\d{3})(?!\d))?"
    no_time = r"(?!\d|[:.]\d|\s?[ap]\.?m)"
    patterns = [
        rf"(?<![\d.:])(?P<before>(?:{day}{_AND}(?:den\s|ika-)?){{0,6}})(?P<day>\d\d?){_ORDINAL}{dot}\s?"
        rf"(?:of\s|ng\s|من\s)?{start}(?P<name>{names}){end}{year}",
        rf"(?:(?<!\d)(?P<year_before>[12]\d{{3}})\s)?{start}(?P<name>{names}){end}\s?,?\s?(?P<day>\d\d?){no_time}{_ORDINAL}"
        rf"(?P<more>(?:{_AND}\d\d?{no_time}{_ORDINAL}){{0,6}}){year}",
        rf"{start}(?P<name>{names}){end}",
    ]
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


def _named(months: dict[str, int]) -> _Reader:
    def read(match: re.Match) -> list[_Figure] | None:
        name = match["name"].lower()
        if name not in months:  # casing beyond ASCII: İ
            return None
        if match.re.groupindex.get("day"):
            return _dates(match, months[name])
        return [_month(months[name], is_certain=name not in _OTHER_WORDS and len(name) > _SHORT)]

    return read


# Times of day, in minutes: a half of the day that is not told may be either.

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
    rf"(?<![\d/])(?P<others>(?:\d\d?{_AND}(?:kl\.?\s?)?){{0,3}})(?<![\d/])(?P<hour>\d\d?)(?!\d)"
    r"(?:(?P<sign>[:.])(?P<minute>[0-5]\d)(?![\d])(?::[0-5]\d(?!\d))?)?"
    rf"(?:\s?(?P<unit>{_HOUR})(?:钟|鐘)?"
    r"(?:\s?(?P<minutes>[0-5]?\d)\s?(?:分|분|phút|मिनेट)|(?P<bare>[0-5]\d)(?!\d)|\s?(?P<thirty>半|반|rưỡi))?)?"
    rf"(?:\s?(?P<after>{_HALF}))?(?:{_AND}(?P<last>\d\d?)(?![\d:%]|\.\d|\s?(?:{_HOUR}|{_HALF})))?",
    re.IGNORECASE,
)
_DAY, _HALF_DAY = 24 * 60, 12 * 60
_NOON = re.compile(
    r"(?P<certain>正午|정오|(?<!after)noon\b)|(?P<midnight>midnight|midnat)"
    r"|(?:中午|tanghali|trưa|الظهر|ظهرا|मध्याह्न|middag)",
    re.IGNORECASE,
)


def _times(language: str) -> _Reader:
    def read(match: re.Match) -> list[_Figure] | None:
        if not _is_time(match, language):
            return None
        half = _half(match["after"] or match["before"])
        minute = int(match["minute"] or match["minutes"] or match["bare"] or (30 if match["thirty"] else 0))
        # "午後2〜4時" tells the half of the first only, "2–4 p.m." that of the second only.
        own_half = None if match["others"] and not match["after"] else half
        could_be_hours = (
            not (minute or match["after"] or match["sign"]) and (match["unit"] or "").lower() not in _CLOCKS
        )
        found = [_time(match["hour"], minute, own_half, or_number=could_be_hours)]
        listed = [(hour, _half(match["before"])) for hour in re.findall(r"\d+", match["others"])]
        if match["last"]:
            listed.append((match["last"], None))
        return found + [_time(hour, 0, half, or_number=True) for hour, half in listed]

    return read


_CLOCKS = {"時", "时", "点", "點", "시", "बजे"}


def _is_time(match: re.Match, language: str) -> bool:
    """Whether something beside the number says that it is an hour."""
    if int(match["hour"]) > _DAY // 60:
        return False
    if match["sign"] == ".":
        return bool(match["lead"] or language == "da" or match["after"])
    if match["sign"] or match["unit"] or match["lead"]:
        return True
    if match["after"]:
        return match["after"] not in {"م", "ص"}  # alone also short for metre
    return language == "ne" and bool(match["before"])


def _half(word: str | None) -> str | None:
    return next((half for words, half in _HALVES if word and words.fullmatch(word)), None)


def _time(hour: str, minute: int, half: str | None, *, or_number: bool = False) -> _Figure:
    number = _number_key(str(int(hour)))
    if int(hour) > _DAY // 60:
        return _Figure("number", number.what[1], (number,))
    is_told, minutes = _minutes(hour, minute, half)
    key = _Key(("time", minutes % _HALF_DAY), minutes // _HALF_DAY if is_told else None)
    shown = f"{minutes // 60:02}:{minutes % 60:02}"
    return _Figure("time", shown, (key, number) if or_number else (key,))


def _minutes(hour: str, minute: int, half: str | None) -> tuple[bool, int]:
    """Whether the half of the day is known, and the minutes since midnight."""
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
    is_told = half is not None and (half != "night" or hours >= 5)
    return is_told, (hours + 12 * is_later) * 60 + minute


def _noon(match: re.Match) -> list[_Figure]:
    """Noon in a word. Where the word also means lunch time, it only answers for the other side's noon."""
    key = (_Key(("time", 0), 0 if match["midnight"] else 1),)
    is_certain = bool(match["certain"])
    return [_Figure("time", "12:00", key if is_certain else (), () if is_certain else key)]


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
_TENTHS = {"割", "成", "할"}
_UNIT = "|".join(unit if unit > "\u2000" else rf"{unit}(?!{_LETTER})" for unit in sorted(_UNITS, reverse=True))
_MOST_DIGITS = 20  # what is longer is no amount and is compared as it stands


@lru_cache(maxsize=2)
def _number_pattern(*, has_decimal_comma: bool) -> re.Pattern:
    decimals, spaced = (r"[.,]\d{1,2}", r"|[1-9]\d{0,2}(?: \d{3})+") if has_decimal_comma else (r"\.\d{1,2}", "")
    return re.compile(
        rf"(?:(?<![\d.,])(?P<grouped>(?:[1-9]\d{{0,2}}(?:[.,\u00a0]\d{{3}})+{spaced})(?!\d))"
        rf"|(?P<plain>\d+(?:{decimals}(?!\d))?))(?:\s?(?P<unit>{_UNIT}))?",
        re.IGNORECASE,
    )


@dataclass(slots=True)
class _Amount:
    """A number while it is read: 1万 2千 500 is one."""

    value: Decimal
    unit: str
    end: int


def _numbers(text: str, language: str) -> Iterator[_Figure]:
    amount = None
    for match in _number_pattern(has_decimal_comma=language in {"da", "vi"}).finditer(text):
        written = re.sub(r"\D", "", match["grouped"]) if match["grouped"] else match["plain"].replace(",", ".")
        if len(written) > _MOST_DIGITS:
            yield _number(written.lstrip("0"))
            continue
        unit = (match["unit"] or "").lower()
        value = Decimal(written) * _UNITS.get(unit, 1)
        if amount and _continues(amount, match, value, text):
            amount = _Amount(amount.value + value, unit, match.end())
            continue
        if amount:
            yield _amount(amount)
        amount = _Amount(value, unit, match.end())
    if amount:
        yield _amount(amount)


def _continues(amount: _Amount, match: re.Match, value: Decimal, text: str) -> bool:
    """Whether the match goes on with a number in units, as 2千 does in 1万2千."""
    gap = text[amount.end : match.start()]
    is_smaller = bool(amount.unit) and amount.unit not in _TENTHS and value < _UNITS[amount.unit]
    return is_smaller and (gap == "" or (gap == " " and bool(match["unit"])))


def _amount(amount: _Amount) -> _Figure:
    figure = _number(_shown(amount.value))
    if amount.unit in _TENTHS:  # 3割 may be said as 30 % or as three tenths
        return _Figure(figure.kind, figure.shown, (*figure.keys, _number_key(_shown(amount.value / 10))))
    return figure


def _shown(value: Decimal) -> str:
    """Without the zeros that change nothing."""
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _number(shown: str) -> _Figure:
    return _Figure("number", shown, (_number_key(shown),))


def _number_key(shown: str) -> _Key:
    return _Key(("number", shown))
