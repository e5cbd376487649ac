"""What needs the portal's own settings: more articles, readers, counted queries. Run as a process of its own."""

import json
import os
import sys
import time
from collections import Counter
from itertools import islice

import django
from django.db import connection
from django.template.base import Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.readers import languages
from services.languages.table import SPOKEN

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
        if connection.vendor == "postgresql":
            # As in production; VACUUM marks no page as visible to all whose commit is not yet in the log.
            cursor.execute("SET synchronous_commit = on")
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


def readers(number: str) -> None:
    """Subscribe so many to one topic, and have a notice in ten languages for them approved and due."""
    from services.accounts.models import User
    from services.notices.actions.deciding import approve, submit
    from services.notices.models import Subscription, SubscriptionState, Topic
    from services.notices.patterns import patterns
    from tests.factories import NoticeFactory

    topic = Topic.objects.create(code="measured", position=500, icon="house", **{
        f"name_{language.column}": "…" for language in SPOKEN.values()
    })  # fmt: skip
    now = timezone.now()
    subscriptions = Subscription.objects.bulk_create(
        (
            Subscription(
                address=f"reader{place}@town{place % 20}.example.org",
                language=language,
                state=SubscriptionState.ACTIVE,
                confirmed_at=now,
            )
            for place, language in enumerate(islice(languages(), int(number)))
        ),
        batch_size=1000,
    )
    through = Subscription.topics.through
    through.objects.bulk_create(
        (through(subscription_id=row.pk, topic_id=topic.pk) for row in subscriptions), batch_size=5000
    )
    pattern = patterns()["evacuate"]
    slots = {"area": "omori", "shelter": {"local": "大森小学校", "latin": "Omori Elementary School"}}
    texts = {f"title_{language.column}": pattern.titles[code] for code, language in SPOKEN.items()}
    texts |= {f"body_{language.column}": pattern.fill(slots, code) for code, language in SPOKEN.items()}
    notice = NoticeFactory(topic=topic, is_published=False, **texts)
    approver = User.objects.exclude(pk=notice.author_id).first()
    submit(notice, by=notice.author)
    approve(notice, by=approver)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def write() -> None:
    """Write the ledger's rows of what is due: seconds, rows, and the numbers of queries for each thousand, as JSON."""
    from services.notices.actions import broadcasting

    counts = [0]

    def count(execute, sql, *words):
        counts[-1] += 1
        if sql.startswith('INSERT INTO "notices_message"'):
            counts.append(0)
        return execute(sql, *words)

    began = time.monotonic()
    with connection.execute_wrapper(count):
        rows = broadcasting.begin_due_notices()
    # Between two INSERTs lies what one thousand costs; before the first lies the beginning as well.
    print(json.dumps({"seconds": time.monotonic() - began, "rows": rows, "queries": sorted(set(counts[1:-1]))}))


def send(number: str) -> None:
    """Send this many in this process: seconds, and how often each template was compiled and rendered, as JSON."""
    from services.notices.actions import delivering

    compiled, rendered = Counter(), Counter()
    compile_nodelist, render = Template.compile_nodelist, Template.render

    def counted_compile(template):
        compiled[template.name] += 1
        return compile_nodelist(template)

    def counted_render(template, context):
        rendered[template.name] += 1
        return render(template, context)

    Template.compile_nodelist, Template.render = counted_compile, counted_render
    began = time.monotonic()
    tried = delivering.deliver_waiting(worker="measured", limit=int(number))
    seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "mails": tried, "compiled": compiled, "rendered": rendered}))


def personal() -> None:
    """Write messages to single persons, a second between them, and say when each was committed, as JSON."""
    from services.notices.actions.telling import notify

    moments = {}
    for number in range(5):
        address = f"personal{number}@example.org"
        notify(address, "accounts/address_known", language="ne")
        moments[address] = time.monotonic()
        time.sleep(1)
    print(json.dumps(moments))


def seal(number: str) -> None:
    """Write so many consultations with notes, in thousands; `referred_to` marks them."""
    from consultations.models import Consultation
    from services.accounts.models import User

    adviser = User.objects.filter(grants__role="adviser").first()
    moment = timezone.now().replace(day=1)
    usual = {"began_at": moment, "month": moment.date(), "minutes": 10, "channel": "phone", "language": "ne"}
    usual |= {"bridging": "adviser", "outcome": "info", "adviser": adviser, "referred_to": "measured"}
    for thousand in range(0, int(number), 1000):
        notes = (f"{place}: she asked on which day glass is collected, and about the letter from the tax office."
                 for place in range(thousand, min(thousand + 1000, int(number))))  # fmt: skip
        Consultation.objects.bulk_create(Consultation(note=note, **usual) for note in notes)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def log() -> None:
    """Log one consultation after the other, until a line comes in: how long each took, as JSON."""
    import datetime
    import select

    from consultations.actions.consultations import Entry
    from consultations.actions.consultations import log as log_one
    from services.accounts.models import User

    adviser = User.objects.filter(grants__role="adviser").first()
    took = []
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        began_at = timezone.now() - datetime.timedelta(seconds=1)
        entry = Entry(began_at, 10, "phone", "ne", "adviser", ("tax",), "info", note="About a letter.", late_reason="-")
        began = time.perf_counter()
        log_one(entry, by=adviser)
        took.append(time.perf_counter() - began)
    print(json.dumps({"took": took}))


def first_key() -> None:
    """The name under which the first key's texts are stored, as JSON."""
    from services.base import sealed

    print(json.dumps(sealed.seal("x", place="x")[1:5].hex()))


def changed(last: str = "") -> None:
    """Which notes are under the first key: how many, the last one's row, and a digest of them as stored, as JSON.

    last: a row; then every text of every model is opened, and the digest is of the notes up to that row.
    """
    import hashlib

    from consultations.models import Consultation
    from services.base import sealed

    digest, number, at = hashlib.sha256(), 0, 0
    rows = Consultation.objects.filter(referred_to="measured").order_by("pk").values_list("pk", "note")
    for pk, note in rows.iterator(chunk_size=2000):
        if sealed.is_under_first_key(bytes(note)) and (not last or pk <= int(last)):
            number, at = number + 1, pk
            digest.update(bytes(note))
    opened = 0
    for model, fields in sealed.sealed_models().items() if last else ():
        for row in model._base_manager.order_by("pk").iterator(chunk_size=2000):
            for field in fields:
                if text := getattr(row, field.attname):
                    sealed.unseal(text.stored, place=text.place)
                    opened += 1
    print(json.dumps({"number": number, "last": str(at), "digest": digest.hexdigest(), "opened": opened}))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    verbs = (articles, queries, readers, write, send, personal, seal, log, first_key, changed)
    {verb.__name__: verb for verb in verbs}[sys.argv[1]](*sys.argv[2:])
