"""A person's messages on "my page": only their own, in the page's language, marked as read only by a button."""

import re

import pytest
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext

from portal.message_kinds import SIGN_IN_CODE
from services.languages.furigana import annotate_page
from services.messaging.models import Message
from services.messaging.outbox import notify
from services.notices.message_kinds import ENDS_SOON, NEWS
from services.notices.models import Notice
from tests.factories import MessageFactory, NoticeFactory, UserFactory

pytestmark = pytest.mark.django_db
CODE = "accounts/sign_in_code"


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def reader(client):
    user = UserFactory(name="Sita Gurung", language="ne")
    client.force_login(user)
    return user


def write_to(user, **fields) -> Message:
    """Create a message on a user's page."""
    return MessageFactory(user=user, person=f"user:{user.pk}", channel="inbox", address="", state="sent", **fields)


def test_inbox_holds_only_ones_own_messages_newest_first(client, reader):
    other = UserFactory()
    stranger = write_to(other, context={"code": "STRANGER"})
    mail = MessageFactory(user=reader, person=f"user:{reader.pk}", context={"code": "MAILED"})
    older, newer = write_to(reader), write_to(reader)

    page = text(client.get("/ne/me/messages/"))

    assert page.index(newer.public_id) < page.index(older.public_id)
    assert stranger.public_id not in page
    assert mail.public_id not in page
    for row in (stranger, mail):
        assert client.get(f"/ne/me/messages/{row.public_id}/").status_code == 404
        assert client.post(f"/ne/me/messages/{row.public_id}/").status_code == 404
    assert Message.objects.filter(read_at__isnull=False).count() == 0


def test_inbox_of_nobody_asks_to_sign_in(client):
    row = write_to(UserFactory())
    for path in ("/ne/me/messages/", f"/ne/me/messages/{row.public_id}/"):
        assert client.get(path)["Location"] == f"/ne/me/login/?next={path}"


def test_empty_inbox_says_so(client, reader):
    assert "There is nothing here yet." in text(client.get("/en/me/messages/"))
    assert "There is nothing here yet." in text(client.get("/en/me/"))


def test_empty_inbox_does_not_deny_the_mails_that_stand_in_the_download(client, reader):
    """A code was sent by email: only this page has nothing to show."""
    MessageFactory(user=reader, person=f"user:{reader.pk}", channel="email", address=reader.email, state="sent")
    for path in ("/en/me/", "/en/me/messages/"):
        page = text(client.get(path))
        assert ("There is nothing here yet." in page, "not written to you" in page) == (True, False)


@pytest.mark.parametrize("language", [language.code for language in settings.CITY.offered()])
def test_message_is_in_the_language_of_the_page_whatever_it_was_written_in(client, reader, language):
    row = write_to(reader, language="vi", context={"code": "XYZ789"})
    with translation.override(language):
        subject, words = (
            gettext("Your sign-in code"),
            gettext("This is your sign-in code. Enter it on the page where you asked for it."),
        )

    page = text(client.get(f"/{language}/me/messages/{row.public_id}/"))

    assert annotate_page(f"<h1>{subject}</h1>", furigana=language == "ja-simple") in page
    assert annotate_page(f"<p>{words}</p>", furigana=language == "ja-simple") in page
    assert "<bdi>XYZ789</bdi>" in page
    assert annotate_page(subject, furigana=language == "ja-simple") in text(client.get(f"/{language}/me/messages/"))


def test_message_brings_no_style_of_its_own(client, reader):
    page = text(client.get(f"/en/me/messages/{write_to(reader).public_id}/"))

    assert "style=" not in page


def test_message_shows_furigana_as_the_reader_has_switched_it(client, reader):
    notice = NoticeFactory(title_ja_simple="{水|みず}です", body_ja_simple="{水|みず}です。", author=reader)
    (row,) = [it for it in notify(reader, NEWS, about=notice) if it.channel == "inbox"]
    path = f"/ja-simple/me/messages/{row.public_id}/"

    assert "<h1><ruby>" in text(client.get(path))
    assert "<title>水です" in text(client.get(path))
    assert "<rt>みず</rt>" in text(client.get(path))
    client.cookies["furigana"] = "off"
    page = text(client.get(path))
    assert "<rt>" not in page
    assert "水です。" in page


