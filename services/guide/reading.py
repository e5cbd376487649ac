"""Articles and categories as their reader meets them: prepared in Python so that templates only print."""

from dataclasses import dataclass

from django.utils.translation import pgettext

from services.guide.markdown import as_html
from services.guide.models import Article, ArticleQuerySet, Category
from services.languages.text import Text, text_of


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category in a list."""

    slug: str
    title: Text
    icon: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article in a list."""

    title: Text
    summary: Text
    url: str
    checked_on: object
    category: Text


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the answer box."""

    label: str
    text: Text


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A whole article. `fallback` is the first of its texts that is not in the reader's language, if any."""

    title: Text
    audience: Text
    summary: Text
    facts: list[Fact]
    body: Text
    body_html: str
    checked_on: object
    category: CategoryRow
    fallback: Text | None


def category_rows(categories) -> list[CategoryRow]:
    """Categories for a list, with `count` where the query counted their articles."""
    return [category_row(category) for category in categories]


def category_row(category: Category) -> CategoryRow:
    """One category for a list or a heading."""
    return CategoryRow(
        category.slug,
        text_of(category, "title"),
        category.icon,
        category.get_absolute_url(),
        getattr(category, "count", 0),
    )


def listed(articles: ArticleQuerySet) -> ArticleQuerySet:
    """The query with only those columns that a list shows."""
    return articles.readable("title", "summary", plain=("slug", "checked_on", "category")).prefetch_related("category")


def article_rows(articles) -> list[ArticleRow]:
    """Articles for a list."""
    return [
        ArticleRow(
            text_of(article, "title"),
            text_of(article, "summary"),
            article.get_absolute_url(),
            article.checked_on,
            text_of(article.category, "title"),
        )
        for article in articles
    ]


def article_page(article: Article) -> ArticlePage:
    """An article for its own page."""
    labels = {
        # Translators: labels in the box on top of an article.
        "by_when": pgettext("answer box", "By when"),
        "where": pgettext("answer box", "Where"),
        "bring": pgettext("answer box", "Bring"),
        "fee": pgettext("answer box", "Cost"),
    }
    facts = [Fact(label, text) for name, label in labels.items() if (text := text_of(article, name))]
    title, audience, summary, body = (text_of(article, name) for name in ("title", "audience", "summary", "body"))
    shown = (body, title, audience, summary, *(fact.text for fact in facts))
    return ArticlePage(
        title,
        audience,
        summary,
        facts,
        body,
        as_html(body.value),
        article.checked_on,
        category_row(article.category),
        next((text for text in shown if text.is_fallback), None),
    )
