"""Cached public pages: fast, and never stale, mixed up or personal."""

import psycopg2
import pytest
from django.core.cache import caches
from django.db import connection

from services.audit.trail import content_version, record
from services.guide.actions import publish, save_article, withdraw
from tests.factories import ArticleFactory, CategoryFactory, UserFactory
from tests.support import servers

pytestmark = pytest.mark.django_db
PATH = "/ne/guide/article/first/"


@pytest.fixture
def article():
    return ArticleFactory(slug="first", title_ne="पहिलो", category=CategoryFactory(slug="moving"))


def text(response) -> str:
    return response.content.decode()


def test_second_reader_gets_the_copy_for_one_query(client, new_client, article, django_assert_num_queries):
    first = client.get(PATH)
    with django_assert_num_queries(1):
        second = new_client().get(PATH)
    assert (second.status_code, second.content) == (200, first.content)
    for header in ("Content-Type", "Content-Language", "ETag", "Content-Security-Policy"):
        assert second[header] == first[header]


def test_change_is_seen_at_once(client, article):
    assert "पहिलो" in text(client.get(PATH))
    article.title_ne = "दोस्रो"
    save_article(article, by=None)
    assert "दोस्रो" in text(client.get(PATH))
    withdraw(article, by=None)
    assert client.get(PATH).status_code == 404
    publish(article, by=None)
    assert client.get(PATH).status_code == 200


def test_change_made_by_another_process_is_seen_at_once(client, article):
    """Processes share only the database, so the change is made there, bypassing this process's cache."""
    assert "पहिलो" in text(client.get(PATH))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE guide_article SET title_ne = 'अर्को'")
        cursor.execute("UPDATE audit_auditchainhead SET content_version = content_version + 1")
    assert "अर्को" in text(client.get(PATH))


def test_what_changes_no_page_leaves_the_copies(client, article, django_assert_num_queries):
    client.get(PATH)
    record(None, "tests.view", changes=False)
    with django_assert_num_queries(1):
        client.get(PATH)


def test_browsers_copy_is_confirmed_with_304(client, article):
    first = client.get(PATH)
    tag = first["ETag"]
    again = client.get(PATH, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert client.get(PATH, headers={"if-none-match": '"other"'}).status_code == 200
    article.title_ne = "दोस्रो"
    save_article(article, by=None)
    changed = client.get(PATH, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag


def test_signed_in_readers_get_no_copy_and_leave_none(client, new_client, article):
    client.force_login(UserFactory(name="Sita Gurung"))
    mine = client.get(PATH)
    assert "ETag" not in mine
    assert "no-store" in mine["Cache-Control"]
    strangers = text(new_client().get(PATH))
    assert "Sita" not in strangers
    assert text(client.get(PATH)) != strangers


def test_furigana_has_copies_of_its_own(client, new_client):
    CategoryFactory(slug="moving", title_ja_simple="{引越|ひっこ}し")
    with_furigana = client.get("/ja-simple/guide/moving/")
    assert "<rt>ひっこ</rt>" in text(with_furigana)
    other = new_client()
    other.cookies["furigana"] = "off"
    without = other.get("/ja-simple/guide/moving/")
    assert "<rt>" not in text(without)
    assert "引越し" in text(without)
    assert "<rt>ひっこ</rt>" in text(new_client().get("/ja-simple/guide/moving/"))
    assert with_furigana["ETag"] != without["ETag"]


def test_first_visit_has_copies_of_its_own(client, new_client):
    first = text(client.get("/ne/"))
    returning = new_client()
    returning.cookies["language"] = "ne"
    assert "welcome" in first.split("<main")[0]
    assert 'class="welcome' not in text(returning.get("/ne/"))
    assert text(new_client().get("/ne/")) == first


def test_languages_and_queries_have_copies_of_their_own(client, article):
    pages = [client.get(path).content for path in ("/ne/guide/", "/ar/guide/", "/ne/search/?q=a", "/ne/search/?q=b")]
    assert len(set(pages)) == 4
    assert [client.get(path).content for path in ("/ne/guide/", "/ar/guide/")] == pages[:2]


def test_compressed_copy_goes_only_to_who_can_read_it(client, new_client, article):
    zipped = client.get(PATH, headers={"accept-encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip"
    plain = new_client().get(PATH)
    assert "Content-Encoding" not in plain
    assert "पहिलो" in text(plain)
    assert client.get(PATH, headers={"accept-encoding": "gzip"})["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/ne/me/login/", "/ne/me/signup/"])
def test_page_with_a_token_is_never_copied(client, new_client, path):
    assert "ETag" not in client.get(path)
    tokens = {new_client().get(path).cookies["csrf"].value for _ in range(2)}
    assert len(tokens) == 2


@pytest.mark.parametrize("path", ["/ne/guide/nothing/", "/ne/guide/?q=" + "x" * 80, "/healthz", "/"])
def test_what_may_not_be_kept_is_not(client, path):
    assert client.get(path).status_code == client.get(path).status_code
    assert len(caches["pages"]._cache) == 0


def test_forged_host_gets_no_copy_and_leaves_none(client, new_client, article):
    client.get(PATH)
    assert new_client().get(PATH, headers={"host": "evil.example"}).status_code == 400
    assert "evil.example" not in text(client.get(PATH))


def test_edition_is_read_past_a_cursor_of_an_earlier_connection(transactional_db):
    record(None, "tests.change")
    assert content_version() == 1
    connection.close()
    record(None, "tests.change")
    assert content_version() == 2
    assert content_version() == 2


@pytest.mark.servers
@pytest.mark.once
def test_lost_connections_to_the_database_are_made_anew(tmp_path):
    with servers.postgresql() as database_url:
        env = servers.environment(VAR_DIR=str(tmp_path), DATABASE_URL=database_url)
        for words in (("migrate", "-v0"), ("collectstatic", "--noinput", "-v0")):
            servers.manage(*words, env=env)
        with servers.web(env) as portal:
            before = [portal.get("/ne/guide/")[0] for _ in range(8)]
            elsewhere = psycopg2.connect(database_url)
            elsewhere.autocommit = True
            with elsewhere.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
                ended = cursor.rowcount
            elsewhere.close()
            after = [portal.get("/ne/guide/")[0] for _ in range(8)]
    assert ended > 0
    assert (before, after) == ([200] * 8, [200] * 8)
