"""What needs the portal's own settings: more articles, and counted queries. Run as a process of its own."""

import json
import os
import sys

import django
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

PAGES = {
    "home": "/ne/",
    "category": "/ne/guide/life/",
    "article": "/ne/guide/article/rubbish/",
    "guide": "/ne/guide/",
    "search": "/ne/search/?q=card",
}


def articles(number: str) -> None:
    """Bring the guide to this many articles: leave out some, or copy those there are over all categories.

    The copies are whole in all ten languages; only what search looks at is left empty, since it is not measured.
    """
    from services.guide.models import Article

    wanted = int(number)
    if wanted < Article.objects.count():
        # All in one category: a page that has nothing to list would need fewer queries.
        rubbish = Article.objects.get(slug="rubbish")
        kept = [rubbish.pk, *Article.objects.exclude(pk=rubbish.pk).values_list("pk", flat=True)[: wanted - 1]]
        Article.objects.exclude(pk__in=kept).delete()
        Article.objects.update(category=rubbish.category)
        return
    columns = [field.column for field in Article._meta.concrete_fields if not field.primary_key]
    copied = {name: f'"{name}"' for name in columns}
    copied |= {name: "''" for name in columns if name.startswith("search_text")}
    copied |= {"slug": "slug || '-' || i", "category_id": "(SELECT id FROM guide_category WHERE position = 1 + i % 12)"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {wanted // 15}) "
            f"INSERT INTO guide_article ({', '.join(map(connection.ops.quote_name, columns))}) "
            f"SELECT {', '.join(copied.values())} FROM guide_article, number LIMIT {wanted - Article.objects.count()}"
        )
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")  # as its own clock would
    assert Article.objects.count() == wanted


def queries() -> None:
    """How many queries each page takes, as JSON; everything is counted, also the page cache's own."""
    browser = Client(HTTP_HOST="localhost")
    counts = {}
    for name, path in PAGES.items():
        browser.get(path)  # what is read once for each process
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        counts[name] = len(asked)
    print(json.dumps(counts))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    {"articles": articles, "queries": queries}[sys.argv[1]](*sys.argv[2:])
