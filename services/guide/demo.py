"""Load the demo city's guide: the twelve categories and the fifteen articles of demo_articles/."""

import datetime
import json
import tomllib
from pathlib import Path

from django.utils import timezone

from services.guide.actions import publish, save_article, save_category
from services.guide.models import Article, Category
from services.languages.registry import SPOKEN

CATEGORIES = Path(__file__).parent / "categories.json"
ARTICLES = Path(__file__).parent / "demo_articles"


def load(*, publish_all: bool = True) -> None:
    """Create the categories and articles, or update those that differ.

    publish_all: if False, leave new articles as drafts for the city to check, and existing ones unchanged: by now they
    are the city's own texts.
    """
    for position, facts in enumerate(json.loads(CATEGORIES.read_text("utf-8")), start=1):
        titles = {f"title_{SPOKEN[code].column}": title for code, title in facts["titles"].items()}
        category = Category.objects.filter(slug=facts["slug"]).first() or Category(slug=facts["slug"])
        if category.pk and not publish_all:
            continue
        if _differs(category, wanted := {"position": position, "icon": facts["icon"], **titles}):
            _set_fields(category, wanted)
            save_category(category, by=None)
    search_words = tomllib.loads((ARTICLES / "search_words.toml").read_text("utf-8"))
    for slug, facts in tomllib.loads((ARTICLES / "index.toml").read_text("utf-8")).items():
        _load_article(slug, facts["category"], facts["checked"], search_words[slug], publish_it=publish_all)


def _load_article(slug: str, category: str, checked_days_ago: int, words: dict[str, str], *, publish_it: bool) -> None:
    article = Article.objects.filter(slug=slug).first() or Article(slug=slug)
    if article.pk and not publish_it:
        return
    wanted = {"category": Category.objects.get(slug=category)}
    wanted |= {f"search_words_{SPOKEN[code].column}": typed for code, typed in words.items()}
    for file in sorted((ARTICLES / slug).glob("*.md")):
        wanted |= {f"{name}_{SPOKEN[file.stem].column}": text for name, text in read_article(file).items()}
    if article.pk is None or _differs(article, wanted):
        _set_fields(article, wanted)
        article.checked_on = timezone.localdate() - datetime.timedelta(days=checked_days_ago)
        save_article(article, by=None)
        if publish_it:
            publish(article, by=None)


def read_article(file: Path) -> dict[str, str]:
    """Read an article's file: lines of `name: text`, an empty line, then the body in Markdown."""
    header, _separator, body = file.read_text("utf-8").partition("\n\n")
    texts = dict(line.split(":", 1) for line in header.splitlines())
    return {name: text.strip() for name, text in texts.items()} | {"body": body.strip()}


def _differs(row, wanted: dict) -> bool:
    return any(getattr(row, name) != value for name, value in wanted.items())


def _set_fields(row, wanted: dict) -> None:
    for name, value in wanted.items():
        setattr(row, name, value)
