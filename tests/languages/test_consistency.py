"""Figures in one text in two languages: matches are silent, and differences are found."""

import pytest
from django.utils import translation
from django.utils.formats import number_format
from hypothesis import given
from hypothesis import strategies as st

from services.languages.consistency import Inconsistency, find_inconsistencies
from services.languages.registry import SPOKEN

CLASS = {
    "ja": "日本語教室は2026年3月1日（日）午後2時から4時30分まで。参加費は1,000円、定員20人です。\n電話 03-5744-1111",
    "ja-simple": "{日本語|にほんご}の {教室|きょうしつ}：2026{年|ねん}3{月|がつ}{1日|ついたち}（{日|にち}） "
    "{午後|ごご} 2{時|じ}から {午後|ごご} 4{時|じ}30{分|ぷん}まで。お{金|かね}は 1,000{円|えん}。20{人|にん}まで。"
    "{電話|でんわ} 03-5744-1111",
    "en": "The Japanese class is on Sunday, March 1, 2026, from 2 to 4:30 p.m. It costs 1,000 yen, for 20 people. "
    "Call +81-3-5744-1111.",
    "zh-hans": "日语班：2026年3月1日（星期日）下午2点到4点半。费用1000日元，限20人。电话：03-5744-1111",
    "ko": "일본어 교실은 2026년 3월 1일(일) 오후 2시~4시 30분입니다. 참가비 1,000엔, 정원 20명. 전화 03-5744-1111",
    "fil": "Ang klase ay sa ika-1 ng Marso 2026, mula 2 n.h. hanggang 4:30 n.h. Bayad: 1,000 yen, para sa 20 tao. "
    "Tumawag sa 03-5744-1111.",
    "ne": "जापानी भाषाको कक्षा सन् २०२६ मार्च १ मा दिउँसो २ बजेदेखि ४:३० बजेसम्म हुन्छ। शुल्क १,००० येन, २० "
    "जना। फोन ०३-५७४४-११११",
    "vi": "Lớp tiếng Nhật: ngày 1 tháng 3 năm 2026, từ 14 giờ đến 16h30. Học phí 1.000 yên, 20 người. Điện "
    "thoại 03-5744-1111",
    "ar": "درس اللغة اليابانية يوم الأحد ١ مارس ٢٠٢٦ من الساعة 2 حتى 4:30 مساءً. الرسوم ١٬٠٠٠ ين، لعدد 20 شخصًا. "
    "الهاتف \u200e03-5744-1111",
    "da": "Japanskkurset er søndag den 1. marts 2026 kl. 14.00-16.30. Prisen er 1.000 yen, og der er plads til 20. "
    "Ring på 03-5744-1111.",
}  # fmt: skip
PAIRS = [(source, language) for source in CLASS for language in CLASS if source != language]


def found(source, translation, source_language="ja", language="en"):
    return find_inconsistencies(source, translation, source_language=source_language, language=language)


@pytest.mark.parametrize(("source", "language"), PAIRS)
def test_notice_agrees_in_every_pair_of_languages(source, language):
    assert found(CLASS[source], CLASS[language], source, language) == []


