"""The guide to daily life: categories and articles."""

from django.db import models
from django.db.models import functions
from django.db.models.lookups import GreaterThan
from django.urls import reverse
from django.utils.translation import pgettext_lazy

from services.accounts.roles import Role
from services.base.retention import NO_PERSONAL_DATA
from services.languages.registry import Language
from services.languages.search_folding import Alternatives
from services.languages.translated import TranslatedQuerySet


class Category(models.Model):
    """An area of daily life, after the twelve chapters of the national guidebook for foreign residents."""

    RETENTION = NO_PERSONAL_DATA

    slug = models.SlugField(unique=True)
    position = models.PositiveSmallIntegerField(unique=True)
    icon = models.SlugField(help_text="Name of a picture in portal/static/icons.svg.")
    title = models.CharField(max_length=100)

    objects = TranslatedQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "categories"

    def __str__(self):
        return self.slug

    def get_absolute_url(self):
        """Return the URL of the category's page in the active language."""
        return reverse("guide:category", args=[self.slug])


def without_body(language: Language) -> models.Q:
    """Match articles without a body in a language, which count as not translated."""
    body = f"body_{language.column}"
    return models.Q(**{body: ""}) | models.Q(**{f"{body}__isnull": True})


def _position(column: str, text: str) -> functions.StrIndex:
    return functions.StrIndex(column, models.Value(text))


def _contains(column: str, text: str) -> GreaterThan:
    """Match rows by position: several times as fast as LIKE on SQLite."""
    return GreaterThan(_position(column, text), 0)


class ArticleQuerySet(TranslatedQuerySet):
    """Queries for articles."""

    def visible_to(self, user) -> "ArticleQuerySet":
        """Return the published articles; for editors and translators, also those not yet published."""
        if user.is_authenticated and user.has_role(Role.EDITOR, Role.TRANSLATOR):
            return self
        return self.filter(is_published=True)

    def containing(self, words: list[Alternatives], columns: tuple[str, ...]) -> "ArticleQuerySet":
        """Return the articles whose text in one of the languages contains all search words, the best first.

        The annotation `found_in` is the index of the first such language. Within a language, articles are ranked by the
        position of the first word in the text, which begins with the title and the editors' search words.
        """
        languages, positions = [], []
        for number, column in enumerate(columns):
            name = f"search_text_{column}"
            contained = [models.Q(*(_contains(name, it) for it in word), _connector=models.Q.OR) for word in words]
            languages.append(models.When(models.Q(*contained), then=number))
            positions += [
                models.When(models.Q(_contains(name, it), found_in=number), then=_position(name, it)) for it in words[0]
            ]
        found_in = models.Case(*languages, output_field=models.SmallIntegerField())
        found = self.annotate(found_in=found_in).filter(found_in__isnull=False)
        return found.order_by("found_in", models.Case(*positions, output_field=models.IntegerField()), "slug")


class Article(models.Model):
    """An article on one topic: the answer first, then the steps. Only guide.actions saves it.

    `search_words` are search terms that the text does not contain; no page shows them. `search_text` is generated
    from all texts on each save: without markup, folded (languages.search_folding), with kanji and readings.
    """

    RETENTION = NO_PERSONAL_DATA
    TEXTS = ("title", "audience", "summary", "by_when", "where", "bring", "fee", "body")

    slug = models.SlugField(max_length=80, unique=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="articles", db_index=False)
    title = models.CharField(max_length=200)
    audience = models.CharField(max_length=300, blank=True)
    summary = models.CharField(max_length=600, blank=True)
    by_when = models.CharField(max_length=300, blank=True)
    where = models.CharField(max_length=300, blank=True)
    bring = models.CharField(max_length=300, blank=True)
    fee = models.CharField(max_length=300, blank=True)
    body = models.TextField(max_length=20_000, blank=True)
    search_words = models.CharField(
        max_length=600,
        blank=True,
        help_text=pgettext_lazy(
            "staff", "Other search terms for this article, in this language. They are not shown on any page."
        ),
    )
    search_text = models.TextField(blank=True, editable=False)
    checked_on = models.DateField()
    is_published = models.BooleanField(default=False)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        # A partial index: Django writes "WHERE is_published", for which SQLite would not use a column of the index.
        indexes = [
            models.Index(fields=["category", "slug"], condition=models.Q(is_published=True), name="guide_in_category")
        ]

    def __str__(self):
        return self.slug

    def get_absolute_url(self):
        """Return the URL of the article's page in the active language."""
        return reverse("guide:article", args=[self.slug])
