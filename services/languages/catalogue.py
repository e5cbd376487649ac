"""The translation catalogues: where they are, how to compile them in pure Python, and what may be wrong with them."""

import re
from pathlib import Path

import polib
from django.conf import settings
from django.utils.translation import to_locale

from services.languages.furigana import RUBY
from services.languages.plain_english import find_habits
from services.languages.registry import SPOKEN

KANJI = re.compile("[\u3400-\u9fff々〆ヶ]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
POSITIONAL = {"%s", "%d"}
TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*")
PLURALS = {
    "en": "nplurals=2; plural=(n != 1);",
    "da": "nplurals=2; plural=(n != 1);",
    "ne": "nplurals=2; plural=(n != 1);",
    "fil": "nplurals=2; plural=(n > 1);",
    "ar": (
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2"
        " : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5;"
    ),
    **dict.fromkeys(("ja", "ja-simple", "zh-hans", "ko", "vi"), "nplurals=1; plural=0;"),
}
# The languages of staff pages; strings that only staff see need no others.
STAFF_LANGUAGES = {"ja", "en"}
STAFF_PLACES = ("templates/staff/", "templates/admin/", "templates/mfa/", "/admin.py")
# A translator's comment in an entry whose translation is the same as the English source, because the language
# has borrowed the word ("Menu", "Password").
LOAN_WORD = "loan word"
# Text that is the same in every language: names, numbers, formats.
SAME_EVERYWHERE = re.compile(r"^[\W\d_]*$|^(Tabunka|E-?mail|SMS|iCal|Atom|%\(\w+\)s|\W)+$")


def source_file(code: str) -> Path:
    """Return the path of a language's catalogue (.po)."""
    return Path(settings.LOCALE_PATHS[-1], to_locale(code), "LC_MESSAGES", "django.po")


def compiled_file(code: str) -> Path:
    """Return the path of a language's compiled catalogue (.mo)."""
    return source_file(code).with_suffix(".mo")


def city_files() -> dict[str, Path]:
    """Return the catalogues of the cities' own wording by `city/language`: a ward is not called a city."""
    found = {}
    for code in SPOKEN:
        for file in sorted(Path(settings.CITY_PRESETS).glob(f"*/{to_locale(code)}/LC_MESSAGES/django.po")):
            found[f"{file.parts[-4]}/{code}"] = file
    return found


def compile_all() -> list[str]:
    """Compile all catalogues, also the cities' own, that are newer than their compiled files; return their names."""
    done = []
    for name, source in ({code: source_file(code) for code in SPOKEN} | city_files()).items():
        target = source.with_suffix(".mo")
        if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
            polib.pofile(source).save_as_mofile(target)
            done.append(name)
    return done


def is_for_staff(entry: polib.POEntry) -> bool:
    """Whether only staff can see the string: by its context ("staff", "staff: …") or the files that it occurs in."""
    if (entry.msgctxt or "").partition(":")[0] == "staff":
        return True
    return bool(entry.occurrences) and all(
        any(place in f"/{file}" for place in STAFF_PLACES) for file, _line in entry.occurrences
    )


def faults(code: str, catalogue: polib.POFile) -> list[str]:
    """Return all faults of a language's catalogue, each as a sentence that names the string."""
    found = []
    if catalogue.metadata.get("Plural-Forms") != PLURALS[code]:
        found.append(f"{code}: Plural-Forms must be {PLURALS[code]!r}")
    for entry in catalogue:
        if not entry.obsolete:
            problems = _faults_of(code, entry) + (find_habits(entry) if code == "en" else [])
            found += [f"{code}: {fault}: {entry.msgid[:70]!r}" for fault in problems]
    return found


def city_faults() -> list[str]:
    """Return all faults of the cities' catalogues, such as an entry that replaces nothing and so is never used."""
    found = []
    for name, file in city_files().items():
        city, code = name.split("/")
        own = polib.pofile(file)
        said = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(source_file(code)) if not entry.obsolete}
        found += [f"{city}/{fault}" for fault in faults(code, own)]
        found += [
            f"{name}: replaces nothing: {entry.msgid[:70]!r}"
            for entry in own
            if (entry.msgctxt, entry.msgid) not in said
        ]
    return found


def _faults_of(code: str, entry: polib.POEntry) -> list[str]:
    if entry.fuzzy:
        return ["fuzzy"]
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if code == "en" or (
        is_for_staff(entry) and code not in STAFF_LANGUAGES
    ):  # English is the source: its catalogue holds only plurals and exceptions
        texts = [text for text in texts if text]
    elif not all(texts):
        return ["missing"]
    if entry.msgid_plural and texts and len(texts) != int(PLURALS[code][9]):
        return [f"needs {PLURALS[code][9]} plural forms"]
    return [fault for text in texts for fault in _faults_between(code, entry, text)]


def _faults_between(code: str, entry: polib.POEntry, text: str) -> list[str]:
    found = []
    sources = [entry.msgid, entry.msgid_plural or entry.msgid]
    plain = RUBY.sub("", text)
    wanted = [set(PLACEHOLDER.findall(source)) for source in sources]
    has = set(PLACEHOLDER.findall(plain))
    # A plural form may leave out a named number ("one page"), but no positional placeholder.
    left_out = (wanted[1] - has) if entry.msgid_plural else set()
    if has | left_out not in wanted or left_out & POSITIONAL:
        found.append("other placeholders than the source")
    if sorted(TAG.findall(text)) not in [sorted(TAG.findall(source)) for source in sources]:
        found.append("other HTML tags than the source")
    if code != "en" and text == entry.msgid and not _may_be_same(entry):
        found.append("copied from the source")
    if code == "ja-simple" and KANJI.search(plain):
        found.append("kanji without furigana")
    if code != "ja-simple" and RUBY.search(text):
        found.append("furigana outside Easy Japanese")
    return found


def _may_be_same(entry: polib.POEntry) -> bool:
    return bool(SAME_EVERYWHERE.match(entry.msgid)) or LOAN_WORD in entry.tcomment.splitlines()