# The same sentence with one planted fault for each language.
FAULTS = {
    "ja-simple": [
        ("3{月|がつ}{1日|ついたち}", "3{月|がつ}{2日|ふつか}", "date", "2026-03-01", "2026-03-02"),
        ("20{人|にん}", "12{人|にん}", "number", "20", "12"),
    ],
    "en": [
        ("March 1", "March 11", "date", "2026-03-01", "2026-03-11"),
        ("2026", "2025", "date", "2026-03-01", "2025-03-01"),
        ("4:30 p.m.", "4:00 p.m.", "time", "04:30", "16:00"),
        ("1111", "1112", "phone", "0357441111", "0357441112"),
        ("1,000", "10,000", "number", "1000", "10000"),
    ],
    "zh-hans": [
        ("3月1日", "4月1日", "date", "2026-03-01", "2026-04-01"),
        ("下午2点", "上午2点", "time", "14:00", "02:00"),
    ],
    "ko": [
        ("3월 1일", "3월 3일", "date", "2026-03-01", "2026-03-03"),
        ("오후 2시", "오전 2시", "time", "14:00", "02:00"),
    ],
    "fil": [
        ("ika-1 ng Marso", "ika-1 ng Mayo", "date", "2026-03-01", "2026-05-01"),
        ("2 n.h.", "2 n.u.", "time", "14:00", "02:00"),
        ("20 tao", "30 tao", "number", "20", "30"),
    ],
    "ne": [
        ("मार्च १", "मार्च २", "date", "2026-03-01", "2026-03-02"),
        ("दिउँसो २", "बिहान २", "time", "14:00", "02:00"),
        ("१,०००", "२,०००", "number", "1000", "2000"),
    ],
    "vi": [
        ("1 tháng 3", "3 tháng 1", "date", "2026-03-01", "2026-01-03"),
        ("14 giờ", "15 giờ", "time", "14:00", "15:00"),
        ("1.000", "1.500", "number", "1000", "1500"),
    ],
    "ar": [
        ("١ مارس", "١ مايو", "date", "2026-03-01", "2026-05-01"),
        ("4:30 مساءً", "5:30 مساءً", "time", "04:30", "17:30"),
        ("5744", "5745", "phone", "0357441111", "0357451111"),
    ],
    "da": [
        ("1. marts", "1. maj", "date", "2026-03-01", "2026-05-01"),
        ("kl. 14.00", "kl. 15.00", "time", "14:00", "15:00"),
        ("til 20", "til 21", "number", "20", "21"),
    ],
}


@pytest.mark.parametrize(
    ("language", "right", "wrong", "kind", "missing", "added"),
    [(language, *fault) for language, faults in FAULTS.items() for fault in faults],
)
def test_planted_fault_is_found(language, right, wrong, kind, missing, added):
    assert right in CLASS[language]
    faulty = CLASS[language].replace(right, wrong)
    assert found(CLASS["ja"], faulty, "ja", language) == [Inconsistency(kind, (missing,), (added,))]


