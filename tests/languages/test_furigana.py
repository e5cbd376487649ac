"""Furigana: one notation, three output forms, and pages that show it only in the right places."""

import pytest

from services.languages.furigana import annotate_page, strip_readings, to_parentheses, to_reading, to_ruby

RUBBISH = "{燃|も}える{ごみ袋|ごみぶくろ}を{出|だ}します。"
RUBY = "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>"


def test_ruby_has_three_faces_and_a_reading():
    assert to_ruby("{漢字|かんじ}を") == f"{RUBY}を"
    assert strip_readings(RUBBISH) == "燃えるごみ袋を出します。"
    assert to_parentheses(RUBBISH) == "燃（も）えるごみ袋（ごみぶくろ）を出（だ）します。"
    assert to_reading(RUBBISH) == "もえるごみぶくろをだします。"


@pytest.mark.parametrize(
    ("number", "reading"),
    [(5, "ふん"), (10, "ぷん"), (15, "ふん"), (30, "ぷん"), (45, "ふん"), (1, "ぷん"), (24, "ぷん")],
)
def test_minutes_are_read_after_their_number(number, reading):
    for written in ("ふん", "ぷん"):
        text = f"1{{回|かい}} {number}{{分|{written}}}です"
        assert f"{number}<ruby>分<rp>(</rp><rt>{reading}</rt>" in to_ruby(text)
        assert to_parentheses(text).endswith(f"{number}分（{reading}）です")
        assert to_reading(f"{number}{{分間|{written}かん}}") == f"{number}{reading}かん"
    assert to_reading("{何分|なんぷん}か、{分|わ}けます") == "なんぷんか、わけます"


@pytest.mark.parametrize("text", ["{name}さん", "{}", "{a|}", "{|b}", "{a|b|c}", "a|b", "{a", "{{x}|y}", "100%", ""])
def test_what_is_no_furigana_stays_as_it_is(text):
    kept = {"{{x}|y}": "{{x}|y}"}.get(text, text)
    assert [face(text) for face in (to_ruby, strip_readings, to_parentheses, to_reading)] == [kept] * 4


def test_furigana_cannot_carry_a_tag():
    text = "{<b>|x}{a|<script>}"
    assert to_ruby(text) == text


def test_page_shows_ruby_with_furigana_and_kanji_without():
    page = "<p>{漢字|かんじ}を{読|よ}む {name}</p>"
    assert annotate_page(page, furigana=True) == (
        f"<p>{RUBY}を<ruby>読<rp>(</rp><rt>よ</rt><rp>)</rp></ruby>む {{name}}</p>"
    )
    assert annotate_page(page, furigana=False) == "<p>漢字を読む {name}</p>"


@pytest.mark.parametrize("furigana", [True, False])
@pytest.mark.parametrize(
    ("page", "shown"),
    [
        # Where markup is not allowed: the kanji alone.
        ("<title>{漢字|かんじ} – x</title>", "<title>漢字 – x</title>"),
        ("<TITLE>{漢字|かんじ}</TITLE>", "<TITLE>漢字</TITLE>"),
        ('<desc>{漢字|かんじ}</desc>', '<desc>漢字</desc>'),
        ('<script type="application/ld+json">{"a": "{漢字|かんじ}"}</script>',
         '<script type="application/ld+json">{"a": "漢字"}</script>'),
        ('<img alt="{漢字|かんじ}">', '<img alt="漢字">'),
        ('<meta name="description" content="{漢字|かんじ}です">', '<meta name="description" content="漢字です">'),
        ('<a aria-label="{漢字|かんじ}" href="/x/?a=1">', '<a aria-label="漢字" href="/x/?a=1">'),
        # What a person typed comes back unchanged.
        ('<input name="q" value="{漢字|かんじ}">', '<input name="q" value="{漢字|かんじ}">'),
        ('<input value="{漢字|かんじ}" alt="{漢字|かんじ}">', '<input value="{漢字|かんじ}" alt="漢字">'),
        ("<textarea>\n{漢字|かんじ}</textarea>", "<textarea>\n{漢字|かんじ}</textarea>"),
        ('<TextArea name="x" rows="3">{a|b}\n{c|d}</TextArea>', '<TextArea name="x" rows="3">{a|b}\n{c|d}</TextArea>'),
    ],
)  # fmt: skip
def test_page_keeps_markup_out_of_where_it_cannot_stand(page, shown, furigana):
    assert annotate_page(page, furigana=furigana) == shown


@pytest.mark.parametrize(("furigana", "words"), [(True, "漢字（かんじ）を読（よ）む"), (False, "漢字を読む")])
def test_page_writes_the_reading_behind_the_kanji_of_an_option(furigana, words):
    page = '<OPTION value="1" title="{漢字|かんじ}">\n{漢字|かんじ}を{読|よ}む</OPTION>'
    assert annotate_page(page, furigana=furigana) == f'<OPTION value="1" title="漢字">\n{words}</OPTION>'


@pytest.mark.parametrize(("furigana", "words"), [(True, "漢字（かんじ）"), (False, "漢字")])
def test_page_writes_the_reading_behind_the_kanji_of_a_drawing(furigana, words):
    assert annotate_page('<text x="0">{漢字|かんじ}</text>', furigana=furigana) == f'<text x="0">{words}</text>'


def test_page_finds_furigana_after_a_kept_place():
    page = "<textarea>{a|b}</textarea><p>{漢字|かんじ}</p><select><option>{c|d}</option></select><p>{漢字|かんじ}</p>"
    assert annotate_page(page, furigana=True) == (
        f"<textarea>{{a|b}}</textarea><p>{RUBY}</p><select><option>c（d）</option></select><p>{RUBY}</p>"
    )


def test_page_without_furigana_is_the_same_page():
    page = '<!doctype html><html lang="ne"><head><title>x</title></head><body><p>a | b {c}</p></body></html>'
    assert annotate_page(page, furigana=True) == page
