"""Choosing a language in a form: each by its own name, marked as the language that it is (WCAG 3.1.2)."""

from collections.abc import Container

from django import forms
from django.conf import settings

from services.languages.table import SPOKEN


class _Marked:
    """A widget whose options say which language they are written in."""

    def create_option(self, name, value, label, *args, **options):
        """The option with `lang` and `dir`."""
        option = super().create_option(name, value, label, *args, **options)
        if language := SPOKEN.get(str(value)):
            option["attrs"] |= {"lang": language.code, "dir": language.dir}
        return option


class LanguageSelect(_Marked, forms.Select):
    """One language from a list that folds out."""


class LanguageTicks(_Marked, forms.CheckboxSelectMultiple):
    """Any number of languages to tick."""


def own_names(among: Container[str] = SPOKEN) -> list[tuple[str, str]]:
    """The languages that the city offers, as a form's choices. among: only these codes."""
    return [(language.code, language.own_name) for language in settings.CITY.offered() if language.code in among]


class LanguageField(forms.ChoiceField):
    """One of the offered languages. empty: what stands for none of them. among: only these codes."""

    widget = LanguageSelect

    def __init__(self, *, empty: str = "", among: Container[str] = SPOKEN, **options):
        super().__init__(choices=lambda: [*([("", empty)] if empty else []), *own_names(among)], **options)


class LanguagesField(forms.MultipleChoiceField):
    """Some of the offered languages."""

    widget = LanguageTicks

    def __init__(self, **options):
        super().__init__(choices=own_names, **options)