@pytest.mark.parametrize(
    ("source", "language", "translation"),
    [
        # Days.
        ("3/1（日）に来てください。", "en", "Please come on 1 March."),
        ("３月１日", "en", "Sunday, 1st of March"),
        ("令和8年3月1日", "en", "2026-03-01"),
        ("3月1日、8日、15日", "en", "1, 8 and 15 March"),
        ("3月1日〜5日", "en", "March 1–5"),
        ("3月1日から4月5日まで", "da", "fra 1. marts til 5. april"),
        ("2026年3月1日", "vi", "Ngày 1/3/2026"),
        ("2026年3月1日", "vi", "hạn: 01-03-2026"),
        ("2026年3月1日", "da", "Frist: 1.3.2026"),
        ("2026年3月1日", "fil", "Marso 1, 2026"),
        ("2026年3月1日", "fil", "Hanggang March 1, 2026"),
        ("2026年3月1日", "ar", "1 آذار 2026"),
        ("3月1日", "ko", "2026. 3. 1."),
        ("3月1日", "en", "by 1/3"),
        ("5月の収集日", "en", "Collection days in May"),
        ("12月に", "ne", "डिसेम्बरमा"),
        ("6月から翌年5月まで", "vi", "từ tháng 6 đến tháng 5 năm sau"),
        ("3月1日から14日以内に", "en", "within 14 days of 1 March"),
        # Times.
        ("午後2時30分", "en", "2:30 pm"),
        ("正午に", "en", "at 12 noon"),
        ("正午に", "en", "at noon"),
        ("正午に", "vi", "lúc 12 giờ trưa"),
        ("午前10時から正午まで", "da", "fra kl. 10 til 12"),
        ("午前9時〜午後5時", "da", "kl. 9-17"),
        ("午前9時〜午後5時", "en", "9 a.m.–5 p.m."),
        ("10:00〜12:00", "en", "10 a.m. to 12 noon"),
        ("午前10時", "ar", "10 صباحًا"),
        ("午後7時", "ne", "बेलुका ७ बजे"),
        ("午後7時", "zh-hans", "晚上7点"),
        ("午前8時", "vi", "8 giờ sáng"),
        ("午後2時", "fil", "alas-2 ng hapon"),
        ("9時", "ko", "9:00"),
        ("24時間", "vi", "24 giờ"),
        ("2時間30分", "en", "2 hours 30 minutes"),
        # Numbers.
        ("1万2千円", "en", "12,000 yen"),
        ("42万円", "en", "420,000 yen"),
        ("50万円", "ko", "50만 엔"),
        ("50万円", "vi", "500 nghìn yên"),
        ("50万円", "ne", "5 लाख येन"),
        ("1億円", "da", "100 mio. yen"),
        ("1.5km", "da", "1,5 km"),
        ("1,000円", "da", "1 000 yen"),
        ("3割", "en", "30%"),
        ("2か所以上", "en", "two or more places"),
        ("2か月以内に写真を四枚", "en", "Within two months, 4 photos"),
        ("12か月", "en", "Twelve months"),
        ("11人", "da", "elleve personer"),
        ("1か月以内に写真を四枚", "da", "Inden en måned, 4 billeder"),
        ("1か月以内に写真を四枚", "ar", "خلال شهر واحد، 4 صور"),
        ("2か月以内に写真を四枚", "ar", "خلال شهرين، 4 صور"),
        ("12か月", "ar", "اثنا عشر شهرًا"),
        ("2か月以内に写真を四枚", "vi", "Trong hai tháng, 4 ảnh"),
        ("2か月以内に写真を四枚", "fil", "Sa loob ng dalawang buwan, 4 na litrato"),
        ("2か月以内に写真を四枚", "ne", "दुई महिनाभित्र ४ फोटो"),
        ("2か月以内に写真を四枚", "zh-hans", "两个月内提交4张照片"),
        ("2か月以内に写真を四枚", "ko", "두 달 안에 사진 4장"),
        ("大田区蒲田5丁目13番14号", "en", "5-13-14 Kamata"),
        ("〒144-8621", "en", "144-8621"),
        ("令和8年度", "en", "fiscal 2026"),
        ("1. 電話する\n2. 話す", "en", "Call, then talk"),
        ("{count}人が待っています", "en", "Many wait"),
        ("**14**日以内", "en", "within 14 days"),
        # Phone numbers and links.
        ("救急は１１９、相談は＃７１１９", "en", "Call 119, or #7119 for advice"),
        ("０３（５７４４）１１１１", "en", "(03) 5744-1111"),
        ("0120-000-111", "en", "[call](tel:+81120000111)"),
        ("https://www.nta.go.jp/をご覧ください", "en", "See [the agency](https://www.nta.go.jp/)."),
        ("[案内](/ja/guide/tax/)", "en", "[Guide](/en/guide/tax/)"),
        ("メールはinfo@example.jpへ。", "en", "Mail: info@example.jp."),
        ("", "en", ""),
    ],
)  # fmt: skip
def test_other_way_of_writing_is_no_difference(source, language, translation):
    assert found(source, translation, "ja", language) == []
    assert found(translation, source, language, "ja") == []


@pytest.mark.parametrize(
    ("source", "language", "translation", "difference"),
    [
        ("3月1日", "en", "soon", Inconsistency("date", ("03-01",), ())),
        ("まもなく", "en", "on 1 March", Inconsistency("date", (), ("03-01",))),
        ("4月から", "en", "from June", Inconsistency("date", ("04",), ("06",))),
        ("3月1日", "vi", "3/1", Inconsistency("date", ("03-01",), ("01-03",))),
        ("午後2時", "en", "2 a.m.", Inconsistency("time", ("14:00",), ("02:00",))),
        ("14:00", "en", "15:00", Inconsistency("time", ("14:00",), ("15:00",))),
        ("正午", "en", "midnight", Inconsistency("time", ("12:00",), ())),
        ("#7119", "en", "#7191", Inconsistency("phone", ("#7119",), ("#7191",))),
        ("03-5744-1111", "en", "call us", Inconsistency("phone", ("0357441111",), ())),
        ("https://a.jp/1。", "en", "https://a.jp/2.", Inconsistency("link", ("https://a.jp/1",), ("https://a.jp/2",))),
        ("4品目", "en", "5 kinds", Inconsistency("number", ("4",), ("5",))),
        ("14日以内", "en", "within a fortnight", Inconsistency("number", ("14",), ())),
        ("12か月", "en", "eleven months", Inconsistency("number", ("12",), ())),
        ("2か月、写真4枚", "vi", "Trong năm tháng, 5 ảnh và 4 tờ", Inconsistency("number", ("2",), ("5",))),
        ("12か月", "ar", "أحد عشر شهرًا", Inconsistency("number", ("12",), ())),
        ("1万円", "en", "1,000 yen", Inconsistency("number", ("10000",), ("1000",))),
        ("119番", "da", "112", Inconsistency("number", ("119",), ("112",))),
    ],
)
def test_difference_is_told_by_kind(source, language, translation, difference):
    assert found(source, translation, "ja", language) == [difference]


