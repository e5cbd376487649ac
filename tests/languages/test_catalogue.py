"""The catalogue is complete, and each planted fault is found and named."""

import io
import os
import re
import shutil

import polib
import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import to_locale

from services.languages import catalogue
from services.languages.catalogue import PLURALS, faults, is_for_staff
from services.languages.checks import languages_usable
from services.languages.plain_english import EXCEPTIONS, HABITS
from services.languages.registry import SPOKEN

TEMPLATE = ("portal/home.html", "1")
STAFF_TEMPLATE = ("templates/staff/board.html", "1")

# Words used only for a ward or a district, in the languages that have a separate word for it.
WARD = {
    "ja": "(?<!大田)区",
    "zh-hans": "区役所|区政|区里|全区",
    "ko": "구청|(?<!창)구에서|구 전체",
    "ne": "वडा",
    "vi": "[Qq]uận(?! Ota)",
}


def entry(msgid="Hello", msgstr="नमस्ते", occurrences=(TEMPLATE,), **more):
    return polib.POEntry(msgid=msgid, msgstr=msgstr, occurrences=list(occurrences), **more)


def one(code, *entries, plural=None):
    made = polib.POFile()
    made.metadata = {"Plural-Forms": plural or PLURALS[code], "Content-Type": "text/plain; charset=utf-8"}
    made.extend(entries)
    return faults(code, made)


@pytest.mark.parametrize("code", SPOKEN)
def test_catalogue_of_the_portal_is_whole(code):
    assert faults(code, polib.pofile(catalogue.source_file(code))) == []


def test_whole_entry_has_no_fault():
    assert one("ne", entry()) == []
    assert one("ja-simple", entry(msgstr="{漢字|かんじ}です")) == []
    assert one("ar", entry("%(n)s page", "", msgid_plural="%(n)s pages",
                           msgstr_plural=dict.fromkeys(range(6), "%(n)s صفحة"))) == []  # fmt: skip


@pytest.mark.parametrize(
    ("code", "planted", "fault"),
    [
        ("ne", entry(msgstr=""), "ne: missing: 'Hello'"),
        ("ne", entry(flags=["fuzzy"]), "ne: fuzzy: 'Hello'"),
        ("en", entry(flags=["fuzzy"]), "en: fuzzy: 'Hello'"),
        ("ne", entry("%(city)s", "%(ville)s नमस्ते"), "ne: other placeholders than the source: '%(city)s'"),
        ("ne", entry("Hi %(city)s", "नमस्ते"), "ne: other placeholders than the source: 'Hi %(city)s'"),
        ("ne", entry("Hi {name}", "नमस्ते {nom}"), "ne: other placeholders than the source: 'Hi {name}'"),
        ("ne", entry("Hi", "नमस्ते %s"), "ne: other placeholders than the source: 'Hi'"),
        ("ne", entry("Go <b>on</b>", "जानुहोस्"), "ne: other HTML tags than the source: 'Go <b>on</b>'"),
        ("ne", entry("Go <b>on</b>", "<i>जाऊ</i>"), "ne: other HTML tags than the source: 'Go <b>on</b>'"),
        ("ne", entry("Go <b>on</b>", "<b>जाऊ<b>"), "ne: other HTML tags than the source: 'Go <b>on</b>'"),
        ("ne", entry(msgstr="Hello"), "ne: copied from the source: 'Hello'"),
        ("da", entry(msgstr="Hello"), "da: copied from the source: 'Hello'"),
        ("ja-simple", entry(msgstr="漢字です"), "ja-simple: kanji without furigana: 'Hello'"),
        ("ja-simple", entry(msgstr="{漢字|かんじ}と人"), "ja-simple: kanji without furigana: 'Hello'"),
        ("ja", entry(msgstr="{漢字|かんじ}"), "ja: furigana outside Easy Japanese: 'Hello'"),
        ("ja", entry(msgstr="", occurrences=[STAFF_TEMPLATE]), "ja: missing: 'Hello'"),
        ("ne", entry("%(n)s page", "", msgid_plural="%(n)s pages", msgstr_plural={0: "%(n)s पृष्ठ"}),
         "ne: needs 2 plural forms: '%(n)s page'"),
        ("ar", entry("%(n)s page", "", msgid_plural="%(n)s pages", msgstr_plural={0: "%(n)s ص", 1: "%(n)s ص"}),
         "ar: needs 6 plural forms: '%(n)s page'"),
        ("ne", entry("%(n)s page", "", msgid_plural="%(n)s pages", msgstr_plural={0: "%(n)s पृष्ठ", 1: ""}),
         "ne: missing: '%(n)s page'"),
    ],
)  # fmt: skip
def test_planted_fault_is_found_and_named(code, planted, fault):
    assert one(code, planted) == [fault]


