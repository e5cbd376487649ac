"""Nobody sees a consultation desk text that is not theirs to read: on no page, in no file, email, log or dump.

The readers allowed for each text are listed here by hand; everything else is a leak.
"""

import io
import logging
import os
import pickle
import re
import sqlite3
import subprocess
import zipfile

import pytest
import redis
from django.core import mail
from django.core.cache import caches
from django.db import connection
from django.test import Client

from consultations.models import Consultation
from consultations.records.models.consultations import ConsultationQuerySet
from portal import access
from services.messaging.delivery import deliver_due
from tests.factories.guide import ArticleFactory
from tests.support import servers
from tests.support.canaries import Town, desk_addresses, keys_of, plant

# Facts of a record that a manager sees without its texts.
FACTS = {"Consultation.late_reason", "Amendment.reason"}


OF_A_CONSULTATION = {"Consultation.note", "Client.name", "Client.contact", "Amendment.before"}


# Who may see which texts, by the owner of the record; "*" means all of them.
MAY_MEET = {
    "author": {"open": "*"},
    "member": {"shut": "*"},
    "glass": {"open": FACTS | OF_A_CONSULTATION, "city": "*"},
    "uploader": {"open": FACTS, "own": "*", "city": "*"},
    "manager": {"open": FACTS, "city": "*"},
}


# Texts that no page shows, or not yet.
SHOWN_NOWHERE = {"Closing.reason", "Client.name", "Client.contact", "Case.subject"}


TAKES_ALONG = re.compile(r"export")


@pytest.fixture
def town(db) -> Town:
    return plant()


def browser_of(town: Town, who: str) -> Client:
    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    if who in town.people:
        client.force_login(town.people[who])
    return client


