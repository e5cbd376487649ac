"""Every reason that the ledger can hold is known to the page that says it in the reader's language."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from services.notices.causes import in_words

NOTICES = Path(settings.BASE_DIR) / "services" / "notices"
FILES = [*NOTICES.glob("channels/*.py"), *NOTICES.glob("actions/*.py"), *NOTICES.glob("management/commands/*.py")]
FAULTS = {"Undeliverable", "TryLater", "Unclear"}


def text_of(node) -> str | None:
    """A sentence as it stands in the code, with a word where a detail is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "detail" for part in node.values)
    return None


def causes() -> set[str]:
    """What is raised as a fault, and the sentences that begin where a reason is written down."""
    found = set()
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAULTS:
                found.add(text_of(node.args[0]))
            if is_named(node) and node.targets[0].id.isupper():
                text = text_of(node.value)
                if text and text.endswith(".") and " " in text:
                    found.add(text)
            if isinstance(node, ast.IfExp) and text_of(node.body) and "mail server" in text_of(node.body):
                found |= {text_of(node.body), text_of(node.orelse)}
    return {cause for cause in found if cause}


def is_named(node) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)


CAUSES = sorted(causes())


def test_there_are_causes_to_look_at():
    assert len(CAUSES) >= 15
    assert "The worker was lost while sending." in CAUSES


@pytest.mark.parametrize("cause", [*CAUSES, "It came back: there is no such address (5.1.1).", "It came back (5.2.2)."])
def test_cause_is_said_in_japanese(cause):
    with translation.override("ja"):
        assert not in_words(cause).isascii()
    with translation.override("en"):
        assert in_words(cause).isascii()
