"""Search as residents type: ten languages, synonyms and misspellings, over the guide and the portal's own pages."""

import re
import tomllib

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from consultations.models import DeskService
from portal.pages.page_search import WORDS, own_pages
from services.guide import demo
from services.languages.furigana import strip_readings
from services.languages.registry import SPOKEN
from services.languages.search_folding import fold_for_search, folded_search_words
from services.notices.models import NoticeTranslation, NoticeTranslationState
from tests.factories import ArticleFactory, HoursFactory, NoticeFactory

pytestmark = pytest.mark.django_db

EDITION = 1
LAWYER, DESK, APPOINTMENTS = "consultations/appointments/lawyer/", "consultations/", "consultations/appointments/"
NEWS, SIGN_UP, EMERGENCY, ME = "notices/", "notices/subscribe/", "emergency/", "me/"
RUBBISH, DOCTOR, QUAKE, MOVING = (
    f"guide/article/{slug}/" for slug in ("rubbish", "seeing-a-doctor", "earthquake", "moving")
)
TAX, PENSION, SCHOOL, BIRTH = (f"guide/article/{slug}/" for slug in ("tax", "pension", "school", "childbirth"))
HOME, BICYCLE = "guide/article/renting-a-home/", "guide/article/bicycles/"

# The pages that must be among the first three results, and the searches for them on a page in that language.
TYPED = {
    "ja": {
        LAWYER: "弁護士",
        APPOINTMENTS: "予約",
        RUBBISH: "ゴミ, ごみ, ｺﾞﾐ",
        EMERGENCY: "救急車",
        MOVING: "引越し",
        DOCTOR: "病院",
        NEWS: "お知らせ",
        "interpreting/": "通訳",
        ME: "ログイン",
    },
    "ja-simple": {
        LAWYER: "べんごし, ベンゴシ",
        RUBBISH: "ゴミ",
        DOCTOR: "びょういん",
        QUAKE: "じしん",
        APPOINTMENTS: "よやく",
        DESK: "そうだん",
        TAX: "ぜいきん",
        "classes/": "にほんご",
    },
    "en": {
        LAWYER: "lawyer, LAWYER",
        RUBBISH: "garbage, trash, gomi, ゴミ",
        DOCTOR: "hospital",
        APPOINTMENTS: "appointment",
        SIGN_UP: "newsletter",
        EMERGENCY: "ambulance",
        BICYCLE: "bike",
        BIRTH: "pregnant",
        HOME: "rent",
        ME: "login",
    },
    "zh-hans": {
        LAWYER: "律师",
        RUBBISH: "垃圾, 倒垃圾, garbage",
        DOCTOR: "医院",
        EMERGENCY: "报警",
        APPOINTMENTS: "预约",
        PENSION: "养老金",
        "interpreting/": "翻译",
        HOME: "租房",
    },
    "ko": {
        LAWYER: "변호사",
        RUBBISH: "쓰레기, 분리수거, ごみ",
        DOCTOR: "병원",
        APPOINTMENTS: "예약",
        TAX: "세금",
        "interpreting/": "통역",
        DESK: "상담",
        BICYCLE: "자전거",
    },
    "fil": {
        LAWYER: "abogado",
        RUBBISH: "basura, kalat, garbage",
        DOCTOR: "ospital",
        TAX: "buwis",
        QUAKE: "lindol",
        EMERGENCY: "pulis",
        BIRTH: "buntis",
        SCHOOL: "eskuwela",
    },
    "ne": {
        LAWYER: "वकिल, वकील, lawyer",
        RUBBISH: "फोहोर, फोहर, garbage, ゴミ",
        DOCTOR: "अस्पताल",
        QUAKE: "भुकम्प",
        TAX: "कर",
        NEWS: "सुचना",
        HOME: "कोठा",
        EMERGENCY: "११९",
        SCHOOL: "स्कूल",
    },
    "vi": {
        LAWYER: "luật sư, luat su",
        RUBBISH: "rác thải, rac thai",
        DOCTOR: "benh vien",
        TAX: "thuế",
        QUAKE: "động đất, dong dat",
        APPOINTMENTS: "đặt lịch",
        EMERGENCY: "cap cuu",
        BICYCLE: "xe dap",
    },
    "ar": {
        LAWYER: "محامي, محامٍ, المحامي",
        RUBBISH: "قمامة, قمامه, القمامة",
        DOCTOR: "مستشفى",
        EMERGENCY: "اسعاف, ١١٩",
        TAX: "ضرائب",
        APPOINTMENTS: "حـجـز",
        SCHOOL: "مدرسه",
        QUAKE: "زلزال",
    },
    "da": {
        LAWYER: "advokat",
        RUBBISH: "skrald, affald",
        DOCTOR: "læge, laege",
        EMERGENCY: "nødhjælp, noedhjaelp",
        TAX: "skat",
        APPOINTMENTS: "tidsbestilling",
        "volunteers/": "frivillig",
        BICYCLE: "cykel",
    },
}


