"""Categories and articles of the guide."""

import datetime

import factory

from services.guide.actions import publish, save_article
from services.guide.models import Article, Category


class CategoryFactory(factory.django.DjangoModelFactory):
    """A category with a Japanese and an English title."""

    class Meta:
        model = Category

    slug = factory.Sequence(lambda number: f"category-{number}")
    position = factory.Sequence(lambda number: number + 1)
    icon = "house"
    title_ja = factory.LazyAttribute(lambda row: f"分類{row.position}")
    title_en = factory.LazyAttribute(lambda row: f"Category {row.position}")


class ArticleFactory(factory.django.DjangoModelFactory):
    """An article in Japanese and English, saved with the guide's actions; published unless `is_published=False`."""

    class Meta:
        model = Article

    class Params:
        number = factory.Sequence(lambda number: number)

    slug = factory.LazyAttribute(lambda row: f"article-{row.number:05}")
    category = factory.SubFactory(CategoryFactory)
    title_ja = factory.LazyAttribute(lambda row: f"記事{row.number}")
    title_en = factory.LazyAttribute(lambda row: f"Article {row.number}")
    summary_ja = "要点です。"
    summary_en = "What matters."
    body_ja = "本文です。\n"
    body_en = "The whole text.\n"
    checked_on = datetime.date(2026, 4, 1)
    is_published = True

    @classmethod
    def _create(cls, model_class, *args, **fields):
        is_published = fields.pop("is_published")
        article = save_article(model_class(**fields), by=None)
        if is_published:
            publish(article, by=None)
        return article
