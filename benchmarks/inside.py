"""Steps that need the portal's settings: prepare data, count queries. Each runs in a process of its own."""

import json
import os
import sys
import time
from collections import Counter
from itertools import islice
from statistics import quantiles

import django
from django.conf import settings
from django.db import connection
from django.template.base import Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from benchmarks import saving
from benchmarks.readers import languages
from services.languages.registry import SPOKEN

PAGES = {
    "home": "/ne/",
    "category": "/ne/guide/life/",
    "article": "/ne/guide/article/rubbish/",
    "guide": "/ne/guide/",
    "search": "/ne/search/?q=card",
}


def articles(number: str) -> None:
    """Bring the guide to this number of articles: delete some, or copy the existing ones into all categories.

    The copies are complete in all ten languages, except for the search text, which is not measured.
    """
    from services.guide.models import Article

    wanted = int(number)
    if wanted < Article.objects.count():
        # Put all into one category, because an empty page needs fewer queries.
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
            # As in production: without it, VACUUM does not mark pages as all-visible until their commit is in the WAL.
            cursor.execute("SET synchronous_commit = on")
        cursor.execute(
            f"WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {wanted // 15}) "
            f"INSERT INTO guide_article ({', '.join(map(connection.ops.quote_name, columns))}) "
            f"SELECT {', '.join(copied.values())} FROM guide_article, number LIMIT {wanted - Article.objects.count()}"
        )
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")  # as autovacuum would
    assert Article.objects.count() == wanted


def queries() -> None:
    """Print the number of queries of each page as JSON, the page cache's own included."""
    browser = Client(HTTP_HOST="localhost")
    counts = {}
    for name, path in PAGES.items():
        browser.get(path)  # fills the caches of the process
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        counts[name] = len(asked)
    print(json.dumps(counts))


def readers(number: str) -> None:
    """Create this number of subscriptions, and an approved notice to them in ten languages that is due."""
    from services.accounts.models import User
    from services.messaging.models import Message
    from services.notices.alert_templates import alert_templates
    from services.notices.models import Subscription, SubscriptionState, Topic
    from services.notices.news.approval import approve, submit
    from tests.factories.notices import NoticeFactory

    Message.objects.filter(state="waiting").delete()  # the demo's own messages
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
    template = alert_templates()["evacuate"]
    placeholders = {"area": "omori", "shelter": {"local": "大森小学校", "latin": "Omori Elementary School"}}
    texts = {f"title_{language.column}": template.titles[code] for code, language in SPOKEN.items()}
    texts |= {f"body_{language.column}": template.fill(placeholders, code) for code, language in SPOKEN.items()}
    notice = NoticeFactory(topic=topic, is_published=False, **texts)
    approver = User.objects.exclude(pk=notice.author_id).first()
    submit(notice, by=notice.author)
    approve(notice, by=approver)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def write() -> None:
    """Create the messages of due notices; print seconds, rows and the query counts of each thousand as JSON."""
    from services.notices import broadcast

    counts = [0]

    def count(execute, sql, *words):
        counts[-1] += 1
        if sql.startswith('INSERT INTO "messaging_message"'):
            counts.append(0)
        return execute(sql, *words)

    began = time.monotonic()
    with connection.execute_wrapper(count):
        rows = broadcast.begin_due_notices()
    # The queries between two INSERTs belong to one thousand; those before the first INSERT also publish the notice.
    print(json.dumps({"seconds": time.monotonic() - began, "rows": rows, "queries": sorted(set(counts[1:-1]))}))


def send(number: str) -> None:
    """Send this number of messages; print the seconds, and the compilations and renderings by template, as JSON."""
    from services.messaging import delivery

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
    tried = delivery.deliver_due(worker="measured", limit=int(number))
    seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "mails": tried, "compiled": compiled, "rendered": rendered}))


def personal() -> None:
    """Create five personal messages at intervals of a second; print the time of each commit as JSON."""
    from portal.message_kinds import ADDRESS_KNOWN
    from services.messaging.outbox import notify

    moments = {}
    for number in range(5):
        address = f"personal{number}@example.org"
        notify(address, ADDRESS_KNOWN, language="ne")
        moments[address] = time.monotonic()
        time.sleep(1)
    print(json.dumps(moments))


