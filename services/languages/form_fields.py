"""Form fields to choose languages by their own names, with `lang` and `dir` on each option (WCAG 3.1.2)."""

from collections.abc import Container

from django import forms
from django.conf import settings

from services.languages.registry import SPOKEN


class _LanguageChoices:
    """A mixin for widgets whose options state their language."""

    def create_option(self, name, value, label, *args, **options):
        """Add `lang` and `dir` to the option."""
        option = super().create_option(name, value, label, *args, **options)
        if language := SPOKEN.get(str(value)):
            option["attrs"] |= {"lang": language.code, "dir": language.dir}
        return option


class LanguageSelect(_LanguageChoices, forms.Select):
    """A drop-down list of languages."""


class LanguageCheckboxes(_LanguageChoices, forms.CheckboxSelectMultiple):
    """A check box for each language."""


def own_name_choices(among: Container[str] = SPOKEN) -> list[tuple[str, str]]:
    """Return the languages that the city offers as form choices. among: only these codes."""
    return [(language.code, language.own_name) for language in settings.CITY.offered() if language.code in among]


class LanguageField(forms.ChoiceField):
    """A choice of one offered language. empty: the label for no choice. among: only these codes."""

    widget = LanguageSelect

    def __init__(self, *, empty: str = "", among: Container[str] = SPOKEN, **options):
        super().__init__(choices=lambda: [*([("", empty)] if empty else []), *own_name_choices(among)], **options)


class LanguagesField(forms.MultipleChoiceField):
    """A choice of several offered languages."""

    widget = LanguageCheckboxes

    def __init__(self, **options):
        super().__init__(choices=own_name_choices, **options)
