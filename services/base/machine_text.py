"""Text that machines read: codes, email addresses, phone numbers, clock times, Japanese years, runs of digits.

Every form, import, search and comparison of such values uses these functions, so that each value has one spelling.
Invisible marks (Unicode category Cf) carry no meaning here and are removed; names and prose keep theirs
(`services.base.normalisation`).
"""

import datetime
import re
import unicodedata

import email_validator
import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.base.normalisation import clean_line, search_key

MAX_EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3

_WIDTH = {**{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}, 0x3000: " ", 0xFF61: ".", 0x3002: "."}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−ー－ｰ"), "-")


def strip_invisible(text: str) -> str:
    """Return the text without the marks that nobody sees: joiners, direction marks, byte order marks."""
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def fold_width(text: str) -> str:
    """Return the text without invisible marks, and with full-width characters as the ASCII ones that they repeat."""
    return strip_invisible(text).translate(_WIDTH)


def fold_code(text: str) -> str:
    """Return `fold_width`, with the dashes of all keyboards (and ー, which is beside them) as hyphens."""
    return fold_width(text).translate(_DASHES)


def clean_code(text: str) -> str:
    """Return a code or id to store or compare: `fold_code` in one line. Raises ValidationError for controls."""
    return clean_line(fold_code(text))


# Email addresses.

# Japanese carriers gave out addresses with a dot at either end of the name, or several in a row. RFC 5321 allows such
# a name only in quotation marks, but people write it without.
_CARRIERS = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:docomo\.ne\.jp|ezweb\.ne\.jp|au\.com|softbank\.ne\.jp|softbank\.jp|vodafone\.ne\.jp"
    r"|disney\.ne\.jp|disneymobile\.ne\.jp|jp-[a-z]\.ne\.jp|pdx\.ne\.jp|willcom\.com|wcm\.ne\.jp|ymobile\.ne\.jp"
    r"|ymobile1\.ne\.jp|emnet\.ne\.jp|emobile\.ne\.jp|emobile-s\.ne\.jp|uqmobile\.jp|rakuten\.jp)"
)
_CARRIER_NAME = re.compile(r"[a-z0-9._+/?-]{1,64}")
_IRREGULAR_DOTS = re.compile(r"\.|.*\.\.|.*\.\Z")


def clean_email(typed: str) -> str:
    """Return the one spelling of a mailbox's address. Raises ValidationError for text that is not an address.

    The name is in lower case (no server in use tells Sita@ from sita@), the domain in the Unicode form of IDNA 2008,
    without a dot at its end. Irregular names of Japanese carriers are accepted; `quote_local_part` is for sending.
    """
    name, _at, domain = clean_line(fold_width(typed)).lower().rpartition("@")
    domain = domain.removesuffix(".")
    is_irregular = bool(_CARRIERS.fullmatch(domain) and _CARRIER_NAME.fullmatch(name) and _IRREGULAR_DOTS.match(name))
    try:
        address = email_validator.validate_email(
            f"{'irregular' if is_irregular else name}@{domain}",
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=True,
        )
    except email_validator.EmailNotValidError as fault:
        raise ValidationError(_("Enter an email address, like name@example.org."), code="email") from fault
    return f"{name}@{address.domain}"


def validate_email(address: str) -> None:
    """Raise ValidationError for text that `clean_email` would refuse: a validator for fields."""
    clean_email(address)


def quote_local_part(address: str) -> str:
    """Return an address as SMTP and headers need it: an irregular name in quotation marks (RFC 5321, 4.1.2)."""
    name, _at, domain = address.rpartition("@")
    return f'"{name}"@{domain}' if _IRREGULAR_DOTS.match(name) else address


# Phone numbers.

_PHONE = re.compile(r"\+?[0-9]{8,18}")  # E.164 has up to 15 digits, and a prefix for calls abroad may come first


def clean_phone(typed: str) -> str:
    """Return the one spelling of a phone number: digits as dialled in the city's country, +… for all other countries.

    Raises ValidationError for text that cannot be a phone number.
    """
    number = phone_key(typed)
    if not number:
        raise ValidationError(_("Enter a phone number, like 090-1234-5678."), code="phone")
    return number


