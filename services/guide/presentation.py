"""Articles and categories prepared for templates."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from services.base.markdown import to_html
from services.guide.models import Article, ArticleQuerySet, Category
from services.languages.dates import format_date
from services.languages.names import NAMES
from services.languages.registry import SPOKEN
from services.languages.search_folding import folded_search_words
from services.languages.translated import TranslatedText, languages_to_search, translated


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category in a list."""

    slug: str
    title: TranslatedText
    icon: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article in a list."""

    title: TranslatedText
    summary: TranslatedText
    url: str
    checked: str
    category: TranslatedText | None
    found_in: str = ""  # a note, if search found it only in another language than the one shown


@dataclass(frozen=True, slots=True)
class ArticleFact:
    """A line of the answer box."""

    label: str
    text: TranslatedText


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """An article's page. `fallback` is the first of its texts that is not in the reader's language, if any."""

    title: TranslatedText
    audience: TranslatedText
    summary: TranslatedText
    facts: list[ArticleFact]
    body: TranslatedText
    body_html: str
    checked_on: object
    category: CategoryRow
    fallback: TranslatedText | None


def category_rows(counts: dict[int, int] | None = None) -> list[CategoryRow]:
    """Return all categories for a list. counts: the number of articles by the category's key."""
    return [category_row(category, (counts or {}).get(category.pk, 0)) for category in categories_for_list()]


def categories_for_list():
    """Return all categories as rows with the columns that pages show."""
    return Category.objects.rows("title", plain=("pk", "slug", "icon"))


def category_row(category, count: int = 0) -> CategoryRow:
    """Prepare a category, given as a model or a row, for a list or a heading."""
    url = reverse("guide:category", args=[category.slug])
    return CategoryRow(category.slug, translated(category, "title"), category.icon, url, count)


def articles_for_list() -> ArticleQuerySet:
    """Return all articles as rows with the columns of a list."""
    return Article.objects.rows("title", "summary", plain=("slug", "checked_on", "category_id"))


def search_articles(user, typed: str) -> ArticleQuerySet:
    """Search the articles that `user` may see: in the reader's languages, and in English and Japanese, as on signs."""
    words = folded_search_words(typed)
    if not words:
        return Article.objects.none()
    columns = tuple(SPOKEN[code].column for code in languages_to_search())
    return articles_for_list().visible_to(user).containing(words, columns).with_annotations("found_in")


def article_rows(rows, categories: dict[int, Category] | None = None) -> list[ArticleRow]:
    """Prepare articles for a list. categories: by key, if the list shows several."""
    checked = {}  # a list has few different dates, and formatting one is a fifth of a row's cost
    for day in {row.checked_on for row in rows}:
        checked[day] = gettext("Checked on %(date)s") % {"date": format_date(day)}
    before, after = reverse("guide:article", args=["0"]).rsplit("0", 1)  # once for all rows, for speed
    return [
        ArticleRow(
            translated(row, "title"),
            translated(row, "summary"),
            f"{before}{row.slug}{after}",
            checked[row.checked_on],
            translated(categories[row.category_id], "title") if categories else None,
            _other_language_note(row),
        )
        for row in rows
    ]


def _other_language_note(row) -> str:
    """Return a note on the language of the match, if it is not a language in which the reader sees the article."""
    if not hasattr(row, "found_in"):
        return ""
    code, shown = languages_to_search()[row.found_in], translated(row, "title")
    expected = {
        language.partition("-")[0] for language in (shown.wanted, shown.language.code)
    }  # Japanese and Easy Japanese count as one
    if code.partition("-")[0] in expected:
        return ""
    # Translators: a note at an article that search found by its text in another language than the one in which it is
    # shown: "Found in Japanese".
    return pgettext("by search", "Found in the %(language)s version") % {"language": NAMES[code]}


def articles_with_body() -> ArticleQuerySet:
    """Return all articles as rows with the columns of an article's page, its category included."""
    plain = ("pk", "checked_on", "category_id", "category__slug", "category__icon")
    return Article.objects.rows(*Article.TEXTS, "category__title", plain=plain)


def article_page(article) -> ArticlePage:
    """Prepare an article, given as a row of `articles_with_body`, for its page."""
    labels = {
        # Translators: labels in the box on top of an article.
        "by_when": pgettext("answer box", "Deadline"),
        "where": pgettext("answer box", "Where"),
        "bring": pgettext("answer box", "What to bring"),
        "fee": pgettext("answer box", "Cost"),
    }
    facts = [ArticleFact(label, text) for name, label in labels.items() if (text := translated(article, name))]
    title, audience, summary, body = (translated(article, name) for name in ("title", "audience", "summary", "body"))
    in_category = reverse("guide:category", args=[article.category__slug])
    texts = (body, title, audience, summary, *(fact.text for fact in facts))
    return ArticlePage(
        title,
        audience,
        summary,
        facts,
        body,
        to_html(body.value),
        article.checked_on,
        CategoryRow(
            article.category__slug, translated(article, "category__title"), article.category__icon, in_category
        ),
        next((text for text in texts if text.is_fallback), None),
    )
