"""The verbs of the guide."""

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit.trail import record
from services.base.markdown import as_words
from services.guide.models import Article, Category
from services.languages.finding import folded
from services.languages.ruby import as_plain, as_reading
from services.languages.table import SPOKEN


@transaction.atomic
def save_article(article: Article, *, by: User | None, changed: list[str] | None = None) -> Article:
    """Keep an article's texts as they stand on the object, and make them findable.

    changed: names of the fields that were edited, for the trail. by: None for the portal itself.
    """
    for language in SPOKEN.values():
        setattr(article, f"search_text_{language.column}", _search_text(article, language.column))
    article.save()
    record(by, "guide.save", article, fields=[*Article.TEXTS, "search_words"] if changed is None else changed)
    return article


@transaction.atomic
def publish(article: Article, *, by: User | None) -> None:
    """Show the article to everybody. Publishing twice changes nothing."""
    _set_published(article, True, "guide.publish", by)


@transaction.atomic
def withdraw(article: Article, *, by: User | None) -> None:
    """Take the article off the public pages at once."""
    _set_published(article, False, "guide.withdraw", by)


@transaction.atomic
def confirm_checked(article: Article, *, by: User | None) -> None:
    """Say that somebody has read the article today and that it is true."""
    Article.objects.filter(pk=article.pk).update(checked_on=timezone.localdate())
    record(by, "guide.confirm", article, fields=["checked_on"])


@transaction.atomic
def save_category(category: Category, *, by: User | None, changed: list[str] | None = None) -> Category:
    """Keep a category as it stands on the object."""
    category.save()
    record(by, "guide.save_category", category, fields=["title"] if changed is None else changed)
    return category


def _set_published(article: Article, is_published: bool, action: str, by: User | None) -> None:
    if Article.objects.filter(pk=article.pk, is_published=not is_published).update(is_published=is_published):
        record(by, action, article, fields=["is_published"])
    article.is_published = is_published


def _search_text(article: Article, column: str) -> str:
    """Everything that one language says, with readings: title and editors' words first, as search ranks by it."""
    title, *others, body = (getattr(article, f"{name}_{column}") or "" for name in Article.TEXTS)
    words = getattr(article, f"search_words_{column}") or ""
    if not any((title, words, *others, body)):
        return ""
    return folded(" ".join(map(_with_reading, (title, words, " ".join([*others, as_words(body)])))))


def _with_reading(text: str) -> str:
    plain = as_plain(text)
    return f"{plain} {as_reading(text)}" if plain != text else plain
