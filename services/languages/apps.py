"""Languages: negotiation, fallbacks, furigana, catalogues."""

from django.apps import AppConfig

from services.languages import checks  # noqa: F401  importing registers them


class LanguagesConfig(AppConfig):
    """Registers the checks that every offered language is usable. Has no models."""

    name = "services.languages"
    label = "languages"
