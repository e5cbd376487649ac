"""Which texts of the guide exist in every language."""

from modeltranslation.translator import TranslationOptions, register

from services.guide.models import Article, Category


@register(Category)
class CategoryTranslation(TranslationOptions):
    """A category's name."""

    fields = ("title",)


@register(Article)
class ArticleTranslation(TranslationOptions):
    """An article's texts, and what search looks at."""

    fields = (*Article.TEXTS, "search_words", "search_text")