def test_message_in_another_language_is_marked(client, reader):
    notice = NoticeFactory(title_en="Only in two", author=reader)
    (row,) = [it for it in notify(reader, NEWS, about=notice) if it.channel == "inbox"]

    page = text(client.get(f"/ne/me/messages/{row.public_id}/"))

    assert '<h1><span lang="en" dir="ltr">Only in two</span></h1>' in page
    assert '<div lang="en" dir="ltr">' in page
    assert '<span lang="en" dir="ltr">Only in two</span>' in text(client.get("/ne/me/messages/"))


def test_looking_changes_nothing_and_the_button_marks_it_as_read(client, reader):
    row = write_to(reader)
    path = f"/en/me/messages/{row.public_id}/"
    assert '<li class="unread">' in text(client.get("/en/me/messages/"))
    assert "Mark as read" in text(client.get(path))
    row.refresh_from_db()
    assert row.read_at is None

    response = client.post(path)

    assert (response.status_code, response["Location"]) == (302, "/en/me/messages/")
    row.refresh_from_db()
    read_at = row.read_at
    assert read_at is not None
    assert 'class="unread"' not in text(client.get("/en/me/messages/"))
    assert "Mark as read" not in text(client.get(path))
    client.post(path)
    row.refresh_from_db()
    assert row.read_at == read_at


def test_button_needs_a_token(new_client):
    user = UserFactory()
    row = write_to(user)
    client = new_client(enforce_csrf_checks=True)
    client.force_login(user)

    assert client.post(f"/en/me/messages/{row.public_id}/").status_code == 403
    row.refresh_from_db()
    assert row.read_at is None


def test_my_page_shows_the_newest_three_and_how_many_are_new(client, reader):
    rows = [write_to(reader) for _number in range(4)]
    Message.objects.filter(pk=rows[0].pk).update(read_at=timezone.now())

    page = text(client.get("/en/me/"))

    assert [row.public_id in page for row in rows] == [False, True, True, True]
    assert "3 new" in page
    assert 'href="/en/me/messages/"' in page


@pytest.mark.parametrize("path", ["/ne/me/messages/", "/ne/me/"])
@pytest.mark.parametrize("count", [1, 30])
def test_inbox_needs_the_same_few_queries_for_one_and_many(client, reader, django_assert_num_queries, path, count):
    for number in range(count):
        notify(reader, ENDS_SOON, about=NoticeFactory(title_en=f"Number {number}", author=reader))
    client.get(path)
    expected = {"/ne/me/messages/": 8, "/ne/me/": 9}  # this page also lists registrations

    with django_assert_num_queries(expected[path]):
        page = client.get(path)

    assert f"Number {count - 1}" in text(page)


def test_message_that_only_staff_get_is_marked_as_what_it_is_written_in(client, reader):
    row = write_to(reader, kind="consultations/staff/follow_up_due")

    page = text(client.get(f"/ne/me/messages/{row.public_id}/"))

    assert re.search('<div class="prose" lang="en" dir="ltr">[^ऀ-ॿ]*At least one of your follow-ups is due today', page)


def test_message_about_what_is_gone_says_so(client, reader):
    notice = NoticeFactory(author=reader, is_published=False)
    (row,) = [it for it in notify(reader, ENDS_SOON, about=notice) if it.channel == "inbox"]
    Notice.objects.filter(pk=notice.pk).delete()

    assert "This message can no longer be shown" in text(client.get("/en/me/messages/"))
    page = client.get(f"/en/me/messages/{row.public_id}/")
    assert page.status_code == 200
    assert "This message was about something that no longer exists." in text(page)


def test_message_whose_texts_are_gone_says_so(client, reader):
    row = write_to(reader, kind="accounts/of_another_age")

    assert "This message can no longer be shown" in text(client.get(f"/en/me/messages/{row.public_id}/"))


def test_secrets_that_expire_never_stand_in_the_inbox(client, reader):
    notify(reader, SIGN_IN_CODE, context={"code": "SECRET"}, expires_at=timezone.now())

    assert "SECRET" not in text(client.get("/en/me/messages/"))
    assert Message.objects.in_inbox_of(reader).count() == 0
