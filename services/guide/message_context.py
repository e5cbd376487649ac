"""What letters say of an article."""

from django.conf import settings

from services.guide.models import Article
from services.languages.text import text_of
from services.notices.composing import words_about


@words_about(Article)
def article_in_words(article: Article, language: str, second_language: str) -> dict:
    """An article in short, with the link to its page in the reader's language."""
    title = text_of(article, "title")
    return {
        "title": title,
        "summary": text_of(article, "summary"),
        "written_in": title.language.code,
        "url": settings.SITE_URL + article.get_absolute_url(),
    }
