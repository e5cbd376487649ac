"""The project's rules that no linter knows."""

import ast
import re
from pathlib import Path

import allauth
import django
import pytest

from tests.support.project import ROOT, TEMPLATES

APPS = ("portal", "services", "consultations", "classes", "events")


CODE = sorted(file for app in APPS for file in (ROOT / app).rglob("*.py"))


# Email programs ignore style sheets, so only emails have inline styles.
LETTERS = ROOT / "templates" / "notices"


PAGES = [
    file
    for file in TEMPLATES
    if file not in {*LETTERS.glob("*/**/*/*"), LETTERS / "base.html", LETTERS / "_content.html"}
]


TEXTS = sorted(
    file
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "templates/**/*",
        "portal/**/*",
        "services/**/*",
        "benchmarks/**/*",
        "tests/**/*",
    )
    for file in ROOT.glob(pattern)
    if file.suffix in {".md", ".py", ".html", ".txt", ".css", ".toml", ".svg", ".json"}
)


GETTEXT = {"_", "gettext", "gettext_lazy", "pgettext", "pgettext_lazy", "ngettext", "npgettext", "ngettext_lazy"}


# JSON-LD is data: no browser runs it, and the content security policy does not apply to it.
INLINE = r"\sstyle=|\son\w+=|<style\b|<script(?!(?: type=\"application/ld\+json\">|[^>]*\bsrc=))[^>]*>|javascript:"


ELSEWHERE = r"(?:src|<link[^>]*href)=\"(?:https?:)?//[^\"]*"


PHYSICAL = (
    r"(?<![\w-])(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right)\s*:|text-align:\s*(?:left|right)"
)


def name(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name


def calls(file: Path):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node, getattr(node.func, "id", getattr(node.func, "attr", ""))


def offences(files, pattern: str) -> list[str]:
    """Return each forbidden match of a pattern: the file and what was found."""
    return [f"{name(file)}: {found[0]}" for file in files for found in re.finditer(pattern, file.read_text("utf-8"))]


def test_rules_have_something_to_look_at():
    assert len(CODE) > 50
    assert len(PAGES) > 40
    assert len(TEXTS) > 200


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (INLINE, '<p style="color: red">'),
        (INLINE, '<a onclick="go()">'),
        (INLINE, "<script>go()</script>"),
        (INLINE, '<script type="application/json">go()</script>'),
        (ELSEWHERE, '<script src="https://cdn.example/x.js">'),
        (ELSEWHERE, '<link rel="stylesheet" href="//fonts.example/x.css">'),
        (PHYSICAL, "p { margin-left: 4px }"),
        (PHYSICAL, "p { text-align: right }"),
    ],
)
def test_rules_find_a_planted_offence(pattern, planted, tmp_path):
    file = tmp_path / "planted"
    file.write_text(planted, "utf-8")

    assert len(offences([file], pattern)) == 1


def test_pages_hold_no_inline_style_or_script():
    assert offences(PAGES, INLINE) == []


def test_pages_and_styles_load_nothing_from_another_host():
    styles = sorted((ROOT / "portal" / "static").glob("*.css"))
    assert offences(PAGES, ELSEWHERE) == []
    assert offences(styles, r"@import|url\((?!\"?data:|'?data:)[^)]*//[^)]*\)") == []


def test_styles_know_no_left_or_right():
    styles = sorted((ROOT / "portal" / "static").glob("*.css"))

    assert offences(styles, PHYSICAL) == []


def test_partials_say_what_they_need():
    partials = [file for file in PAGES if file.name.startswith("_") or file.parent.name == "components"]

    assert [name(file) for file in partials if not file.read_text("utf-8").startswith("{#")] == []


def test_translated_strings_are_never_built_from_pieces():
    built = [
        f"{name(file)}:{node.lineno}"
        for file in CODE
        for node, called in calls(file)
        if called in GETTEXT and not all(isinstance(part, ast.Constant) for part in node.args[:1])
    ]

    assert built == []


def test_notices_have_subject_text_and_page():
    folders = sorted({file.parent for file in LETTERS.glob("*/**/*/*") if file.is_file()})

    assert folders
    for folder in folders:
        texts = {file.name for file in folder.iterdir()} - {"short.txt"}
        assert texts == {"subject.txt", "body.txt", "body.html"}, name(folder)


def test_migrations_are_named():
    assert [name(file) for file in CODE if file.parent.name == "migrations" and "_auto_" in file.name] == []