def seal(number: str) -> None:
    """Create this number of consultations with encrypted notes, marked by `referred_to`."""
    from consultations.models import Consultation
    from services.accounts.models import User

    adviser = User.objects.filter(grants__role="adviser").first()
    moment = timezone.now().replace(day=1)
    usual = {"began_at": moment, "month": moment.date(), "minutes": 10, "channel": "phone", "language": "ne"}
    usual |= {"language_support": "adviser", "outcome": "info", "adviser": adviser, "referred_to": "measured"}
    for thousand in range(0, int(number), 1000):
        notes = (f"{place}: she asked on which day glass is collected, and about the letter from the tax office."
                 for place in range(thousand, min(thousand + 1000, int(number))))  # fmt: skip
        Consultation.objects.bulk_create(Consultation(note=note, **usual) for note in notes)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def log() -> None:
    """Log one consultation after the other until a line is read from stdin; print the durations as JSON."""
    import datetime
    import select

    from consultations.log.actions import LogEntry
    from consultations.log.actions import log as log_one
    from services.accounts.models import User

    adviser = User.objects.filter(grants__role="adviser").first()
    took = []
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        began_at = timezone.now() - datetime.timedelta(seconds=1)
        entry = LogEntry(
            began_at, 10, "phone", "ne", "adviser", ("tax",), "info", note="About a letter.", late_reason="-"
        )
        began = time.perf_counter()
        log_one(entry, by=adviser)
        took.append(time.perf_counter() - began)
    print(json.dumps({"took": took}))


def first_key() -> None:
    """Print the first key's name, as stored with its texts, as JSON."""
    from services.base import encryption

    print(json.dumps(encryption.encrypt("x", place="x")[1:5].hex()))


def changed(last: str = "") -> None:
    """Print the number of notes under the first key, the last one's row and a digest of their bytes, as JSON.

    last: a row; if given, decrypt every text of every model, and digest only the notes up to this row.
    """
    import hashlib

    from consultations.models import Consultation
    from services.base import encryption

    digest, number, at = hashlib.sha256(), 0, 0
    rows = Consultation.objects.filter(referred_to="measured").order_by("pk").values_list("pk", "note")
    for pk, note in rows.iterator(chunk_size=2000):
        if encryption.uses_current_key(bytes(note)) and (not last or pk <= int(last)):
            number, at = number + 1, pk
            digest.update(bytes(note))
    opened = 0
    for model, fields in encryption.encrypted_models().items() if last else ():
        for row in model._base_manager.order_by("pk").iterator(chunk_size=2000):
            for field in fields:
                if text := getattr(row, field.attname):
                    encryption.decrypt(text.stored, place=text.place)
                    opened += 1
    print(json.dumps({"number": number, "last": str(at), "digest": digest.hexdigest(), "opened": opened}))


DESK_PAGES = {
    "list": ("log:index", ""),
    "list, filtered": ("log:index", "?period={month}&language=ne&channel=phone"),
    "list, a rare outcome": ("log:index", "?outcome=emergency"),
    "list, a rare topic": ("log:index", "?topic=dv_abuse"),
    "list, a year long ago": ("log:index", "?period={long_ago}"),
    "day queue": ("cases:today", ""),
    "statistics": ("statistics:index", ""),
    "statistics, one month": ("statistics:index", "?month={month}"),
    "national report": ("statistics:report", ""),
    "figures for everybody": ("consultations:figures", ""),
}
REPETITIONS = 60


