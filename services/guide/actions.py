"""Actions of the guide to daily life."""

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit.trail import record
from services.base.markdown import to_plain_text
from services.guide.models import Article, Category
from services.languages.furigana import with_reading
from services.languages.registry import SPOKEN
from services.languages.search_folding import searchable_text


@transaction.atomic
def save_article(article: Article, *, by: User | None, changed: list[str] | None = None) -> Article:
    """Save an article and its search text.

    changed: the names of the edited fields, for the audit trail. by: None for the portal itself.
    """
    for language in SPOKEN.values():
        setattr(article, f"search_text_{language.column}", _search_text(article, language.column))
    article.save()
    record(by, "guide.save", article, fields=[*Article.TEXTS, "search_words"] if changed is None else changed)
    return article


@transaction.atomic
def publish(article: Article, *, by: User | None) -> None:
    """Publish an article. Does nothing if it is published already."""
    _set_published(article, True, "guide.publish", by)


@transaction.atomic
def withdraw(article: Article, *, by: User | None) -> None:
    """Remove an article from the public pages at once."""
    _set_published(article, False, "guide.withdraw", by)


@transaction.atomic
def confirm_checked(article: Article, *, by: User | None) -> None:
    """Record that somebody has checked today that the article is correct."""
    Article.objects.filter(pk=article.pk).update(checked_on=timezone.localdate())
    record(by, "guide.confirm", article, fields=["checked_on"])


@transaction.atomic
def save_category(category: Category, *, by: User | None, changed: list[str] | None = None) -> Category:
    """Save a category."""
    category.save()
    record(by, "guide.save_category", category, fields=["title"] if changed is None else changed)
    return category


def _set_published(article: Article, is_published: bool, action: str, by: User | None) -> None:
    if Article.objects.filter(pk=article.pk, is_published=not is_published).update(is_published=is_published):
        record(by, action, article, fields=["is_published"])
    article.is_published = is_published


def _search_text(article: Article, column: str) -> str:
    """Return all text in one language with readings; title and search words first, because search ranks by position."""
    title, *others, body = (getattr(article, f"{name}_{column}") or "" for name in Article.TEXTS)
    words = getattr(article, f"search_words_{column}") or ""
    if not any((title, words, *others, body)):
        return ""
    return searchable_text(" ".join(map(with_reading, (title, words, " ".join([*others, to_plain_text(body)])))))