def phone_key(typed: str) -> str:
    """Return the same as `clean_phone`, or an empty string for text that cannot be a phone number."""
    numbers = [number for spelling in _phone_spellings(_plain_digits(typed)) if (number := _parse_phone(spelling))]
    valid = next((number for number in numbers if phonenumbers.is_valid_number(number)), None)
    if valid or numbers:
        return _format_phone(valid or numbers[0])
    return ""


def _plain_digits(typed: str) -> str:
    """Return the text with all scripts' digits as ASCII ones: (०९०) are digits to the person typing."""
    plain = unicodedata.normalize("NFKC", clean_code(typed)).translate(_DASHES)
    return re.sub(r"[\s./-]", "", "".join(str(unicodedata.decimal(mark, mark)) for mark in plain))


def _phone_spellings(plain: str) -> list[str]:
    """Return what the text may mean: with or without the 0 of +81 (0)90, and 00 for +, which Japan does not use."""
    bare = [re.sub(r"[()]", "", spelling) for spelling in (plain, plain.replace("(0)", ""))]
    abroad = [f"+{spelling[2:]}" for spelling in bare if spelling.startswith("00")]
    return [spelling for spelling in (*bare, *abroad) if _PHONE.fullmatch(spelling)]


def _parse_phone(spelling: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(spelling, settings.CITY.country)
    except phonenumbers.NumberParseException:
        return None
    return number if number.national_number and phonenumbers.is_possible_number(number) else None


def _format_phone(number: phonenumbers.PhoneNumber) -> str:
    country = settings.CITY.country
    if number.country_code != phonenumbers.country_code_for_region(country):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_valid_number(number):
        return re.sub(r"\D", "", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
    prefix = phonenumbers.PhoneMetadata.metadata_for_region(country).national_prefix or ""
    return prefix + phonenumbers.national_significant_number(number)


# Clock times and years.

_MORNING = r"午前|上午|오전|a\.?\s?m\.?"
_AFTERNOON = r"午後|下午|오후|p\.?\s?m\.?"
_CLOCK = re.compile(
    rf"(?P<before>{_MORNING}|{_AFTERNOON})?\s*(?P<hour>\d{{1,2}})\s*"
    r"(?:[:時时点點시]\s*(?:(?P<minute>\d{1,2})\s*[分분]?|(?P<thirty>半|반))?(?::\d{2}|\s*\d{1,2}\s*[秒초])?)?"
    rf"\s*(?P<after>{_MORNING}|{_AFTERNOON})?"
)
_DAY = re.compile(
    r"(?:(?P<era>令和|平成|昭和|大正|明治|[rhstm])\s*(?P<of_era>\d{1,2}|元)|(?P<year>\d{4}))"
    r"\s*[年년/.-]\s*(?P<month>\d{1,2})\s*[月월/.-]\s*(?P<day>\d{1,2})\s*[日일]?(?:\s*\(.\))?"
)
_PLAIN_DAY = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)")
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}  # the year before each era's first
ERA_LETTERS = {"r": "令和", "h": "平成", "s": "昭和", "t": "大正", "m": "明治"}


def parse_clock(text: str) -> datetime.time:
    """Read a time of day: 9:30, 9:30:00, 9時30分, 午後2時半, 2:30 PM, 12:15 a.m. Raises ValueError.

    12 a.m. is midnight and 12 p.m. noon, wherever the half of the day is written. Seconds are dropped.
    """
    plain = search_key(strip_invisible(text))
    found = _CLOCK.fullmatch(plain)
    halves = [half for half in (found["before"], found["after"]) if half] if found else []
    if not found or len(halves) > 1 or plain.isdecimal():
        raise ValueError(f"{text!r} is not a time of day.")
    hour, minute = int(found["hour"]), 30 if found["thirty"] else int(found["minute"] or 0)
    return datetime.time(_hour_of_day(hour, halves[0]) if halves else hour, minute)