@pytest.mark.parametrize("code", SPOKEN)
def test_wrong_plural_header_is_found(code):
    assert one(code, plural="nplurals=INTEGER; plural=EXPRESSION;") == [
        f"{code}: Plural-Forms must be {PLURALS[code]!r}"
    ]


def test_what_is_the_same_everywhere_may_be_copied():
    assert one("ne", entry("Tabunka", "Tabunka"), entry("123", "123"), entry("iCal", "iCal")) == []


def test_translator_declares_a_loan_word_with_a_comment():
    assert one("da", entry("Menu", "Menu", tcomment="loan word")) == []
    assert one("da", entry("Menu", "Menu", tcomment="As in a restaurant.\nloan word")) == []
    assert one("da", entry("Menu", "Menu", tcomment="no loan word")) == ["da: copied from the source: 'Menu'"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You are registered for this already.", "already."),
        ("Please write a name.", "Please write"),
        ("You need no account.", "You need no "),
        ("You cannot do this anymore.", "anymore."),
        ("Somebody else has it", "Somebody"),
    ],
)
def test_english_habit_is_found_in_the_source(text, found):
    [fault] = one("en", entry(text, ""))
    assert fault.startswith(f"en: not plain English ({found}; better: ")
    assert one("ne", entry(text)) == []


def test_plain_english_is_judged_by_what_the_reader_sees():
    assert one("en", entry("You are no longer a member.", ""), entry("There is no account.", "")) == []
    assert one("en", entry("Please type your current password.", "Enter your current password.")) == []
    assert (
        len(one("en", entry("%(n)s row", "", msgid_plural="%(n)s rows once more", msgstr_plural={0: "", 1: ""}))) == 1
    )


def test_exceptions_from_plain_english_have_a_reason_and_are_needed():
    sources = {found.msgid: found for found in polib.pofile(catalogue.source_file("en"))}
    for text, reason in EXCEPTIONS.items():
        assert reason
        assert text in sources
        assert any(re.search(pattern, text, re.IGNORECASE) for pattern in HABITS)


def test_obsolete_entries_are_left_alone():
    assert one("ne", entry(msgstr="", obsolete=True)) == []


def test_strings_for_staff_need_only_the_languages_of_staff():
    assert one("ne", entry(msgstr="", msgctxt="staff"), entry("B", "", occurrences=[STAFF_TEMPLATE])) == []
    assert one("ja", entry(msgstr="", msgctxt="staff")) == ["ja: missing: 'Hello'"]
    assert is_for_staff(entry(occurrences=[STAFF_TEMPLATE, TEMPLATE])) is False
    assert is_for_staff(entry(occurrences=[])) is False


@pytest.fixture
def own_locale(tmp_path, settings):
    """A copy of the catalogues that a test may damage."""
    shutil.copytree(settings.LOCALE_PATHS[-1], tmp_path / "locale")
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    settings.CITY_PRESETS = tmp_path / "cities"
    return tmp_path / "locale"


def test_command_names_every_fault_and_fails(own_locale):
    for code in SPOKEN:
        file = catalogue.source_file(code)
        made = polib.pofile(file)
        made.clear()
        made.append(entry(msgstr="" if code in {"ne", "ar"} else "{語|ご}" if code == "ja-simple" else f"x{code}"))
        made.save(str(file))
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 faults"):
        call_command("check_catalogues", no_extract=True, stdout=out)
    assert out.getvalue().splitlines() == ["ne: missing: 'Hello'", "ar: missing: 'Hello'"]
    out = io.StringIO()
    call_command("check_catalogues", no_extract=True, language="da", stdout=out)
    assert out.getvalue() == "The catalogues are whole.\n"


def test_own_words_of_every_city_are_whole():
    assert "copenhagen/ja" in catalogue.city_files()
    assert catalogue.city_faults() == []