def test_the_project_stands_alone():
    words = "|".join(["\\.\\./" + "shared", "/work/" + "main", "\\." + "library"])

    assert offences(TEXTS, words) == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "misc"])
def test_no_file_is_named_for_nothing(word):
    assert [name(file) for file in CODE if file.stem == word] == []


def test_supplement_holds_only_strings_of_the_libraries():
    sources = "\n".join(
        file.read_text("utf-8")
        for package in (django, allauth)
        for pattern in ("**/*.py", "**/*.html", "**/*.txt")
        for file in Path(package.__file__).parent.glob(pattern)
        if "/tests/" not in str(file)
    )
    # In templates, placeholders are written {{name}}; in code, long strings are split.
    sources = re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", sources)
    sources = re.sub(r"\"\s*\n\s*\"", "", sources)
    supplement = ROOT / "services" / "languages" / "library_strings.py"
    strings = {
        part.value for node, _called in calls(supplement) for part in node.args if isinstance(part, ast.Constant)
    }

    assert len(strings) > 70
    assert {string for string in strings if string not in sources} == set()


# --- One name, one meaning -----------------------------------------------------------------------

# Module names that several packages share, because each means the same thing everywhere.
SHARED_MODULE_NAMES = {
    "access": "who may open or read what",
    "actions": "the verbs of a subject, each in one transaction",
    "admin": "pages of Django's admin",
    "apps": "Django's AppConfig",
    "checks": "Django's system checks",
    "clients": "people known to the desk: their table, and the actions about them",
    "demo": "a subject's part of the demo city",
    "drafts": "texts that are saved before they are submitted",
    "errors": "what is shown or raised when something fails",
    "followups": "steps still to take in a case: their table, and the actions about them",
    "formats": "a language's date and number formats, as Django loads them",
    "form_fields": "fields and widgets of forms",
    "forms": "turn a request into clean arguments",
    "inbox": "messages on a person's own page: the channel, and the page",
    "links": "signed links in messages",
    "message_context": "what a subject's objects bring to a message's templates",
    "message_kinds": "the kinds of message that an app sends",
    "middleware": "Django's middleware",
    "models": "tables, their states, QuerySets",
    "personal_data": "what is known of a person, for the download and for deletion",
    "presentation": "rows prepared for a template",
    "public_views": "pages for everyone, beside those for staff",
    "recipients": "rows of other apps to which messages are addressed",
    "referrals": "passing a person on to an organisation: its table, and the actions about it",
    "summaries": "what a registration is for, in words",
    "staff_views": "pages for staff, beside those for everyone",
    "tallies": "counts of the log by month: their tables, and how they are kept",
    "tasks": "Celery tasks",
    "translation": "fields that modeltranslation stores in every language",
    "urls": "URL patterns",
    "views": "pages",
}


SHARED_CLASS_NAMES = {"Command", "Meta"}  # Django's own names


def our_modules() -> list[Path]:
    folders = ("portal", "services", "consultations", "classes", "events")
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in files if "migrations" not in file.parts and file.name != "__init__.py"]


def repeated(names) -> dict[str, list[str]]:
    found = {}
    for name, file in names:
        found.setdefault(name, []).append(str(file.relative_to(ROOT)))
    return {name: files for name, files in found.items() if len(files) > 1}


def test_module_names_have_one_meaning():
    shared = repeated((file.stem, file) for file in our_modules())
    assert {name: files for name, files in shared.items() if name not in SHARED_MODULE_NAMES} == {}
    assert SHARED_MODULE_NAMES.keys() - shared.keys() == set()


def test_class_names_have_one_meaning():
    classes = [
        (node.name, file)
        for file in our_modules()
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.name not in SHARED_CLASS_NAMES
    ]
    assert len(classes) > 200
    assert repeated(classes) == {}


def test_a_second_class_of_one_name_is_found():
    files = [ROOT / "portal" / "a.py", ROOT / "services" / "b.py"]
    assert repeated([("Line", files[0]), ("Line", files[1])]) == {"Line": ["portal/a.py", "services/b.py"]}


def test_test_files_do_not_import_one_another():
    """Shared helpers belong in tests/factories and tests/support."""
    imported = r"^\s*(?:from|import) tests\.(?:\w+\.)*test_\w+"
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    assert [found for file in files for found in re.findall(imported, file.read_text("utf-8"), re.MULTILINE)] == []
