"""The city guide: categories of daily life, and what to do, in the reader's language."""

from django.db import models
from django.db.models import functions
from django.urls import reverse
from django.utils.translation import pgettext_lazy

from services.accounts.roles import Role
from services.base.keeping import NOTHING_PERSONAL
from services.languages.table import Language
from services.languages.text import TranslatedQuerySet


class Category(models.Model):
    """A part of daily life, after the twelve chapters of the national guidebook for foreign residents."""

    KEEPING = NOTHING_PERSONAL

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
        """The category's page in the active language."""
        return reverse("guide:category", args=[self.slug])


def without_body(language: Language) -> models.Q:
    """What makes an article count as not yet there in a language."""
    body = f"body_{language.column}"
    return models.Q(**{body: ""}) | models.Q(**{f"{body}__isnull": True})


class ArticleQuerySet(TranslatedQuerySet):
    """Questions about articles."""

    def visible_to(self, user) -> "ArticleQuerySet":
        """What is published; editors and translators also see what is not yet."""
        if user.is_authenticated and user.has_role(Role.EDITOR, Role.TRANSLATOR):
            return self
        return self.filter(is_published=True)

    def holding(self, keys: list[str], columns: tuple[str, ...]) -> "ArticleQuerySet":
        """Articles whose text in one of the languages holds all the search keys, the best first.

        `found_in` is the number of the first such language. Within one language the article comes first in whose text
        the first word stands earliest: in its title, then in the words that editors gave it.
        """
        places, positions = [], []
        for number, column in enumerate(columns):
            name = f"search_text_{column}"
            holds = models.Q(*((f"{name}__contains", key) for key in keys))
            places.append(models.When(holds, then=number))
            positions.append(models.When(found_in=number, then=functions.StrIndex(name, models.Value(keys[0]))))
        place = models.Case(*places, output_field=models.SmallIntegerField())
        found = self.annotate(found_in=place).filter(found_in__isnull=False)
        return found.order_by("found_in", models.Case(*positions, output_field=models.IntegerField()), "slug")


class Article(models.Model):
    """What to do in one matter: the answer first, then the steps. Only guide.actions saves it.

    `search_words` are what people type who look for it and the text does not say; no page shows them.
    `search_text` is made from all of these at each save: plain, folded (languages.finding), with kanji and readings.
    """

    KEEPING = NOTHING_PERSONAL
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
            "staff", "Other words that people type who look for this, in this language. No page shows them."
        ),
    )
    search_text = models.TextField(blank=True, editable=False)
    checked_on = models.DateField()
    is_published = models.BooleanField(default=False)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        # Of published articles only: Django asks "WHERE is_published", for which SQLite would not use a column.
        indexes = [
            models.Index(fields=["category", "slug"], condition=models.Q(is_published=True), name="guide_in_category")
        ]

    def __str__(self):
        return self.slug

    def get_absolute_url(self):
        """The article's page in the active language."""
        return reverse("guide:article", args=[self.slug])
