"""The guide's pages: few queries however many articles, fallbacks marked, drafts hidden, search that finds."""

from copy import copy

import pytest
from django.utils import translation

from services.accounts.roles import Role
from services.guide.models import Article
from services.languages.registry import SPOKEN
from tests.factories import ArticleFactory, CategoryFactory, UserFactory

pytestmark = pytest.mark.django_db

# Every public page first queries the audit trail's content version (portal/page_cache.py).
EDITION = 1


@pytest.mark.parametrize("count", [1, 30, 200])
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/ne/", EDITION + 3),
        ("/ne/guide/", EDITION + 2),
        ("/ne/guide/moving/", EDITION + 3),
        ("/ne/guide/article/first/", EDITION + 2),
        ("/ne/search/?q=article", EDITION + 4),
    ],
)
def test_page_needs_the_same_few_queries_for_one_and_many(client, django_assert_num_queries, count, path, queries):
    category = CategoryFactory(slug="moving")
    first = ArticleFactory(slug="first", category=category)
    categories = [category, CategoryFactory()]
    copies = [copy(first) for _ in range(count)]
    for number, article in enumerate(copies):
        article.pk, article.slug, article.category = None, f"copy-{number}", categories[number % 2]
    Article.objects.bulk_create(copies)
    client.get("/ne/emergency/")  # runs what each process looks up once: Django's queries, and the current emergencies
    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200


def test_fallback_is_marked_in_lists_and_on_the_page(client):
    category = CategoryFactory(slug="moving", title_ne="सर्ने")
    ArticleFactory(slug="own", category=category, title_ne="नेपाली", summary_ne="सार", body_ne="पाठ")
    ArticleFactory(slug="english", category=category, title_en="In English")
    ArticleFactory(slug="japanese", category=category, title_en="", summary_en="", body_en="", title_ja="日本語で")
    page = client.get("/ne/guide/moving/").content.decode()
    assert '<a href="/ne/guide/article/own/">नेपाली</a>' in page
    assert '<span lang="en" dir="ltr">In English</span> <small class="fallback-note">' in page
    assert '<span lang="ja" dir="ltr">日本語で</span> <small class="fallback-note">' in page
    assert '<span lang="ja" dir="ltr">要点です。</span>' in page
    assert page.count("fallback-note") == 2

    article = client.get("/ne/guide/article/japanese/").content.decode()
    assert '<h1><span lang="ja" dir="ltr">日本語で</span></h1>' in article
    assert 'class="prose" lang="ja" dir="ltr"' in article
    assert 'class="bar"' in article
    own = client.get("/ne/guide/article/own/").content.decode()
    assert "<h1>नेपाली</h1>" in own
    assert 'class="bar"' not in own
    assert 'class="prose">' in own


def test_fallback_in_arabic_pages_turns_its_direction(client):
    ArticleFactory(slug="english")
    page = client.get("/ar/guide/article/english/").content.decode()
    assert '<html lang="ar" dir="rtl"' in page
    assert 'class="prose" lang="en" dir="ltr"' in page


@pytest.mark.parametrize("language", SPOKEN)
def test_article_is_read_in_each_language(client, language):
    column = SPOKEN[language].column
    text = {f"{name}_{column}": f"{name} {language}" for name in ("title", "summary", "body", "where", "fee")}
    ArticleFactory(slug="own", **text)
    page = client.get(f"/{language}/guide/article/own/").content.decode()
    for words in text.values():
        assert words in page
    assert 'class="bar"' not in page


def test_note_on_a_fallback_is_in_the_readers_language(client):
    ArticleFactory(slug="english")
    with translation.override("ne"):
        name = translation.pgettext("language", "English")
    page = client.get("/ne/guide/article/english/").content.decode()
    bar = page.split('class="bar"')[1].split("</div>")[0]
    assert name in bar
    assert "This page is not available" not in bar


def test_draft_is_404_for_readers_and_read_by_editors(client, new_client):
    category = CategoryFactory(slug="moving")
    draft = ArticleFactory(slug="draft", title_en="Not yet", category=category, is_published=False)
    editor, teacher = new_client(), new_client()
    editor.force_login(UserFactory(roles=[Role.EDITOR]))
    teacher.force_login(UserFactory(roles=[Role.TEACHER]))
    for reader in (client, teacher):
        assert reader.get("/en/guide/article/draft/").status_code == 404
        for path in ("/en/guide/moving/", "/en/search/?q=yet", "/en/guide/"):
            assert draft.title_en not in reader.get(path).content.decode()
    assert editor.get("/en/guide/article/draft/").status_code == 200
    assert draft.title_en in editor.get("/en/guide/moving/").content.decode()


