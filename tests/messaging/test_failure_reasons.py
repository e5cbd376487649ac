"""Every failure reason that the ledger can store has a text on the page in the reader's language."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from services.messaging.failure_reasons import describe

SERVICES = Path(settings.BASE_DIR) / "services"
FILES = [*SERVICES.glob("messaging/**/*.py"), *SERVICES.glob("notices/subscriptions/*.py")]
FAULTS = {"PermanentDeliveryError", "TemporaryDeliveryError", "DeliveryUnknownError"}


def text_of(node) -> str | None:
    """Return a sentence from the code, with one word in place of each inserted detail."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "detail" for part in node.values)
    return None


def causes() -> set[str]:
    """Return every failure reason in the code: those of raised errors, and those stored as text."""
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
    assert "Sending was interrupted." in CAUSES


@pytest.mark.parametrize(
    "cause", [*CAUSES, "The email bounced: this email address does not exist (5.1.1).", "The email bounced (5.2.2)."]
)
def test_cause_is_said_in_japanese(cause):
    with translation.override("ja"):
        assert not describe(cause).isascii()
    with translation.override("en"):
        assert describe(cause).isascii()
