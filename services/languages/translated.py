"""Translated model fields: read in the reader's language, or in a fallback language that is marked as such."""

from dataclasses import dataclass
from functools import cache

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from modeltranslation.manager import MultilingualManager, MultilingualQuerySet
from modeltranslation.utils import resolution_order

from services.languages.names import NAMES
from services.languages.registry import SPOKEN, Language


@dataclass(frozen=True, slots=True)
class TranslatedText:
    """A text and the language in which it was found.

    In a template, a text that is not in the reader's language gets `lang`, `dir` and a note (WCAG 3.1.2).
    `marked` leaves the note out, for places that have a note of their own.
    """

    value: str
    language: Language
    wanted: str

    @property
    def is_fallback(self) -> bool:
        """Whether the text is not in the wanted language. Japanese counts as a fallback for Easy Japanese."""
        return bool(self.value) and self.language.code != self.wanted

    @property
    def language_name(self) -> str:
        """The name of the text's language, in the reader's language."""
        return str(NAMES[self.language.code])

    @property
    def marked(self) -> str:
        """The text with its language and direction, without the note."""
        if not self.is_fallback:
            return conditional_escape(self.value)
        # Faster than format_html, which checks each part: a list may hold forty of these.
        head = f'<span lang="{self.language.code}" dir="{self.language.dir}">'
        return SafeString(f"{head}{conditional_escape(self.value)}</span>")

    def __html__(self) -> str:
        """The text with its note, as templates print it."""
        if not self.is_fallback:
            return self.marked
        return self.marked + _note(self.language.code, get_language())

    def __str__(self) -> str:
        # Django's templates print str(value); they call __html__ on strings only.
        return self.__html__()

    def __bool__(self) -> bool:
        return bool(self.value)


@cache
def _note(language: str, active: str) -> SafeString:
    # Translators: a small note behind a title that has no translation yet, e.g. "Only in English".
    note = _("Only in %(language)s") % {"language": NAMES[language]}
    return format_html(' <small class="fallback-note">{}</small>', note)


def fallback_order(language: str | None = None) -> tuple[str, ...]:
    """Return the languages to try for a reader, the wanted one first."""
    return resolution_order(language or get_language())


def languages_to_search() -> tuple[str, ...]:
    """Return the languages to search, the reader's own first. Easy Japanese adds the readings."""
    return tuple(dict.fromkeys((*fallback_order(), "en", "ja", "ja-simple")))


def translated(row, field: str, language: str | None = None) -> TranslatedText:
    """Return a row's field in `language` (by default the active one), or in the first fallback that has it."""
    order = fallback_order(language)
    for code in order:
        if value := getattr(row, f"{field}_{SPOKEN[code].column}"):
            return TranslatedText(value, SPOKEN[code], order[0])
    return TranslatedText("", SPOKEN[order[0]], order[0])


class _Manager(MultilingualManager):
    """A subclass of modeltranslation's manager, because it wraps any other in a new class for each query."""

    def rows(self, *translated: str, plain: tuple[str, ...] = ()):
        """Return all rows as named tuples, for lists: instances with deferred fields cost more to create.

        Filters must use the columns' real names, such as `title_ne`: the query does not translate them.
        """
        return _rows(self.model, *plain, *_columns(translated)).all()


@cache  # building a query with thirty columns costs more than running it
def _rows(model, *columns: str):
    return model._default_manager.rewrite(False).values_list(*columns, named=True)


class TranslatedQuerySet(MultilingualQuerySet):
    """A QuerySet that can fetch only the columns of the active language and its fallbacks."""

    @classmethod
    def as_manager(cls):
        """Return a manager of this QuerySet."""
        return _Manager.from_queryset(cls)()

    def readable(self, *translated: str, plain: tuple[str, ...] = ()):
        """Fetch the translated fields in the active language and its fallbacks, and the plain fields."""
        return self.only(*plain, *_columns(translated))

    def with_annotations(self, *annotated: str):
        """Add later annotations to the named tuples of `rows`, which do not include them by themselves."""
        return self.values_list(*self._fields, *annotated, named=True)


def _columns(translated: tuple[str, ...]) -> list[str]:
    return [f"{name}_{SPOKEN[code].column}" for name in translated for code in fallback_order()]
