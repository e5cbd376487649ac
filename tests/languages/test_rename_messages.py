"""Rewording source strings carries over the translations in every catalogue, or changes nothing."""

import io
import json

import polib
import pytest
from django.core.management import CommandError, call_command

from services.languages import catalogue
from services.languages.registry import SPOKEN

PLURAL = {"msgid_plural": "%(n)s old pages", "msgstr_plural": {0: "eins", 1: "zwei"}}


@pytest.fixture
def files(tmp_path, settings):
    """Small catalogues of all languages and of one city, by name; each translation states its catalogue and number."""
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    settings.CITY_PRESETS = tmp_path / "cities"
    made = {code: catalogue.source_file(code) for code in SPOKEN}
    made["atlantis/ne"] = tmp_path / "cities" / "atlantis" / "ne" / "LC_MESSAGES" / "django.po"
    for name, file in made.items():
        file.parent.mkdir(parents=True)
        entries = polib.POFile()
        entries.metadata = {"Content-Type": "text/plain; charset=utf-8"}
        entries.append(polib.POEntry(msgid="Old", msgstr=f"{name} 1", occurrences=[("portal/home.html", "")]))
        if name != "atlantis/ne":
            entries.append(polib.POEntry(msgid="Old", msgctxt="staff", msgstr=f"{name} 2"))
            entries.append(polib.POEntry(msgid="Hello %(name)s", msgstr=f"{name} 3 %(name)s"))
            entries.append(polib.POEntry(msgid="%(n)s old page", **PLURAL))
            entries.append(polib.POEntry(msgid="There", msgstr=f"{name} 4", occurrences=[("portal/there.html", "")]))
            entries.append(polib.POEntry(msgid="Empty"))
        entries.save(str(file))
    return made


def rename(tmp_path, *rows, **options) -> str:
    """Run the command with these rows; return its output."""
    table = tmp_path / "table.json"
    table.write_text(json.dumps([{"context": None, **row} for row in rows]), encoding="utf-8")
    out = io.StringIO()
    call_command("rename_messages", str(table), stdout=out, **options)
    return out.getvalue()


def translations(file) -> dict:
    return {(entry.msgctxt, entry.msgid): entry.msgstr for entry in polib.pofile(file)}


def test_translations_of_every_catalogue_come_along(files, tmp_path):
    assert rename(tmp_path, {"old": "Old", "new": "New"}) == "Renamed: 1.\n"
    for name, file in files.items():
        found = translations(file)
        assert found[None, "New"] == f"{name} 1"
        assert (None, "Old") not in found
    assert translations(files["ne"])["staff", "Old"] == "ne 2"


def test_plural_form_comes_along(files, tmp_path):
    rename(tmp_path, {"old": "%(n)s old page", "new": "%(n)s page", "new_plural": "%(n)s pages"})
    entry = polib.pofile(files["da"]).find("%(n)s page")
    assert (entry.msgid_plural, entry.msgstr_plural) == ("%(n)s pages", {0: "eins", 1: "zwei"})


def test_new_string_that_exists_keeps_its_own_translation(files, tmp_path):
    rename(tmp_path, {"old": "Old", "new": "There"})
    found = polib.pofile(files["ne"])
    assert [(entry.msgstr, entry.occurrences) for entry in found if entry.msgid == "There"] == [
        ("ne 4", [("portal/home.html", ""), ("portal/there.html", "")])
    ]
    assert [entry.msgctxt for entry in found if entry.msgid == "Old"] == ["staff"]


def test_new_string_that_exists_without_translation_gets_one(files, tmp_path):
    rename(tmp_path, {"old": "Old", "new": "Empty"})
    assert translations(files["ne"])[None, "Empty"] == "ne 1"


def test_chain_of_renames_does_not_meet(files, tmp_path):
    rename(tmp_path, {"old": "Old", "new": "There"}, {"old": "There", "new": "Elsewhere"})
    found = translations(files["ne"])
    assert (found[None, "There"], found[None, "Elsewhere"]) == ("ne 1", "ne 4")


def test_changed_meaning_is_listed_and_flagged_only_on_request(files, tmp_path):
    row = {"old": "Old", "new": "New", "meaning_changed": True}
    assert rename(tmp_path, row) == "Renamed: 1.\nTo review: 'New' (was 'Old')\n"
    assert polib.pofile(files["ne"]).find("New").flags == []
    rename(tmp_path, {**row, "old": "New", "new": "Newer"}, fuzzy=True)
    entry = polib.pofile(files["ne"]).find("Newer")
    assert (entry.msgstr, entry.flags) == ("ne 1", ["fuzzy"])


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"old": "Nowhere", "new": "X"}, "not in the catalogue: 'Nowhere' (None)"),
        ({"old": "There", "new": "X", "context": "staff"}, "not in the catalogue: 'There' (staff)"),
        ({"old": "Hello %(name)s", "new": "Hi"}, "placeholders differ: 'Hello %(name)s' and 'Hi'"),
        ({"old": "Hello %(name)s", "new": "Hi %(who)s"}, "placeholders differ: 'Hello %(name)s' and 'Hi %(who)s'"),
        ({"old": "%(n)s old page", "new": "%(n)s page"}, "plural form missing or unexpected: '%(n)s old page'"),
        ({"old": "There", "new": "X", "new_plural": "Xs"}, "plural form missing or unexpected: 'There'"),
        ({"old": "There", "newer": "X"}, "unexpected keyword argument 'newer'"),
    ],
)
def test_table_with_a_mistake_changes_nothing(files, tmp_path, row, problem):
    before = {name: file.read_bytes() for name, file in files.items()}
    with pytest.raises(CommandError) as refused:
        rename(tmp_path, {"old": "Old", "new": "New"}, row)
    assert problem in str(refused.value)
    assert {name: file.read_bytes() for name, file in files.items()} == before


def test_string_renamed_twice_is_refused(files, tmp_path):
    with pytest.raises(CommandError, match="renamed twice: 'Old'"):
        rename(tmp_path, {"old": "Old", "new": "New"}, {"old": "Old", "new": "Newer"})
