"""The languages offered, fallback, furigana, the catalogue."""

from django.apps import AppConfig

from services.languages import checks  # noqa: F401  importing registers them


class LanguagesConfig(AppConfig):
    """No tables; brings the checks that no language is offered in name only."""

    name = "services.languages"
    label = "languages"