def test_differences_come_in_the_order_of_kinds_with_sorted_values():
    assert found("https://a.jp 30人 20人 3月2日 3月1日", "nothing") == [
        Inconsistency("link", ("https://a.jp",), ()),
        Inconsistency("date", ("03-01", "03-02"), ()),
        Inconsistency("number", ("20", "30"), ()),
    ]


PIECES = [
    "3月1日",
    "午後2時",
    "1万2千",
    "March 1",
    "1/3",
    "٣",
    "3",
    "１",
    ".",
    ",",
    "-",
    "、",
    " ",
    "\n",
    "(",
    "](",
    "{a|b}",
    "http://a.b/(",
    "@",
    "+81",
    "#71",
    "ngày 1 tháng 3",
    "kl. 8",
    "am",
    "%",
    "99999999999999999999999",
    "²",
    "İ",
]
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
LANGUAGES = st.sampled_from(list(SPOKEN))


@given(text=TEXTS, language=LANGUAGES)
def test_text_never_differs_from_itself(text, language):
    assert found(text, text, language, language) == []


@given(source=TEXTS, translation=TEXTS, source_language=LANGUAGES, language=LANGUAGES)
def test_any_two_texts_mirror_each_other(source, translation, source_language, language):
    there = found(source, translation, source_language, language)
    back = found(translation, source, language, source_language)
    assert [(one.kind, one.missing, one.added) for one in there] == [(one.kind, one.added, one.missing) for one in back]


# A pattern that takes more than linear time would not finish in any time that people would wait.
@pytest.mark.parametrize("language", ["en", "vi"])  # they have the most patterns
@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1,111",
        "1-",
        "1 - ",
        "1 and ",
        "a",
        "](",
        "](a(",
        "{a|",
        "{",
        "http://",
        "a@a.",
        "0-",
        "+1 1 ",
        "1日、",
        "3月1日、",
        "1万",
        "kl. ",
        "午後",
        " ",
        "\n",
        "*",
        "१",
        "tháng 1 ",
        "1 1",
    ],
)
@pytest.mark.thorough
def test_hostile_text_of_twenty_thousand_signs_ends(piece, language):
    text = (piece * 20_000)[:20_000]
    assert found(text, text + "!", language, language) == []


@pytest.mark.parametrize(
    ("source", "translation", "language"),
    [
        ("費用は150,000円です", "शुल्क १,५०,००० येन हो", "ne"),
        ("費用は1,200,000円です", "शुल्क १२,००,००० येन हो", "ne"),
        ("費用は12,345,678円です", "शुल्क १,२३,४५,६७८ येन हो", "ne"),
        ("費用は150,000円です", "The fee is 1,50,000 yen", "en"),
        ("費用は150,000円です", "शुल्क १ लाख ५० हजार येन हो", "ne"),
        ("費用は15,000円です", "Lệ phí 15.000 yên", "vi"),
        ("昭和50年4月1日", "1 April 1975", "en"),
        ("大正元年7月30日", "30 July 1912", "en"),
        ("明治45年7月1日", "1 July 1912", "en"),
        ("㍼50年4月1日", "1 April 1975", "en"),
        ("R8.3.1", "2026-03-01", "en"),
        ("Ｓ50年4月1日", "1 April 1975", "en"),
        ("S50/4/1生まれ", "født 1. april 1975", "da"),
        ("電話 090-1234-5678", "Call +81 (0)90-1234-5678", "en"),
    ],
)
def test_c14_a_right_figure_is_no_difference(source, translation, language):
    assert found(source, translation, "ja", language) == []


def test_c14_a_wrong_figure_in_south_asian_groups_is_found():
    assert found("費用は150,000円です", "शुल्क १,६०,००० येन हो", "ja", "ne") == [
        Inconsistency("number", ("150000",), ("160000",))
    ]


def test_c14_nepali_pages_group_as_south_asia_does():
    with translation.override("ne"):
        assert number_format(15_000_000, force_grouping=True) == "1,50,00,000"
