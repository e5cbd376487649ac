"""The city's own texts, in the reader's language or in a marked other one."""

from dataclasses import dataclass
from functools import cache

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from modeltranslation.manager import MultilingualManager, MultilingualQuerySet
from modeltranslation.utils import resolution_order

from services.languages.names import NAMES
from services.languages.table import SPOKEN, Language


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of content and the language in which it was found.

    In a template it marks itself: a text in another language than the reader's gets `lang`, `dir` and a
    note (WCAG 3.1.2). `marked` leaves the note out, for places under a note of their own.
    """

    value: str
    language: Language
    wanted: str

    @property
    def is_fallback(self) -> bool:
        """Whether the reader asked for another language. Japanese for a reader of Easy Japanese is another one."""
        return bool(self.value) and self.language.code != self.wanted

    @property
    def language_name(self) -> str:
        """What the text's language is called in the reader's."""
        return str(NAMES[self.language.code])

    @property
    def marked(self) -> str:
        """The text with its language and direction, without the note."""
        if not self.is_fallback:
            return conditional_escape(self.value)
        # Not by format_html, which looks at each part anew: a list may have forty of these.
        head = f'<span lang="{self.language.code}" dir="{self.language.dir}">'
        return SafeString(f"{head}{conditional_escape(self.value)}</span>")

    def __html__(self) -> str:
        """The text as a template prints it."""
        if not self.is_fallback:
            return self.marked
        return self.marked + _note(self.language.code, get_language())

    def __str__(self) -> str:
        # Django's templates print str(value) and ask nothing but strings for their __html__.
        return self.__html__()

    def __bool__(self) -> bool:
        return bool(self.value)


@cache
def _note(language: str, active: str) -> SafeString:
    # Translators: a small note behind a title that has no translation yet, e.g. "Only in English".
    note = _("Only in %(language)s") % {"language": NAMES[language]}
    return format_html(' <small class="fallback-note">{}</small>', note)


def reading_order(language: str | None = None) -> tuple[str, ...]:
    """The languages tried for a reader, the wanted one first."""
    return resolution_order(language or get_language())


def text_of(row, field: str, language: str | None = None) -> Text:
    """A row's translated field for a reader of `language` (the active one), falling back as settings say."""
    order = reading_order(language)
    for code in order:
        if value := getattr(row, f"{field}_{SPOKEN[code].column}"):
            return Text(value, SPOKEN[code], order[0])
    return Text("", SPOKEN[order[0]], order[0])


class _Manager(MultilingualManager):
    """modeltranslation leaves such a manager alone; around any other it makes a new class for each query."""

    def rows(self, *translated: str, plain: tuple[str, ...] = ()):
        """All rows as named tuples, to be filtered, for lists: a model with most columns left out costs more to make.

        What is asked of them takes each field by its own name, `title_ne`: there is nothing to translate.
        """
        return _rows(self.model, *plain, *_columns(translated)).all()


@cache  # to name thirty columns anew for each request costs more than to ask the database for them
def _rows(model, *columns: str):
    return model._default_manager.rewrite(False).values_list(*columns, named=True)


class TranslatedQuerySet(MultilingualQuerySet):
    """A query that fetches only the columns that this reader can come to see."""

    @classmethod
    def as_manager(cls):
        """A manager that asks by this class."""
        return _Manager.from_queryset(cls)()

    def readable(self, *translated: str, plain: tuple[str, ...] = ()):
        """Rows with the translated fields in the active language and its fallbacks, and the plain fields."""
        return self.only(*plain, *_columns(translated))

    def along_with(self, *annotated: str):
        """These rows with what has been annotated to them since: their tuples do not name it by themselves."""
        return self.values_list(*self._fields, *annotated, named=True)


def _columns(translated: tuple[str, ...]) -> list[str]:
    return [f"{name}_{SPOKEN[code].column}" for name in translated for code in reading_order()]