def typed_in(language: str) -> list[tuple[str, str]]:
    return [(typed, wanted) for wanted, words in TYPED[language].items() for typed in words.split(", ")]


def results(client, language: str, typed: str) -> list[str]:
    """Return the paths of the results, without the language, in the page's order."""
    page = client.get(f"/{language}/search/", {"q": typed}).content.decode().partition('class="empty"')[0]
    return re.findall(rf'<h[23]><a href="/{language}/([^"]*)"', page)


def test_every_language_is_tried_with_at_least_five_words():
    assert list(TYPED) == list(SPOKEN)
    assert min(len(typed_in(language)) for language in TYPED) >= 5


@pytest.mark.parametrize("language", TYPED)
@pytest.mark.thorough
def test_what_residents_type_finds_what_they_mean_among_the_first_three(client, language):
    demo.load()
    HoursFactory(service=DeskService.LAWYER, by_appointment=True, language="")
    found = {typed: results(client, language, typed)[:3] for typed, _wanted in typed_in(language)}
    assert [(typed, wanted, found[typed]) for typed, wanted in typed_in(language) if wanted not in found[typed]] == []


@pytest.mark.parametrize("code", SPOKEN)
def test_services_are_found_by_their_names_in_any_language(client, code):
    wanted = []
    for service in DeskService:
        if service != DeskService.ADVICE:
            HoursFactory(service=service, by_appointment=True, language="")
            with translation.override(code):
                wanted.append((strip_readings(str(service.label)), f"{APPOINTMENTS}{service}/"))
    assert [name for name, address in wanted if address not in results(client, "ne", name)[:3]] == []


def test_service_without_times_leads_to_the_desk(client):
    HoursFactory(service=DeskService.LAWYER, by_appointment=False, language="")
    assert results(client, "ne", "वकिल")[0] == DESK
    assert LAWYER not in results(client, "ne", "वकिल")


def test_every_own_page_has_words_in_every_language():
    words = tomllib.loads(WORDS.read_text("utf-8"))
    assert set(words) == set(own_pages())
    assert {name: set(of_page) for name, of_page in words.items()} == {key: set(SPOKEN) for key in words}
    assert [name for name in own_pages() if name not in DeskService.values and not reverse(name)] == []


def test_demo_articles_have_words_in_every_language():
    words = tomllib.loads((demo.ARTICLES / "search_words.toml").read_text("utf-8"))
    assert set(words) == set(tomllib.loads((demo.ARTICLES / "index.toml").read_text("utf-8")))
    assert {slug: set(of_article) for slug, of_article in words.items()} == {key: set(SPOKEN) for key in words}


def test_words_of_editors_are_searched_and_never_shown(client):
    ArticleFactory(slug="rubbish", title_ne="फोहोर", body_ne="पाठ", search_words_ne="कसिङ्गर")
    assert results(client, "ne", "कसिङ्गर") == ["guide/article/rubbish/"]
    for path in ("/ne/guide/article/rubbish/", "/ne/search/?q=फोहोर", "/ne/guide/"):
        assert "कसिङ्गर" not in client.get(path).content.decode()


def test_article_with_the_word_in_its_title_comes_before_one_that_mentions_it(client):
    ArticleFactory(slug="a", title_en="Moving", body_en="Take your rubbish along.")
    ArticleFactory(slug="b", title_en="Sorting", search_words_en="rubbish")
    ArticleFactory(slug="c", title_en="Rubbish")
    assert results(client, "en", "rubbish") == [f"guide/article/{slug}/" for slug in "cba"]