def body_of(response) -> bytes:
    """Return the body and headers of a response; a spreadsheet is unzipped."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = b"\n".join(archive.read(name) for name in archive.namelist())
    return body + repr(response.headers).encode()


def met(town: Town, who: str, found) -> dict[tuple[str, str], str]:
    """Return the marks that a person sees at these URLs, and where."""
    client, seen = browser_of(town, who), {}
    for name, address in found:
        for method in ("get", "post") if TAKES_ALONG.search(name) else ("get",):
            response = getattr(client, method)(address)
            assert response.status_code != 500, (who, method, address)
            for where in town.found_in(body_of(response)):
                seen.setdefault(where, f"{method} {name}")
        if who in town.people and "_auth_user_id" not in client.session:
            client = browser_of(town, who)
    return seen


def that_open(town: Town, who: str, found) -> list[tuple[str, str]]:
    """Return those of the URLs that show this person something."""
    client = browser_of(town, who)
    return [(name, address) for name, address in found if client.get(address).status_code not in {403, 404}]


def is_for_everybody(name: str) -> bool:
    return access.access_rule_for(name.partition(" ")[0]) == access.EVERYBODY


def makes_a_difference(town: Town, who: str, name: str) -> bool:
    """Whether this person may get another answer than one who is asked anyway.

    A page for everybody is the same for all roles; only signing in makes a difference. A page that is not for the
    person's roles refuses before it reads a record (tests/test_access.py tries every page with every role), so a few
    people stand for all who are refused.
    """
    if who in {"anonymous", "resident", "volunteer", "administrator", "author", "manager"}:
        return who in {"anonymous", "author", "manager"} or not is_for_everybody(name)
    rule = access.access_rule_for(name.partition(" ")[0])
    return rule is not None and rule != access.EVERYBODY and rule.admits(town.people[who])


def leaks(town: Town, who: str, seen: dict) -> dict:
    may = MAY_MEET.get(who, {})
    return {
        where: at for where, at in seen.items() if may.get(where[0]) != "*" and where[1] not in may.get(where[0], ())
    }


def all_leaks(town: Town, generic) -> tuple[dict, set]:
    """Return what each person sees but must not, by name; and what anyone sees who may."""
    found = list(generic)
    for who, whose in (("author", "open"), ("member", "shut"), ("uploader", "own")):
        found += that_open(town, who, desk_addresses(keys_of(town.rows[whose])))
    found = list(dict.fromkeys(found))
    leaking, shown = {}, set()
    for who in ("anonymous", *town.people):
        seen = met(town, who, [it for it in found if makes_a_difference(town, who, it[0])])
        if wrong := leaks(town, who, seen):
            leaking[who] = wrong
        shown |= set(seen) - set(wrong)
    return leaking, shown


@pytest.mark.thorough
def test_nobody_meets_what_is_not_theirs(town, addresses, caplog):
    caplog.set_level(logging.INFO)

    leaking, shown = all_leaks(town, addresses)

    assert leaking == {}
    expected = {("open", name) for _whose, name in town.marks.values() if _whose == "open"}
    assert {name for _whose, name in expected - shown} <= SHOWN_NOWHERE
    while deliver_due(worker="canary"):
        pass
    letters = "".join(f"{it.subject}{it.body}{it.alternatives}{it.extra_headers}{it.to}" for it in mail.outbox)
    assert town.found_in(letters.encode()) == set()
    assert town.found_in(caplog.text.encode()) == set()
    kept = b"".join(pickle.dumps(list(cache._cache.values())) for cache in caches.all() if hasattr(cache, "_cache"))
    assert kept
    assert town.found_in(kept) == set()


@pytest.mark.thorough
def test_walk_finds_a_planted_leak(town):
    mark = next(mark for mark, where in town.marks.items() if where == ("shut", "Consultation.note"))
    ArticleFactory(slug="leak", title_en=mark)

    seen = met(town, "anonymous", [("guide:article", "/ne/guide/article/leak/")])

    assert set(leaks(town, "anonymous", seen)) == {("shut", "Consultation.note")}


@pytest.mark.thorough
def test_walk_finds_a_guard_that_was_left_open(town, monkeypatch):
    shut = next(row for row in town.rows["shut"] if isinstance(row, Consultation))
    address = [("log:consultation", f"/en/staff/consultations/{shut.public_id}/")]
    assert met(town, "adviser", address) == {}
    for name in ("visible_to", "readable_by"):
        monkeypatch.setattr(ConsultationQuerySet, name, lambda rows, user: rows.all())

    assert ("shut", "Consultation.note") in leaks(town, "adviser", met(town, "adviser", address))


def dump(folder) -> bytes:
    """Return the whole database as a backup has it."""
    if connection.vendor == "sqlite":
        file = folder / "dump.sqlite3"
        with sqlite3.connect(connection.settings_dict["NAME"]) as opened:
            opened.execute("VACUUM INTO ?", [str(file)])
        opened.close()
        return file.read_bytes()
    told = connection.settings_dict
    command = [servers.postgresql_program("pg_dump"), "-h", told["HOST"], "-p", str(told["PORT"]), "-U", told["USER"]]
    return subprocess.run([*command, told["NAME"]], capture_output=True, check=True, env={**os.environ}).stdout


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_dump_shows_no_sealed_text_and_would_if_one_were_open(tmp_path):
    town = plant()
    sealed = {
        (whose, name)
        for whose, rows in town.rows.items()
        for row in rows
        for column in type(row)._meta.concrete_fields
        if column.get_internal_type() == "BinaryField" and (name := f"{row._meta.object_name}.{column.name}")
    }
    everything = set(town.marks.values())

    assert town.found_in(dump(tmp_path)) == everything - sealed
    assert everything - sealed
    row = next(row for row in town.rows["shut"] if isinstance(row, Consultation))
    mark = next(mark for mark, where in town.marks.items() if where == ("shut", "Consultation.note"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE consultations_consultation SET note = %s WHERE id = %s", [mark.encode(), row.pk])
    (tmp_path / "again").mkdir()
    assert ("shut", "Consultation.note") in town.found_in(dump(tmp_path / "again"))


@pytest.mark.servers
def test_redis_holds_no_text(town, settings):
    with servers.redis_server() as url:
        settings.CACHES = settings.CACHES | {
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
        }
        for who, whose in (("author", "open"), ("member", "shut"), ("uploader", "own")):
            assert met(town, who, desk_addresses(keys_of(town.rows[whose])))
        shop = redis.Redis.from_url(url)
        kept = b"".join(key + (shop.get(key) or b"") for key in shop.scan_iter())
        shop.close()
        assert kept
        assert town.found_in(kept) == set()
