"""Actions of the guide: audited, repeatable, and search finds what they save."""

import pytest
from django.contrib.auth.models import AnonymousUser

from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.audit.trail import content_version
from services.guide.actions import confirm_checked, publish, save_article, save_category, withdraw
from services.guide.demo import load
from services.guide.models import Article, Category
from tests.factories import ArticleFactory, CategoryFactory, UserFactory

pytestmark = pytest.mark.django_db


def told(article) -> list:
    return list(AuditEntry.objects.filter(object_id=str(article.pk)).values_list("action", "fields", "actor"))


def test_publish_and_withdraw_work_once_and_tell_the_trail():
    editor, article = UserFactory(), ArticleFactory(is_published=False)
    edition = content_version()
    publish(article, by=editor)
    publish(article, by=editor)
    assert article.is_published is Article.objects.get().is_published is True
    withdraw(article, by=editor)
    withdraw(article, by=editor)
    assert article.is_published is Article.objects.get().is_published is False
    assert told(article)[-2:] == [
        ("guide.publish", ["is_published"], editor.public_id),
        ("guide.withdraw", ["is_published"], editor.public_id),
    ]
    assert content_version() == edition + 2


def test_save_tells_the_names_of_what_changed_never_the_text():
    article = ArticleFactory()
    article.title_en = "A secret plan"
    save_article(article, by=None, changed=["title_en"])
    line = AuditEntry.objects.last()
    assert (line.action, line.fields) == ("guide.save", ["title_en"])
    assert "secret" not in str(AuditEntry.objects.filter(pk=line.pk).values_list()[0])


def test_confirm_checked_sets_the_day_and_tells_the_trail():
    article = ArticleFactory()
    confirm_checked(article, by=None)
    assert Article.objects.get().checked_on > article.checked_on
    assert told(article)[-1] == ("guide.confirm", ["checked_on"], "")


def test_category_is_saved_and_told():
    category = save_category(CategoryFactory.build(), by=None)
    assert Category.objects.get() == category
    assert told(category) == [("guide.save_category", ["title"], "")]


def test_search_text_is_plain_folded_and_knows_the_reading():
    article = ArticleFactory(
        title_ja_simple="{燃|も}える ＧＯＭＩ", body_ja_simple="## {袋|ふくろ}\n\n[{市|し}](https://x.example)\n"
    )
    kept = Article.objects.get(pk=article.pk).search_text_ja_simple
    for key in ("燃える gomi", "もえる", "袋", "ふくろ", "し"):
        assert key in kept
    for mark in ("{", "|", "##", "https"):
        assert mark not in kept
    assert article.search_text_ne == ""


@pytest.mark.parametrize("role", [None, *Role])
def test_drafts_are_visible_to_editors_and_translators_only(role):
    shown, draft = ArticleFactory(), ArticleFactory(is_published=False)
    user = UserFactory(roles=[role]) if role else AnonymousUser()
    wanted = {shown, draft} if role in {Role.EDITOR, Role.TRANSLATOR} else {shown}
    assert set(Article.objects.visible_to(user)) == wanted


def test_demo_guide_loads_twice_and_changes_nothing_the_second_time():
    load()
    lines, articles = AuditEntry.objects.count(), list(Article.objects.values())
    assert (len(articles), Category.objects.count()) == (15, 12)
    load()
    assert AuditEntry.objects.count() == lines
    assert list(Article.objects.values()) == articles


def test_search_text_begins_with_the_title_and_the_editors_words():
    article = ArticleFactory(title_en="Rubbish", search_words_en="Garbage", summary_en="When?", body_en="**Soon.**")
    assert article.search_text_en == "rubbish garbage when? soon."