def _hour_of_day(hour: int, half: str) -> int:
    is_afternoon = bool(re.fullmatch(_AFTERNOON, half))
    if hour > 12 and not is_afternoon:
        raise ValueError(f"{hour} is not an hour of the morning.")
    return hour if hour > 12 else hour % 12 + 12 * is_afternoon


def year_of_era(era: str, year: str) -> int:
    """Return the year in the common era. era: its name or its letter. year: digits, or 元 for the first.

    Raises KeyError for an unknown era, ValueError for text that is not a year.
    """
    return ERAS[ERA_LETTERS.get(era.lower(), era)] + (1 if year == "元" else int(year))


def parse_day(text: str) -> datetime.date:
    """Read a date as offices write it: 2026-03-01, 2026/3/1, 20260301, 2026年3月1日, 令和8年3月1日, R8.3.1.

    Raises ValueError for anything else.
    """
    day, rest = split_day(text)
    if rest.strip():
        raise ValueError(f"{rest!r} is not part of a date.")
    return day


def split_day(text: str) -> tuple[datetime.date, str]:
    """Return the date at the beginning, and the folded text after it. Raises ValueError if there is none."""
    plain = search_key(strip_invisible(text))
    found = _DAY.match(plain) or _PLAIN_DAY.match(plain)
    if not found:
        raise ValueError(f"{text!r} does not begin with a date.")
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else year_of_era(parts["era"], parts["of_era"])
    return datetime.date(year, int(parts["month"]), int(parts["day"])), plain[found.end() :]


# Runs of digits in text that is written from right to left.

# After Arabic letters the groups of 03-5744 or #7119 would be shown in the wrong order (Unicode bidirectional
# algorithm, rule W2), so a run of digits with anything between them is isolated. Not in URLs, file names and words.
_DIGIT_RUN = re.compile(
    r"(?<![A-Za-z\d_=?&%@.,+#*/(\u2066-])(?<![A-Za-z\d]:)"
    r"[+#*(]*+\d++(?:(?:[-\u2010\u2011\u00a0 #()/:*]{1,4}|[.,])\d++)*+[#)]?"
    r"(?![A-Za-z_%=&\u2069]|[./-][A-Za-z])"
)


def isolate_digit_runs(text: str, before: str = "\u2066", after: str = "\u2069") -> str:
    """Put each run of digits with something between them into an isolate, so that it keeps its order.

    before, after: what begins and ends an isolate, by default the characters LRI and PDI.
    """
    return _DIGIT_RUN.sub(lambda match: _isolate(match[0], before, after), text)


def _isolate(run: str, before: str, after: str) -> str:
    if re.fullmatch(r"\(*\d+(?:[.,]\d+)?\)?", run):
        return run
    missing = run.count("(") - run.count(")")
    if missing > 0 and run.startswith("("):
        return f"({_isolate(run[1:], before, after)}"
    if missing < 0 and run.endswith(")"):
        return f"{_isolate(run[:-1], before, after)})"
    return f"{before}{run}{after}"


def isolate_in_html(html: str) -> str:
    """Return HTML with isolated runs of digits in its text.

    Tags, isolates, scripts, style sheets and what a person typed into a field stay as they are.
    """
    pieces = _HTML_TO_KEEP.split(html)  # every second one is to be kept
    return "".join(piece if at % 2 else isolate_digit_runs(piece) for at, piece in enumerate(pieces))


_HTML_TO_KEEP = re.compile(
    r"(<(?:style|script|textarea|bdi|title)\b.*?</(?:style|script|textarea|bdi|title)>|<[^<>]*>|&[#\w]+;)",
    re.DOTALL | re.IGNORECASE,
)


def isolate_in_right_to_left(text: str) -> str:
    """Return the text with isolated runs of digits if it has letters that are written from right to left."""
    return isolate_digit_runs(text) if is_right_to_left(text) else text


def is_right_to_left(text: str) -> bool:
    """Whether the text has letters that are written from right to left, such as Arabic ones."""
    return bool(_RIGHT_TO_LEFT.search(text))


_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
