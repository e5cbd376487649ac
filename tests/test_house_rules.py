"""The rules of the house that no linter knows."""

import ast
import re
from pathlib import Path

import allauth
import django
import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("portal", "services", "consultations", "classes", "events")
CODE = sorted(file for app in APPS for file in (ROOT / app).rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Mail programs read no style sheets, so mails alone carry their style with them.
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


# JSON-LD is data: no browser runs it, and the content security policy has nothing to say about it.
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
    """Where a pattern stands that may not: file and what was found."""
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
    # In templates, placeholders are written {{name}}; in code, long strings stand in pieces.
    sources = re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", sources)
    sources = re.sub(r"\"\s*\n\s*\"", "", sources)
    supplement = ROOT / "services" / "languages" / "supplement.py"
    strings = {
        part.value for node, _called in calls(supplement) for part in node.args if isinstance(part, ast.Constant)
    }

    assert len(strings) > 70
    assert {string for string in strings if string not in sources} == set()
