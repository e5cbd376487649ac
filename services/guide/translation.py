"""The guide's translated fields."""

from modeltranslation.translator import TranslationOptions, register

from services.guide.models import Article, Category


@register(Category)
class CategoryTranslationOptions(TranslationOptions):
    """The category's title."""

    fields = ("title",)


@register(Article)
class ArticleTranslationOptions(TranslationOptions):
    """The article's texts and its search columns."""

    fields = (*Article.TEXTS, "search_words", "search_text")