@pytest.mark.parametrize(
    "path", ["nothing/", "article/nothing/", "article/../", "x" * 300 + "/", "article/%F0%9F%92%A9/"]
)
def test_what_is_not_there_is_404(client, path):
    assert client.get(f"/ne/guide/{path}").status_code == 404


@pytest.mark.parametrize(
    "page", ["0", "-1", "1e999999", "9" * 500, "x", "", "2", "last", "1.5", "٢", "²", "1&page=2", "%F0%9F%92%A9"]
)
def test_any_page_number_is_answered(client, page):
    CategoryFactory(slug="moving")
    assert client.get(f"/ne/guide/moving/?page={page}").status_code == 200
    assert client.get(f"/ne/search/?q=a&page={page}").status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ゴミ", True),
        ("ｺﾞﾐ", True),
        ("ゴ ミ", True),
        ("もえる", True),
        ("燃える", True),
        ("燃える　ゴミ", True),
        ("ＲＵＢＢＩＳＨ", True),
        ("rubbish", True),
        ("rubbish day", True),
        ("rubbish elephant", False),
        ("ごみ箱", False),
        ("%", False),
        ("_", False),
        ("'; DROP TABLE guide_article; --", False),
        ("{燃|も}える", False),
    ],
)
def test_search_finds_by_kanji_kana_width_and_case(client, query, found):
    ArticleFactory(
        slug="rubbish",
        title_ja_simple="{燃|も}えるゴミ",
        title_ja="燃えるゴミ",
        title_en="Rubbish",
        body_en="Put it out on the day.",
    )
    page = client.get("/ja-simple/search/", {"q": query})
    assert page.status_code == 200
    assert ("/ja-simple/guide/article/rubbish/" in page.content.decode()) is found


def test_search_looks_only_at_what_this_reader_could_read(client):
    ArticleFactory(slug="a", title_vi="Rác", title_en="Rubbish")
    assert "/vi/guide/article/a/" in client.get("/vi/search/?q=rác").content.decode()
    assert "/ne/guide/article/a/" not in client.get("/ne/search/?q=rác").content.decode()


def test_search_without_a_result_says_so_and_leads_to_the_desk(client):
    page = client.get("/en/search/?q=elephant").content.decode()
    assert "0 results" in page
    assert "There are no results. Try another word or ask us." in page
    assert 'href="/en/consultations/"' in page


@pytest.mark.parametrize("query", ["", "   ", "\u200b", "\u202eabc", "x" * 101, "\x07"])
def test_search_for_nothing_that_can_be_searched_finds_nothing(client, query):
    ArticleFactory(slug="a")
    page = client.get("/en/search/", {"q": query})
    assert page.status_code == 200
    assert "/guide/article/a/" not in page.content.decode()


def test_search_escapes_what_was_typed(client):
    page = client.get("/en/search/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_article_cannot_act(client):
    ArticleFactory(slug="bad", title_en="<script>x</script>", body_en="<script>alert(1)</script>\n\n[x](javascript:y)")
    page = client.get("/en/guide/article/bad/").content.decode()
    assert "<script>" not in page
    assert 'href="javascript' not in page


def test_card_of_a_shared_page_says_what_it_is_in_its_readers_language(client):
    ArticleFactory(slug="bins", title_ne='फोहोर "<b>"', summary_ne="कहिले & कहाँ")
    page = client.get("/ne/guide/article/bins/").content.decode()
    centre = "ओता बहुसांस्कृतिक केन्द्र"
    assert f"<title>फोहोर &quot;&lt;b&gt;&quot; – {centre}</title>" in page
    assert f'<meta property="og:title" content="फोहोर &quot;&lt;b&gt;&quot; – {centre}">' in page
    for name in ('name="description"', 'property="og:description"'):
        assert f'<meta {name} content="कहिले &amp; कहाँ">' in page


def test_page_that_nobody_shares_has_no_card(client):
    page = client.get("/ne/no-such-page/").content.decode()
    assert ("<title>" in page, "og:" in page) == (True, False)


def test_editors_find_an_article_in_the_admin_as_everybody_does(client):
    article = ArticleFactory(title_ja="ごみ", search_words_en="Garbage")
    client.force_login(UserFactory(roles=[Role.EDITOR]))
    for typed, count in (("ゴミ", 1), ("GARBAGE", 1), ("elephant", 0)):
        page = client.get("/en/staff/admin/guide/article/", {"q": typed}).content.decode()
        assert page.count(f"/guide/article/{article.pk}/change/") == count
