"""The project's files."""

from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
