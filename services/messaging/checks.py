"""System checks: what the kinds of messages, the reminders and the channels need is there when the portal starts."""

from pathlib import Path

from django.core.checks import CheckMessage, Error, register
from django.template.engine import Engine
from django.template.exceptions import TemplateDoesNotExist

from services.messaging.channels import CHANNELS
from services.messaging.kinds import MESSAGE_KINDS, REMINDER_HANDLERS, REMINDER_KINDS, Audience, MessageKind
from services.messaging.models import Message

FOLDER = "notices"
TEMPLATES = ("subject.txt", "body.txt", "body.html")


@register
def check_message_kinds(app_configs, **options) -> list[CheckMessage]:
    """Find kinds without their templates, and folders of templates without a kind."""
    errors = [
        Error(f"The message kind {kind.folder!r} has no template {name}.", id="messaging.E001")
        for kind in MESSAGE_KINDS.values()
        for name in _missing_templates(kind)
    ]
    errors += [
        Error(f"No message kind is declared for the templates in {FOLDER}/{folder}/.", id="messaging.E002")
        for folder in sorted(_template_folders() - set(MESSAGE_KINDS))
    ]
    return errors + [
        Error(f"The message kind {folder!r} is too long for Message.kind.", id="messaging.E003")
        for folder in MESSAGE_KINDS
        if len(folder) > Message._meta.get_field("kind").max_length
    ]


@register
def check_reminder_kinds(app_configs, **options) -> list[CheckMessage]:
    """Find kinds of reminders that nobody handles."""
    return [
        Error(f"The reminder kind {name!r} has no handler.", id="messaging.E004")
        for name in REMINDER_KINDS
        if name not in REMINDER_HANDLERS
    ]


@register
def check_channels(app_configs, **options) -> list[CheckMessage]:
    """Find channels whose code the database could not store."""
    longest = Message._meta.get_field("channel").max_length
    return [
        Error(
            f"The code of the channel {code!r} must be lower-case ASCII, {longest} letters at most.",
            id="messaging.E005",
        )
        for code in CHANNELS
        if not (code.isascii() and code.isidentifier() and code == code.lower() and len(code) <= longest)
    ]


def _missing_templates(kind: MessageKind) -> list[str]:
    needs_short_text = kind.needs_short_text and kind.audience == Audience.RESIDENT
    names = [*TEMPLATES, *(["short.txt"] if needs_short_text else [])]
    return [name for name in names if not _exists(f"{FOLDER}/{kind.folder}/{name}")]


def _exists(template: str) -> bool:
    try:
        Engine.get_default().find_template(template)
    except TemplateDoesNotExist:
        return False
    return True


def _template_folders() -> set[str]:
    """Return the folders that contain a message's templates, relative to the folder of all messages."""
    roots = [Path(directory, FOLDER) for loader in Engine.get_default().template_loaders for directory in _dirs(loader)]
    return {file.parent.relative_to(root).as_posix() for root in roots for file in root.glob("*/**/subject.txt")}


def _dirs(loader) -> list:
    """Return a loader's directories; a caching loader has loaders of its own."""
    if nested := getattr(loader, "loaders", []):
        return [directory for inner in nested for directory in _dirs(inner)]
    return list(loader.get_dirs()) if hasattr(loader, "get_dirs") else []
