"""Secure by default: without DEMO=1 the portal refuses to start until every required setting is there."""

import pytest

from tests.support import servers
from tests.support.databases import copy_migrated_to
from tests.support.production import REQUIRED, variables

pytestmark = [pytest.mark.servers, pytest.mark.once]

CITIES = ["ota", "guro", "copenhagen"]


@pytest.fixture
def production(tmp_path):
    env = servers.environment()
    del env["DEMO"]
    return env | variables(str(tmp_path))


def check(env, *words):
    return servers.manage(*(words or ("check",)), env=env, check=False)


def test_complete_settings_are_taken_and_deploy_has_nothing_to_say(production):
    answer = check(production, "check", "--deploy", "--fail-level", "WARNING")
    assert (answer.returncode, answer.stdout) == (0, "System check identified no issues (0 silenced).\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "  "), ("ALLOWED_HOSTS", ""), *((name, None) for name in REQUIRED)],
)
def test_missing_variable_is_refused_by_name(production, name, value):
    production.pop(name) if value is None else production.update({name: value})
    answer = check(production)
    assert answer.returncode == 1
    assert f"Set {name}: " in answer.stderr
    assert "docs/deploy.md" in answer.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is too weak"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is too weak"),
        ("AUDIT_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLM", "AUDIT_KEY is too weak"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name the portal's hosts"),
        ("ALLOWED_HOSTS", "tabunka.example.org,*", "ALLOWED_HOSTS must name the portal's hosts"),
        ("SITE_URL", "http://tabunka.example.org", "SITE_URL must begin with https://"),
        ("CITY", "atlantis", "CITY='atlantis' has no preset. There are: copenhagen, guro, ota."),
        ("CITY", "../ota", "has no preset"),
    ],
)
def test_weak_variable_is_refused_with_its_reason(production, name, value, told):
    answer = check(production | {name: value})
    assert answer.returncode == 1
    assert told in answer.stderr


def test_weak_secret_is_answered_with_a_strong_one_and_never_repeated(production):
    answer = check(production | {"SECRET_KEY": "my-own-weak-secret"})
    made = answer.stderr.strip().split()[-1]
    assert len(made) >= 50
    assert "my-own-weak-secret" not in answer.stderr
    assert check(production | {"SECRET_KEY": made}).returncode == 0


def test_demo_secrets_are_no_secrets_in_production(production):
    """The demo's secrets apply only when the demo is requested."""
    for name in ("SECRET_KEY", "AUDIT_KEY"):
        production.pop(name)
    assert check(production).returncode == 1
    assert check(production | {"DEMO": "1"}).returncode == 0
    assert check(production | {"DEMO": "true"}).returncode == 1


def test_demo_people_are_not_loaded_outside_the_demo(production):
    check(production, "migrate", "-v0")
    answer = check(production, "load_demo")
    assert answer.returncode == 1
    assert "set DEMO=1" in answer.stderr


@pytest.mark.parametrize("city", CITIES)
def test_city_does_not_change_the_migrations(city, tmp_path):
    env = servers.environment(CITY=city, VAR_DIR=str(tmp_path))
    answer = check(env, "makemigrations", "--check", "--dry-run")
    assert (answer.returncode, answer.stdout) == (0, "No changes detected\n")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("city", "language", "own_name", "not_offered", "news"),
    [
        ("ota", "ja", "大田区", None, "区からのお知らせ"),
        ("guro", "ko", "구로구", "da", "区からのお知らせ"),
        ("copenhagen", "da", "København", "ja-simple", "市からのお知らせ"),
    ],
)
def test_city_starts_and_answers_in_its_language(
    city, language, own_name, not_offered, news, tmp_path, django_db_setup
):
    env = servers.environment(CITY=city, VAR_DIR=str(tmp_path))
    copy_migrated_to(tmp_path)
    for words in (("load_demo", "-v0"), ("collectstatic", "--noinput", "-v0")):
        servers.manage(*words, env=env)
    with servers.web(env) as portal:
        status, headers, _text = portal.get("/")
        assert (status, headers["location"]) == (302, f"/{language}/")
        status, headers, text = portal.get(f"/{language}/")
        assert (status, headers["content-language"]) == (200, language)
        assert f'<html lang="{language}"' in text
        assert own_name in text
        assert portal.get("/en/guide/article/rubbish/")[0] == 200
        assert portal.get(f"/{language}/emergency/")[0] == 200
        assert news in portal.get("/ja/notices/")[2]
        assert ("about Ota City in Tokyo" in portal.get("/en/")[2]) is (city != "ota")
        if not_offered:
            assert portal.get(f"/{not_offered}/")[0] == 404
            assert f'hreflang="{not_offered}"' not in text
