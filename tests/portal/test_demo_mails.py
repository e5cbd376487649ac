"""The demo's page shows every email that its city has sent, with links to tap and times in the city's time zone."""

import pytest
from django.core.mail import EmailMessage, get_connection

pytestmark = pytest.mark.django_db
FILES = "django.core.mail.backends.filebased.EmailBackend"


@pytest.fixture
def folder(settings, tmp_path):
    settings.DEMO, settings.EMAIL_FILE_PATH = True, str(tmp_path)
    return tmp_path


def mail(number: int, *, body: str = "") -> EmailMessage:
    headers = {"Date": "Fri, 27 Nov 2026 15:24:16 -0000", "Content-Language": "ne"}
    return EmailMessage(f"Mail {number}", body, "a@example.org", [f"to{number}@example.org"], headers=headers)


def test_two_mails_that_go_in_one_are_both_shown_the_newest_first(client, folder):
    get_connection(FILES).send_messages([mail(1, body="One"), mail(2, body="Two")])
    assert len(list(folder.iterdir())) == 1
    page = client.get("/en/demo/").content.decode()
    assert [page.count("<bdi>Mail 1</bdi>"), page.count("<bdi>Mail 2</bdi>")] == [1, 1]
    assert page.index("Mail 2") < page.index("Mail 1")
    assert "-----" not in page


def test_only_the_newest_twenty_are_shown(client, folder):
    get_connection(FILES).send_messages([mail(number) for number in range(25)])
    page = client.get("/en/demo/").content.decode()
    assert (page.count("<bdi>Mail "), "<bdi>Mail 5</bdi>" in page, "<bdi>Mail 4</bdi>" in page) == (20, True, False)


def test_links_in_a_mail_can_be_tapped_and_nothing_else_is_markup(client, folder):
    get_connection(FILES).send_messages([mail(1, body="See http://localhost:8000/ne/x/?a=1&b=2 <b>now</b>")])
    page = client.get("/en/demo/").content.decode()
    assert '<a href="http://localhost:8000/ne/x/?a=1&amp;b=2" rel="nofollow">' in page
    assert "&lt;b&gt;now&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("language", "moment"), [("en", "28 November 2026, 00:24"), ("da", "28. november 2026 kl. 00:24")]
)
def test_moment_is_the_citys_in_the_readers_language(client, folder, language, moment):
    get_connection(FILES).send_messages([mail(1)])
    page = client.get(f"/{language}/demo/").content.decode()
    assert moment in page
    assert "-0000" not in page
