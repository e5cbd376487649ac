"""What needs the portal's own settings: more articles, readers, counted queries. Run as a process of its own."""

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
    from services.notices.models import Message, Subscription, SubscriptionState, Topic
    from services.notices.patterns import patterns
    from tests.factories import NoticeFactory

    Message.objects.filter(state="waiting").delete()  # what the demo has still to say to its people
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
LOOKS = 60


def consultations(number: str) -> None:
    """Bring the log to so many consultations over ten years, and count them: seconds of each, as JSON."""
    from consultations.actions.counting import count_months
    from consultations.models import Consultation
    from services.accounts.models import User

    advisers = list(User.objects.filter(grants__role="adviser").values_list("pk", flat=True))
    lacking = int(number) - Consultation.objects.count()
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_MANY_CONSULTATIONS, {"number": lacking, "advisers": advisers})
        cursor.execute(_THEIR_TOPICS)
        cursor.execute(_THEIR_READERS)
        cursor.execute("DELETE FROM consultations_countedmonth")
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("VACUUM ANALYZE")  # as its own clock would
    written = time.monotonic()
    count_months()
    counted = time.monotonic()
    assert Consultation.objects.count() == int(number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(json.dumps({"writing": written - began, "counting": counted - written}))


# Ten years of consultations, evenly; one in a hundred restricted. A note is as long as two sentences.
_MANY_CONSULTATIONS = """
INSERT INTO consultations_consultation (public_id, began_at, month, minutes, channel, asker, language, bridging,
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
_THEIR_TOPICS = """
INSERT INTO consultations_consultationtopic (consultation_id, topic, scheme, is_primary)
SELECT id, (ARRAY['immigration','municipal','employment','tax','insurance_pension','medical','childcare','education',
    'housing','family','daily_life','transport','language_help'])[1 + (id + place * 5) % 13], '2026', place = 0
FROM consultations_consultation, generate_series(0, 1) AS place
WHERE NOT EXISTS (SELECT 1 FROM consultations_consultationtopic WHERE consultation_id = consultations_consultation.id)
"""
_THEIR_READERS = """
INSERT INTO consultations_reader (consultation_id, user_id)
SELECT id, adviser_id FROM consultations_consultation
WHERE NOT EXISTS (SELECT 1 FROM consultations_reader WHERE consultation_id = consultations_consultation.id)
"""


def desk_pages() -> None:
    """Each page of the desk as its manager sees it: the seconds that all but one of twenty stay below, and queries."""
    from services.accounts.models import User

    browser = Client(HTTP_HOST="localhost")
    browser.force_login(User.objects.get(email="manager@demo.example"))
    year = timezone.localdate().year
    found, times = {}, {"month": f"{year}-01", "long_ago": year - 7}
    for name, (view, query) in DESK_PAGES.items():
        try:
            path = "/en" + reverse(view).removeprefix("/en") + query.format(**times)
        except NoReverseMatch:  # a part of the desk that is not built yet
            continue
        for _warming in range(5):
            browser.get(path)
        took = [_seconds(browser.get, path) for _look in range(LOOKS)]
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        found[name] = (quantiles(took, n=20)[-1], _queries(asked))
    print(json.dumps(found))


def sign_in() -> None:
    """An adviser's own cookies and token, and what logging a consultation by its form asks of the database."""
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
    """What was asked of the database; the driver sends BEGIN along with the first, and COMMIT is no question."""
    return sum(query["sql"] not in {"BEGIN", "COMMIT"} for query in asked.captured_queries)


def _seconds(deed, *words) -> float:
    began = time.perf_counter()
    deed(*words)
    return time.perf_counter() - began


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    verbs = (
        *(articles, queries, readers, write, send, personal),
        *(seal, log, first_key, changed, consultations, desk_pages, sign_in),
    )
    {verb.__name__: verb for verb in verbs}[sys.argv[1]](*sys.argv[2:])
