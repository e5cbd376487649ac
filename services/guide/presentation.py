"""Articles and categories as their reader meets them: prepared in Python so that templates only print."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from services.base.markdown import as_html
from services.guide.models import Article, ArticleQuerySet, Category
from services.languages.days import written_day
from services.languages.finding import keys_of
from services.languages.names import NAMES
from services.languages.table import SPOKEN
from services.languages.text import Text, reading_order, text_of


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
    checked: str
    category: Text | None
    found_in: str = ""  # a note, where search found it only in another language than the one shown


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


def category_rows(counts: dict[int, int] | None = None) -> list[CategoryRow]:
    """All categories for a list. `counts`: how many articles each holds, by its key."""
    return [category_row(category, (counts or {}).get(category.pk, 0)) for category in shown()]


def shown():
    """All categories, as rows with only what pages show of one."""
    return Category.objects.rows("title", plain=("pk", "slug", "icon"))


def category_row(category, count: int = 0) -> CategoryRow:
    """One category, as a model or a row, for a list or a heading."""
    url = reverse("guide:category", args=[category.slug])
    return CategoryRow(category.slug, text_of(category, "title"), category.icon, url, count)


def listed() -> ArticleQuerySet:
    """All articles, as rows with only what a list shows."""
    return Article.objects.rows("title", "summary", plain=("slug", "checked_on", "category_id"))


def found(user, typed: str) -> ArticleQuerySet:
    """What somebody finds who types this: in their languages, and in English and Japanese, as signs and letters are."""
    keys = keys_of(typed)
    if not keys:
        return Article.objects.none()
    columns = tuple(SPOKEN[code].column for code in languages_searched())
    return listed().visible_to(user).holding(keys, columns).along_with("found_in")


def languages_searched() -> tuple[str, ...]:
    """The reader's own languages first. Easy Japanese has the readings."""
    return tuple(dict.fromkeys((*reading_order(), "en", "ja", "ja-simple")))


def article_rows(rows, categories: dict[int, Category] | None = None) -> list[ArticleRow]:
    """Articles for a list. `categories`: by their keys, where the list is of several."""
    checked = {}  # a list holds few different days, and saying one is a fifth of a row's cost
    for day in {row.checked_on for row in rows}:
        checked[day] = gettext("Checked on %(date)s") % {"date": written_day(day)}
    before, after = reverse("guide:article", args=["0"]).rsplit("0", 1)  # once for all rows, for the same reason
    return [
        ArticleRow(
            text_of(row, "title"),
            text_of(row, "summary"),
            f"{before}{row.slug}{after}",
            checked[row.checked_on],
            text_of(categories[row.category_id], "title") if categories else None,
            _found_elsewhere(row),
        )
        for row in rows
    ]


def _found_elsewhere(row) -> str:
    """Said only where nothing that the reader sees of the article holds what they typed."""
    if not hasattr(row, "found_in"):
        return ""
    code, shown = languages_searched()[row.found_in], text_of(row, "title")
    expected = {
        language.partition("-")[0] for language in (shown.wanted, shown.language.code)
    }  # both Japaneses are one
    if code.partition("-")[0] in expected:
        return ""
    # Translators: a note at an article that search found by its text in another language than the one in which it is
    # shown: "Found in Japanese".
    return pgettext("by search", "Found in %(language)s") % {"language": NAMES[code]}


def whole() -> ArticleQuerySet:
    """All articles, as rows with everything that an article's page shows, its category included."""
    plain = ("pk", "checked_on", "category_id", "category__slug", "category__icon")
    return Article.objects.rows(*Article.TEXTS, "category__title", plain=plain)


def article_page(article) -> ArticlePage:
    """An article, as a row of `whole`, for its own page."""
    labels = {
        # Translators: labels in the box on top of an article.
        "by_when": pgettext("answer box", "By when"),
        "where": pgettext("answer box", "Where"),
        "bring": pgettext("answer box", "Bring"),
        "fee": pgettext("answer box", "Cost"),
    }
    facts = [Fact(label, text) for name, label in labels.items() if (text := text_of(article, name))]
    title, audience, summary, body = (text_of(article, name) for name in ("title", "audience", "summary", "body"))
    in_category = reverse("guide:category", args=[article.category__slug])
    texts = (body, title, audience, summary, *(fact.text for fact in facts))
    return ArticlePage(
        title,
        audience,
        summary,
        facts,
        body,
        as_html(body.value),
        article.checked_on,
        CategoryRow(article.category__slug, text_of(article, "category__title"), article.category__icon, in_category),
        next((text for text in texts if text.is_fallback), None),
    )
