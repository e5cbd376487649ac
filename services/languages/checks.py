"""System checks for the offered languages: without a compiled catalogue, a language is silently unusable."""

from django.conf import settings
from django.core.checks import Error, register
from django.utils.translation import check_for_language, get_language_info

from services.languages.catalogue import compiled_file
from services.languages.registry import SPOKEN


@register()
def languages_usable(app_configs, **options):
    """Every offered language needs an entry in Django's table and in ours, and a compiled catalogue."""
    errors = []
    for code, _name in settings.LANGUAGES:
        try:
            get_language_info(code)
        except KeyError:
            errors.append(Error(f"Django knows nothing about the language {code}.", id="languages.E001"))
        if code not in SPOKEN:
            errors.append(Error(f"{code} is missing in services/languages/registry.py.", id="languages.E002"))
        elif not check_for_language(code) or not compiled_file(code).is_file():
            errors.append(
                Error(
                    f"The catalogue of {code} is not compiled, so nobody could read the portal in it.",
                    hint="Run manage.py compile_catalogues.",
                    id="languages.E003",
                )
            )
    return errors
