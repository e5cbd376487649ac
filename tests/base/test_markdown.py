"""Editors write Markdown; readers get HTML in which nothing can run."""

import pytest

from services.base.markdown import to_html, to_plain_text, to_text_email


@pytest.mark.parametrize(
    "typed",
    [
        "<script>alert(1)</script>",
        '<p onclick="alert(1)">x</p>',
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        "![x](https://evil.example/pixel.png)",
        '<iframe src="https://evil.example"></iframe>',
        '<a href="https://x.example" style="position:fixed">x</a>',
        "<svg onload=alert(1)>",
        "<style>body{display:none}</style>",
        '[x](https://x.example "onmouseover=alert(1)")',
        "`<script>alert(1)</script>`",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_that_was_typed_can_act(typed):
    html = to_html(typed)
    lowered = html.lower()
    tags = [piece.split(">")[0] for piece in lowered.split("<")[1:]]
    assert all(tag.lstrip("/").split()[0] in {"p", "a", "code", "pre"} for tag in tags)
    assert not any(" on" in tag or "style" in tag or "src" in tag for tag in tags)
    assert not any("javascript:" in tag or "data:" in tag or "vbscript:" in tag for tag in tags)


def test_links_to_pages_mail_and_phones_stay():
    assert to_html("[x](https://x.example/a)") == '<p><a href="https://x.example/a" rel="noopener">x</a></p>\n'
    assert 'href="tel:119"' in to_html("[119](tel:119)")
    assert 'href="mailto:a@example.org"' in to_html("<a@example.org>")
    assert 'href="/ne/guide/"' in to_html("[x](/ne/guide/)")


def test_text_keeps_its_structure():
    html = to_html("## Head\n\n1. one\n2. **two**\n\n- three\n\n> four")
    assert html == (
        "<h2>Head</h2>\n<ol>\n<li>one</li>\n<li><strong>two</strong></li>\n</ol>\n<ul>\n<li>three</li>\n</ul>\n"
        "<blockquote>\n<p>four</p>\n</blockquote>\n"
    )


def test_furigana_passes_through_for_the_page_to_show():
    assert to_html("{漢字|かんじ}") == "<p>{漢字|かんじ}</p>\n"


def test_words_are_what_a_reader_sees():
    assert to_plain_text("## Head\n\ntext **bold** [link](https://x.example)\n\n- item") == "Head text bold link item"


@pytest.mark.parametrize(
    "number", ["03-5744-1111", "(03) 5744-1111", "+81 3 5744 1111", "+81-3-5744-1111", "2026-12-01"]
)
def test_numbers_in_groups_keep_their_order_after_arabic_letters(number):
    assert to_html(f"هاتف:{number}.") == f'<p>هاتف:<bdi dir="ltr">{number}</bdi>.</p>\n'
    assert to_text_email(f"اتصل {number}") == f"اتصل \u2066{number}\u2069"
    assert to_html(f"Call {number}") == f"<p>Call {number}</p>\n"
    assert to_text_email(f"Call {number}") == f"Call {number}"


def test_numbers_in_addresses_of_pages_are_left_alone_after_arabic_letters():
    address = "https://x.example/a/2026-12-01?b=03-5744-1111"
    assert to_text_email(f"[هنا]({address})") == f"هنا: {address}"
    assert to_html(f"[هنا]({address})") == f'<p><a href="{address}" rel="noopener">هنا</a></p>\n'
