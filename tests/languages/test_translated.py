"""The city's own texts: fallbacks are marked, and a query fetches only what this reader can see."""

import pytest
from django.template import Context, Template
from django.utils import translation

from services.guide.models import Article
from services.languages.registry import SPOKEN
from services.languages.translated import TranslatedText, fallback_order, translated
from tests.factories import ArticleFactory


@pytest.mark.parametrize(
    ("language", "order"),
    [
        ("ne", ("ne", "en", "ja")),
        ("en", ("en", "ja")),
        ("ja", ("ja", "en")),
        ("ja-simple", ("ja-simple", "ja", "en")),
        ("ar", ("ar", "en", "ja")),
    ],
)
def test_reading_order_is_own_then_english_then_the_citys(language, order):
    with translation.override(language):
        assert fallback_order() == order
    assert fallback_order(language) == order


def test_text_of_takes_the_first_language_that_has_one():
    article = Article(title_ne="", title_en=None, title_ja="題")
    assert translated(article, "title", "ne") == TranslatedText("題", SPOKEN["ja"], "ne")
    assert translated(article, "title", "ja") == TranslatedText("題", SPOKEN["ja"], "ja")
    assert translated(article, "summary", "ne") == TranslatedText("", SPOKEN["ne"], "ne")


def test_own_text_is_no_fallback_and_only_escaped():
    text = TranslatedText("<b>&", SPOKEN["ne"], "ne")
    assert (text.is_fallback, text.value, text.marked) == (False, "<b>&", "&lt;b&gt;&amp;")
    assert Template("{{ text }}").render(Context({"text": text})) == "&lt;b&gt;&amp;"


def test_fallback_marks_itself_with_language_direction_and_note():
    text = TranslatedText("<Title>", SPOKEN["en"], "ne")
    with translation.override("en"):
        assert Template("{{ text }}").render(Context({"text": text})) == (
            '<span lang="en" dir="ltr">&lt;Title&gt;</span> <small class="fallback-note">Only in English</small>'
        )
        assert text.marked == '<span lang="en" dir="ltr">&lt;Title&gt;</span>'
        arabic = TranslatedText("عنوان", SPOKEN["ar"], "en")
        assert arabic.marked == '<span lang="ar" dir="rtl">عنوان</span>'


@pytest.mark.parametrize("language", [code for code in SPOKEN if code != "en"])
def test_fallback_note_is_in_the_readers_language(language):
    text = TranslatedText("Title", SPOKEN["en"], language)
    with translation.override(language):
        assert "Only in" not in text.__html__()
        assert text.language_name in text.__html__()
        assert text.language_name != "English"


def test_fallback_to_ordinary_japanese_is_marked_for_easy_readers():
    text = TranslatedText("題", SPOKEN["ja"], "ja-simple")
    assert text.is_fallback is True
    assert text.marked == '<span lang="ja" dir="ltr">題</span>'


def test_empty_text_is_false_and_no_fallback():
    text = TranslatedText("", SPOKEN["ja"], "ne")
    assert (bool(text), text.is_fallback, text.__html__()) == (False, False, "")


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 30])
def test_readable_fetches_only_the_readers_columns_in_one_query(django_assert_num_queries, count):
    for _ in range(count):
        ArticleFactory()
    with translation.override("ne"):
        with django_assert_num_queries(1) as made:
            rows = list(Article.objects.readable("title", plain=("slug",)))
            titles = [translated(row, "title").value for row in rows]
        columns = made.captured_queries[0]["sql"].split(" FROM ")[0]
    assert len(titles) == count
    assert all(title.startswith("Article ") for title in titles)
    assert sorted(set(columns.replace('"', "").replace("SELECT ", "").split(", "))) == [
        "guide_article.id",
        "guide_article.slug",
        "guide_article.title_en",
        "guide_article.title_ja",
        "guide_article.title_ne",
    ]
