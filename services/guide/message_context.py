"""The guide's articles in messages."""

from django.conf import settings

from services.guide.models import Article
from services.languages.translated import translated
from services.messaging.rendering import register_context


def article_context(article: Article, language: str, second_language: str) -> dict:
    """Return an article's title and summary, with the link to its page in the reader's language."""
    title = translated(article, "title")
    return {
        "title": title,
        "summary": translated(article, "summary"),
        "written_in": title.language.code,
        "url": settings.SITE_URL + article.get_absolute_url(),
    }


def register() -> None:
    """Let messages be about articles; called once when the app is ready."""
    register_context(Article, article_context)