def test_find_in_another_language_says_in_which_only_where_the_article_is_shown_in_its_own(client):
    ArticleFactory(slug="own", title_ne="फोहोर", title_en="Rubbish", title_ja="ごみ")
    ArticleFactory(slug="english", title_en="Rubbish", title_ja="ごみ")

    def notes(language: str, typed: str) -> dict[str, list[str]]:
        page = client.get(f"/{language}/search/", {"q": typed}).content.decode()
        pieces = page.partition('id="articles"')[2].partition("</ul>")[0].split("<li>")[1:]
        slug = re.compile("article/([a-z]+)/")
        return {slug.search(piece)[1]: re.findall(" · ([^<]+)", piece) for piece in pieces}

    assert notes("en", "rubbish") == {"own": [], "english": []}
    assert notes("en", "ゴミ") == {
        "own": ["Found in the Japanese version"],
        "english": ["Found in the Japanese version"],
    }
    assert notes("ja-simple", "ゴミ") == {"own": [], "english": []}
    nepali = notes("ne", "rubbish")
    assert [len(nepali[slug]) for slug in ("own", "english")] == [1, 0]


def test_result_needs_the_same_few_queries_for_few_and_many(client, django_assert_num_queries):
    for _ in range(30):
        HoursFactory(service=DeskService.LAWYER, by_appointment=True, language="")
    for number in range(1, 31):
        ArticleFactory(title_ne=f"वकिल {number}")
        if number in {1, 30}:
            client.get("/ne/emergency/")  # runs what is looked up once after each change
            with django_assert_num_queries(EDITION + 5):
                client.get(f"/ne/search/?q=वकिल&n={number}")


def test_empty_result_offers_the_desk_appointments_and_the_guide(client):
    page = client.get("/en/search/?q=elephant").content.decode().partition('class="empty"')[2]
    for address in ("consultations/", "consultations/appointments/", "guide/"):
        assert f'href="/en/{address}"' in page


@pytest.mark.parametrize(
    "typed",
    [
        "%",
        "_",
        "\\",
        "' OR 1=1 --",
        '"; DROP TABLE x; --',
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "{a|b}",
        ".*",
        "(",
    ],
)
def test_signs_find_nothing_and_are_escaped(client, typed):
    ArticleFactory(slug="a")
    page = client.get("/en/search/", {"q": typed})
    assert page.status_code == 200
    assert results(client, "en", typed) == []
    assert "<script>alert" not in page.content.decode()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ゴミ ｺﾞﾐ ごみ", "ごみ ごみ ごみ"),
        ("カード", "かーど"),
        ("か が", "か が"),
        ("Rác Thải, Đổ", "rac thai, do"),
        ("Ærø Å å", "aero a a"),
        ("قُمَامَة إسعاف أ آ ؤ ئ ى حـجز", "قمامه اسعاف ا ا و ي ي حجز"),
        ("वकील ज़ चाँद", "वकिल ज चाद"),
        ("한국어 １１９ ११९ ١١٩", "한국어 119 119 119"),
    ],
)
def test_folding_makes_one_of_what_is_typed_differently(text, key):
    assert fold_for_search(text) == key
    assert fold_for_search(key) == key


def test_arabic_article_is_taken_from_what_is_typed_and_never_from_a_short_word():
    assert folded_search_words("المحامي الى ال") == [
        ("المحامي", "محامي"),
        ("الي",),
        ("ال",),
    ]


def test_placeholder_of_the_search_field_is_kana_in_easy_japanese(client):
    page = client.get("/ja-simple/search/").content.decode()
    assert 'placeholder="さがす"' in page
    assert 'aria-label="探す"' in page
    client.cookies["furigana"] = "off"
    assert 'placeholder="探す"' in client.get("/ja-simple/search/").content.decode()
    assert settings.CITY.default_language == "ja"


def test_search_finds_checked_notices_by_folded_text_and_no_others(client):
    news = NoticeFactory(
        title_en="The child’s card", title_ja="子ども手当", body_ja="本文", title_zh_hans="新闻", body_zh_hans="医疗"
    )
    for language, typed in (("en", "child's"), ("ja", "子供"), ("zh-hans", "醫療"), ("ar", "child‘s")):
        assert results(client, language, typed) == [f"notices/{news.public_id}/"]
    assert results(client, "en", "手当 card") == []
    NoticeTranslation.objects.filter(notice=news, language="ja").update(state=NoticeTranslationState.OUTDATED)
    assert results(client, "ja", "手当") == []


def test_search_does_not_find_drafts_of_notices(client):
    draft = NoticeFactory(is_published=False)
    assert draft.translations.exclude(search_text="").exists()
    assert results(client, "en", draft.title_en) == []
