"""Journeys of a reader without an account, in three scripts, with JavaScript and without."""

import pytest
from playwright.sync_api import expect

from services.guide.demo import ARTICLES, read_article
from services.languages.furigana import strip_readings
from services.languages.registry import SPOKEN
from tests.support.page_types import ARTICLE, FALLBACK

LANGUAGES = ("ja-simple", "ne", "ar")
OTHER = {"ja-simple": "ne", "ne": "ar", "ar": "ja-simple"}
EMERGENCY = "header a.alarm"


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def reader(visitor, request):
    """Return a function that starts a reader's visit, with JavaScript or without."""
    return lambda language, **options: visitor(language, java_script_enabled=request.param, **options)


def article(slug: str, language: str) -> dict[str, str]:
    """Return an article's texts from the demo's files, without furigana."""
    texts = read_article(ARTICLES / slug / f"{language}.md")
    return {name: strip_readings(text) for name, text in texts.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_visit_greets_in_the_browsers_language_and_a_tile_chooses(reader, language):
    visit = reader(language)
    visit.open("/")

    assert visit.path == f"/{language}/"
    tiles = visit.page.locator(".welcome .mosaic button")
    assert tiles.count() == len(SPOKEN)
    assert tiles.first.get_attribute("lang") == language
    assert visit.read(".welcome .mosaic button > span") == SPOKEN[language].own_name

    other = OTHER[language]
    visit.page.locator(f".welcome button[value={other}]").click()
    expect(visit.page.locator("html")).to_have_attribute("lang", other)
    assert visit.page.locator(".welcome").count() == 0  # collapsed into the Language button
    visit.open("/")
    assert visit.path == f"/{other}/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_button_leads_to_the_same_page(reader, language):
    other = OTHER[language]
    visit = reader(language)
    visit.open(ARTICLE)

    visit.page.locator("header summary").first.click()
    visit.page.locator(f"header .mosaic button[value={other}]").click()

    expect(visit.page.locator("html")).to_have_attribute("lang", other)
    assert visit.path == f"/{other}/{ARTICLE}"
    assert visit.page.locator("html").get_attribute("dir") == SPOKEN[other].dir
    assert visit.read("h1") == article("rubbish", other)["title"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_foot_links_to_the_same_page_in_every_language(reader, language):
    visit = reader(language)
    visit.open(ARTICLE)

    links = visit.page.locator(".tongues a").evaluate_all("links => links.map(link => [link.lang, link.pathname])")

    assert links == [[code, f"/{code}/{ARTICLE}"] for code in SPOKEN]


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_leads_by_the_guide_to_an_article(reader, language):
    visit = reader(language)
    visit.open("")

    visit.page.locator(f"main a[href='/{language}/guide/']").click()
    visit.page.locator(f"main a[href='/{language}/guide/life/']").click()
    visit.page.locator(f"main a[href='/{language}/{ARTICLE}']").click()

    texts = article("rubbish", language)
    assert visit.path == f"/{language}/{ARTICLE}"
    assert visit.read("h1") == texts["title"]
    assert visit.read(".answer dd") == texts["by_when"]
    assert visit.page.locator(".bar, .fallback-note").count() == 0


def test_furigana_goes_and_comes_and_is_remembered(reader):
    visit = reader("ja-simple")
    visit.open(ARTICLE)
    furigana = visit.page.locator("button[name=furigana]")
    assert visit.page.locator("main ruby").count() > 20
    assert visit.page.locator("rt").first.is_visible()

    furigana.click()
    expect(furigana).to_have_attribute("aria-pressed", "false")
    assert visit.path == f"/ja-simple/{ARTICLE}"
    assert visit.page.locator("ruby").count() == 0
    assert visit.page.locator("h1").inner_text() == article("rubbish", "ja-simple")["title"]
    visit.open("emergency/")
    assert visit.page.locator("ruby").count() == 0

    furigana.click()
    expect(furigana).to_have_attribute("aria-pressed", "true")
    visit.open("guide/")
    assert visit.page.locator("main ruby").count() > 10


@pytest.mark.parametrize("language", ["ja", "ne", "ar"])
def test_furigana_is_in_easy_japanese_only(reader, language):
    visit = reader(language)
    visit.open(ARTICLE)
    assert visit.page.locator("button[name=furigana], ruby").count() == 0


WHERE_WORDS_BEGIN = """places => places.map(place => {
    const words = document.createRange();
    words.selectNodeContents(place);
    return Math.round(words.getBoundingClientRect().left);
})"""


@pytest.mark.parametrize("language", ["ne", "ar"])
def test_missing_article_is_read_in_english_and_says_so(reader, language):
    visit = reader(language)
    visit.open("guide/transport/")
    note = visit.says("Only in %(language)s") % {"language": visit.says("English", context="language")}
    row = visit.page.locator(".list > li").first
    assert row.locator(".fallback-note").inner_text() == note
    assert row.locator("h2 a > span").evaluate("text => [text.lang, text.dir]") == ["en", "ltr"]

    row.locator("h2 a").click()
    expect(visit.page.locator("article .bar")).to_be_visible()
    bar = visit.says("This page is not available in your language yet. You are reading it in %(language)s.")
    texts = article("bicycles", "en")
    assert visit.read(".bar") == bar % {"language": visit.says("English", context="language")}
    assert visit.page.locator("html").get_attribute("lang") == language
    assert visit.read("h1 > span") == texts["title"]
    marked = "texts => texts.map(text => [text.lang, text.dir])"
    for place in ("h1 > span", "article .lead > span", "article > p > span[lang]", ".answer dd > span", ".prose"):
        found = visit.page.locator(place).evaluate_all(marked)
        assert (place, found) == (place, [["en", "ltr"]] * max(1, len(found)))
    # Title, summary and body start at the same side, the start side of their language.
    words = "article :is(h1, .lead, p) > span[lang], .prose > h2"
    assert len(set(visit.page.locator(words).evaluate_all(WHERE_WORDS_BEGIN))) == 1
    # The portal's own text stays in the reader's language.
    assert visit.read("article .part small").startswith(visit.says("Checked on %(date)s").split("%")[0])


def test_article_in_easy_japanese_is_no_fallback(reader):
    visit = reader("ja-simple")
    visit.open(FALLBACK)
    assert visit.read("h1") == article("bicycles", "ja-simple")["title"]
    assert visit.page.locator(".bar, .fallback-note").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [360, 1280])
def test_emergency_is_one_tap_from_everywhere(reader, language, width):
    visit = reader(language, viewport={"width": width, "height": 740})
    for place in ("", ARTICLE, "search/?q=1", "me/login/", "guide/no-such-category/"):
        visit.open(place)
        button = visit.page.locator(EMERGENCY)
        assert button.bounding_box()["y"] < 200  # visible without scrolling
        button.click()
        expect(visit.page.locator("a.number").first).to_be_visible()
        assert visit.path == f"/{language}/emergency/"

    assert visit.read("h1") == visit.says("Emergency")
    phones = visit.page.locator("a.number").evaluate_all(
        "links => links.map(link => [link.innerText.trim(), link.getAttribute('href')])"
    )
    assert phones[:2] == [["119", "tel:119"], ["110", "tel:110"]]
    assert ["#7119", "tel:%237119"] in phones
    assert ["171", "tel:171"] in phones


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_finds_by_a_word_of_the_title(reader, language):
    texts = article("rubbish", language)
    word = texts["title"].split()[0]
    visit = reader(language)
    visit.open("")

    visit.page.locator("header .finder:visible input").fill(word)
    visit.page.locator("header .finder:visible button").click()

    expect(visit.page.locator("[role=status]").first).to_be_visible()
    assert visit.page.locator("main input[name=q]").input_value() == word
    lists = visit.page.locator("main .list").evaluate_all(
        """lists => lists.map(list => {
            list.querySelectorAll('rt, rp').forEach(each => each.remove());
            return list.textContent;
        })"""
    )
    assert texts["title"] in " ".join(lists)
    visit.page.locator(f".list a[href='/{language}/{ARTICLE}']").click()
    expect(visit.page.locator("article")).to_be_visible()
    assert visit.read("h1") == texts["title"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_without_a_result_offers_the_desk(reader, language):
    visit = reader(language)
    visit.open("search/?q=xyzxyz")
    assert visit.read(".empty p") == visit.says("There are no results. Try another word or ask us.")
    visit.page.locator(".empty a").click()
    expect(visit.page.locator("h1")).to_be_visible()
    assert visit.path == f"/{language}/consultations/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_address_is_answered_in_the_readers_language(reader, language):
    visit = reader(language)
    answer = visit.open("no-such-page/")
    assert answer.status == 404
    assert visit.read("h1") == visit.says("Page not found")
    visit.page.locator("main a.button").first.click()
    expect(visit.page.locator(".tasks")).to_be_visible()
    assert visit.path == f"/{language}/"