def consultations(number: str) -> None:
    """Bring the log to this number of consultations over ten years, then tally them; print the seconds as JSON."""
    from consultations.models import Consultation
    from consultations.records.tallies import tally_months
    from services.accounts.models import User

    advisers = list(User.objects.filter(grants__role="adviser").values_list("pk", flat=True))
    missing_rows = int(number) - Consultation.objects.count()
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_CONSULTATIONS, {"number": missing_rows, "advisers": advisers})
        cursor.execute(_INSERT_TOPICS)
        cursor.execute(_INSERT_READERS)
        cursor.execute("DELETE FROM consultations_countedmonth")
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("VACUUM ANALYZE")  # as autovacuum would
    written = time.monotonic()
    tally_months()
    counted = time.monotonic()
    assert Consultation.objects.count() == int(number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(json.dumps({"writing": written - began, "counting": counted - written}))


# Consultations spread evenly over ten years, one in a hundred restricted, with notes of about two sentences.
_INSERT_CONSULTATIONS = """
INSERT INTO consultations_consultation (public_id, began_at, month, minutes, channel, enquirer, language,
    language_support,
    mother_tongue, nationality, outcome, referred_to, note, adviser_id, is_restricted, late_reason, version, logged_at)
SELECT substr(md5(random()::text), 1, 22), at, date_trunc('month', at AT TIME ZONE 'Asia/Tokyo')::date, 5 + i %% 60,
    (ARRAY['visit','phone','email','sns'])[1 + i %% 4], 'self',
    (ARRAY['ja-simple','en','zh-hans','ko','fil','ne','vi','ar','es','pt'])[1 + i %% 10],
    (ARRAY['adviser','easy_japanese','machine'])[1 + i %% 3], '',
    (ARRAY['','CN','KR','PH','NP','VN','BR','US','IN','declined'])[1 + i / 7 %% 10],
    (ARRAY['info','listen','ongoing','expert'])[1 + i %% 4], '', decode(repeat(md5(i::text), 12), 'hex'),
    (%(advisers)s)[1 + i %% cardinality(%(advisers)s)], i %% 100 = 0, '', 1, at
FROM (SELECT i, now() - i * (interval '3650 days' / %(number)s) AS at
      FROM generate_series(1, %(number)s) AS i) AS moments
"""
_INSERT_TOPICS = """
INSERT INTO consultations_consultationtopic (consultation_id, topic, scheme, is_primary)
SELECT id, (ARRAY['immigration','municipal','employment','tax','insurance_pension','medical','childcare','education',
    'housing','family','daily_life','transport','language_help'])[1 + (id + place * 5) % 13], '2026', place = 0
FROM consultations_consultation, generate_series(0, 1) AS place
WHERE NOT EXISTS (SELECT 1 FROM consultations_consultationtopic WHERE consultation_id = consultations_consultation.id)
"""
_INSERT_READERS = """
INSERT INTO consultations_readgrant (consultation_id, user_id)
SELECT id, adviser_id FROM consultations_consultation
WHERE NOT EXISTS (SELECT 1 FROM consultations_readgrant WHERE consultation_id = consultations_consultation.id)
"""


def desk_pages() -> None:
    """Print the 95th percentile of the duration and the number of queries of each desk page, for a manager."""
    from services.accounts.models import User

    browser = Client(HTTP_HOST="localhost")
    browser.force_login(User.objects.get(email="manager@demo.example"))
    year = timezone.localdate().year
    found, times = {}, {"month": f"{year}-01", "long_ago": year - 7}
    for name, (view, query) in DESK_PAGES.items():
        try:
            path = "/en" + reverse(view).removeprefix("/en") + query.format(**times)
        except NoReverseMatch:  # a page that does not exist yet
            continue
        for _warming in range(5):
            browser.get(path)
        took = [_seconds(browser.get, path) for _look in range(REPETITIONS)]
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        found[name] = (quantiles(took, n=20)[-1], _queries(asked))
    print(json.dumps(found))


def sign_in() -> None:
    """Print an adviser's cookies and CSRF token, and the number of queries of logging a consultation, as JSON."""
    from services.accounts.models import User

    browser = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    browser.force_login(User.objects.get(email="adviser@demo.example"))
    browser.get(saving.LOGGING)
    cookies = {name: browser.cookies[name].value for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)}
    token = cookies[settings.CSRF_COOKIE_NAME]
    with CaptureQueriesContext(connection) as asked:
        answer = browser.post(saving.LOGGING, saving.entry(token), content_type=saving.AS_A_FORM)
    assert answer.status_code == 302, answer.content.decode()[:5000]
    print(json.dumps({"cookies": cookies, "token": token, "queries": _queries(asked)}))


def _queries(asked) -> int:
    """Count the queries without BEGIN, which is sent along with the first one, and COMMIT."""
    return sum(query["sql"] not in {"BEGIN", "COMMIT"} for query in asked.captured_queries)


def _seconds(function, *arguments) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    verbs = (
        *(articles, queries, readers, write, send, personal),
        *(seal, log, first_key, changed, consultations, desk_pages, sign_in),
    )
    {verb.__name__: verb for verb in verbs}[sys.argv[1]](*sys.argv[2:])
