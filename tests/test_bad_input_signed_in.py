"""Bad input from signed-in users: whatever they type or forge is answered, never with a 5xx."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.accounts.roles import Role
from tests.factories import ArticleFactory, UserFactory
from tests.support.nasty_texts import MANY, TEXT, browser, every_nasty_text, sendable

FEW = settings(MANY, max_examples=5)
FORMS = {
    "/ne/me/email/": ("email", "action_add", "action_remove", "action_primary"),
    "/ne/me/password/change/": ("oldpassword", "password1", "password2"),
    "/ne/me/reauthenticate/": ("password", "next"),
    "/ne/me/second-factor/app/activate/": ("code",),
    "/en/staff/admin/guide/article/": ("action", "_selected_action", "select_across", "index"),
    "/en/staff/admin/guide/category/add/": ("slug", "position", "icon", "title_ne", "title_en"),
    "/en/staff/admin/accounts/user/add/": ("email", "name", "language", "roles", "is_active"),
    "/en/staff/admin/accounts/user/{person}/change/": ("email", "name", "language", "roles", "is_active"),
}
LISTS = [
    "/ne/me/", "/ne/me/messages/", "/ne/staff/", "/en/staff/admin/guide/article/", "/en/staff/admin/guide/category/",
    "/en/staff/admin/accounts/user/", "/en/staff/admin/audit/auditentry/",
]  # fmt: skip
PARAMETERS = [
    "q", "o", "p", "e", "all", "page", "next", "missing", "is_published__exact", "category__id__exact", "slug",
    "is_active__exact", "grants__role", "email__startswith", "at__gte", "action", "actor", "_popup", "_to_field",
]  # fmt: skip
THINGS = ["me/messages/{}/", "staff/admin/guide/article/{}/change/", "staff/admin/accounts/user/{}/change/"]


@pytest.fixture
def city(db):
    """An article and a person to change, and a user who may change both."""
    article = ArticleFactory(slug="open", category__slug="open-category", title_ne="शीर्षक", body_ne="पाठ")
    reader = UserFactory(roles=[Role.EDITOR, Role.MANAGER, Role.ADMINISTRATOR])
    return {"article": article, "person": UserFactory(name="Sita").pk, "reader": reader}


def signed_in(city):
    client = browser()
    client.force_login(city["reader"])
    return client


@pytest.mark.parametrize("form", FORMS)
@FEW
@given(words=st.lists(TEXT.map(sendable), min_size=5, max_size=5))
@every_nasty_text(words=5, step=5)
def test_form_behind_the_sign_in_survives_anything_typed(form, city, words):
    typed = dict(zip(FORMS[form], words, strict=False))

    response = signed_in(city).post(form.format(**city), typed)

    assert response.status_code < 500, (form, typed)


@settings(MANY, max_examples=10)
@given(column=st.integers(0, 99), text=TEXT.map(sendable))
@every_nasty_text("text", column=range(100))
def test_article_with_anything_in_it_is_kept_and_read_or_refused(city, column, text):
    client, article = signed_in(city), city["article"]
    address = f"/en/staff/admin/guide/article/{article.pk}/change/"
    stands = client.get(address).context["adminform"].form.initial
    names = sorted(key for key in stands if key.endswith(("_ne", "_ja_simple")))
    name = names[column % len(names)]

    typed = {key: value for key, value in stands.items() if value is not None} | {name: text}
    response = client.post(address, typed)

    assert response.status_code in {200, 302, 400}, (name, typed[name])
    for language in ("ne", "ja-simple"):
        for page in ("guide/article/open/", "guide/open-category/", "search/?q=1"):
            assert client.get(f"/{language}/{page}").status_code == 200, (name, typed[name])


@pytest.mark.parametrize("page", LISTS)
@FEW
@given(name=st.sampled_from(PARAMETERS), text=TEXT)
@every_nasty_text("text", name=PARAMETERS)
def test_list_behind_the_sign_in_survives_any_parameter(page, city, name, text):
    response = signed_in(city).get(f"{page}?{name}={quote(sendable(text), safe='')}")

    assert response.status_code < 500, (page, name, text)


@pytest.mark.parametrize("thing", THINGS)
@FEW
@given(text=TEXT)
@every_nasty_text("text")
def test_address_of_a_thing_behind_the_sign_in_survives_anything(thing, city, text):
    response = signed_in(city).get(f"/en/{thing.format(quote(sendable(text), safe=''))}")

    assert response.status_code < 500, (thing, text)