def test_own_words_of_a_city_are_checked_like_the_others_and_must_replace_something(own_locale, tmp_path):
    file = tmp_path / "cities" / "atlantis" / "ne" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    made = polib.POFile()
    made.metadata = {"Plural-Forms": PLURALS["ne"], "Content-Type": "text/plain; charset=utf-8"}
    made.extend([entry("News from the city", ""), entry("A sentence that nobody says", "नमस्ते")])
    made.save(str(file))
    found = [
        "atlantis/ne: missing: 'News from the city'",
        "atlantis/ne: replaces nothing: 'A sentence that nobody says'",
    ]
    assert catalogue.city_faults() == found
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 faults"):
        call_command("check_catalogues", no_extract=True, stdout=out)
    assert out.getvalue().splitlines() == found


@pytest.mark.parametrize("code", WARD)
def test_copenhagen_is_nowhere_called_a_ward(code):
    """Ota is a ward and Guro a district; every sentence that says so must have a different version for a city."""
    ward = re.compile(WARD[code])
    said = [found for found in polib.pofile(catalogue.source_file(code)) if not is_for_staff(found)]
    of_wards = {(found.msgctxt, found.msgid) for found in said if ward.search(found.msgstr)}
    own = polib.pofile(catalogue.city_files()[f"copenhagen/{code}"])
    assert of_wards - {(found.msgctxt, found.msgid) for found in own} == set()
    assert [found.msgid for found in own if ward.search(found.msgstr)] == []


@pytest.mark.servers
@pytest.mark.once
def test_extraction_is_repeatable_and_the_check_finds_whatever_it_would_change(tmp_path):
    """Use a copy of the project: add a new string to a template, then change a catalogue's format."""
    from tests.support.servers import ROOT, environment, manage

    copy = tmp_path / "portal-copy"
    kept = shutil.ignore_patterns(".venv", ".git", "var", "tests", "demo_articles", "__pycache__", "docs")
    shutil.copytree(ROOT, copy, ignore=kept)
    env = environment(VAR_DIR=str(tmp_path / "var"))
    files = {code: copy / "locale" / to_locale(code) / "LC_MESSAGES/django.po" for code in SPOKEN}

    def changed_by_extraction():
        lines = manage("check_catalogues", env=env, cwd=copy, check=False).stdout.splitlines()
        return [line.partition(":")[0] for line in lines if line.endswith("run `make messages`")]

    manage("extract_messages", env=env, cwd=copy)
    before = {code: file.read_bytes() for code, file in files.items()}
    assert changed_by_extraction() == []

    (copy / "templates" / "new.html").write_text('{% translate "A sentence that nobody has extracted" %}')
    assert changed_by_extraction() == list(SPOKEN)
    assert {code: file.read_bytes() for code, file in files.items()} == before

    (copy / "templates" / "new.html").unlink()
    files["ne"].write_bytes(before["ne"] + b"\n")
    assert changed_by_extraction() == ["ne"]


def test_compiling_writes_only_what_changed_and_django_reads_it(own_locale):
    for file in own_locale.rglob("*.mo"):
        file.unlink()
    assert catalogue.compile_all() == list(SPOKEN)
    assert catalogue.compile_all() == []
    source = catalogue.source_file("ne")
    made = polib.pofile(source)
    made.append(entry("A new word", "नयाँ शब्द"))
    made.save(str(source))
    later = catalogue.compiled_file("ne").stat().st_mtime + 1
    os.utime(source, (later, later))
    assert catalogue.compile_all() == ["ne"]
    assert polib.mofile(catalogue.compiled_file("ne")).find("A new word").msgstr == "नयाँ शब्द"


def test_check_is_silent_when_every_language_is_compiled():
    assert languages_usable(None) == []


@pytest.mark.parametrize("code", ["ne", "ja-simple", "fil"])
def test_check_fails_for_a_language_that_is_not_compiled(own_locale, code):
    catalogue.compile_all()
    catalogue.compiled_file(code).unlink()
    assert [error.id for error in languages_usable(None)] == ["languages.E003"]
    assert code in languages_usable(None)[0].msg


def test_check_fails_for_a_language_that_nobody_knows(settings):
    settings.LANGUAGES = [("en", "English"), ("xx", "Xx"), ("fr", "Français")]
    assert [error.id for error in languages_usable(None)] == ["languages.E001", "languages.E002", "languages.E002"]
