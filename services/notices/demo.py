"""Load the topics, and the demo city's notices, subscriptions and messages. All dates count from today."""

import datetime
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from services.accounts.models import Resident, User
from services.accounts.roles import Role
from services.languages.dates import format_date
from services.languages.registry import SPOKEN
from services.messaging.models import EMAIL, INBOX, Message, MessageState, Queue
from services.messaging.outbox import notify
from services.notices.alert_templates import alert_templates
from services.notices.message_kinds import NEWS
from services.notices.news.drafts import search_text
from services.notices.news.models import Notice, NoticeState, NoticeTranslation, NoticeTranslationState
from services.notices.subscriptions.models import Subscription, SubscriptionState, Topic

TOPICS = Path(__file__).parent / "topics.json"
NOTICES = Path(__file__).parent / "demo_notices"
READERS = 40  # invented people; `.example` is a reserved domain (RFC 2606)
PAST_EMERGENCIES = (
    # template, level, days ago, duration in hours, placeholders
    ("typhoon", 2, 47, 30, {"date": 46}),
    ("heat", 2, 96, 9, {}),
)


@transaction.atomic
def load_topics() -> int:
    """Create the topics, or update those that differ; return how many have changed."""
    changed = 0
    for position, facts in enumerate(json.loads(TOPICS.read_text("utf-8")), start=1):
        topic = Topic.objects.filter(code=facts["code"]).first() or Topic(code=facts["code"])
        names = ("name", "about")
        wanted = {f"{name}_{SPOKEN[code].column}": text for name in names for code, text in facts[name].items()}
        wanted |= {"position": position, "icon": facts["icon"]}
        if any(getattr(topic, name) != value for name, value in wanted.items()):
            _set_fields(topic, wanted)
            topic.save()
            changed += 1
    return changed


def load() -> None:
    """Load the demo city's notices, their readers and messages; later runs only move the dates."""
    load_topics()
    readers = _load_readers()
    for place, (slug, facts) in enumerate(tomllib.loads((NOTICES / "index.toml").read_text("utf-8")).items()):
        notice, is_new = _load_notice(slug, facts)
        if is_new:
            _load_messages(notice, readers, trouble=place)
    for code, level, days, hours, placeholders in PAST_EMERGENCIES:
        _load_past_emergency(code, level, days, hours, placeholders)
    _load_unfinished()
    _load_inbox()


# --- Notices ------------------------------------------------------------------------------------


def _load_notice(slug: str, facts: dict) -> tuple[Notice, bool]:
    """Load a sent notice from its file; return it and whether it is new."""
    key = f"demo-{slug}"[:22]
    notice = Notice.objects.filter(public_id=key).first() or Notice(public_id=key)
    is_new = notice.pk is None
    published = timezone.now() + datetime.timedelta(days=facts["published"])
    wanted = {
        "topic": Topic.objects.get(code=facts["topic"]),
        "state": NoticeState.DONE,
        "source_language": settings.CITY.default_language,
        "area": facts.get("area", ""),
        "author": _person(Role.EDITOR),
        "approver": _person(Role.MANAGER),
        "published_at": published,
        "written_at": published,
        "changed_at": published,
        **_texts(slug, facts.get("days", [])),
        **{f"place_{SPOKEN[code].column}": place for code, place in facts.get("place", {}).items()},
    }
    if "starts" in facts:
        days, begin, end = facts["starts"]
        wanted["starts_at"], wanted["ends_at"] = (_moment(days, clock) for clock in (begin, end))
        wanted["until"] = wanted["ends_at"]
    _set_fields(notice, wanted)
    notice.save()
    if is_new:
        _check(notice, [file.stem for file in (NOTICES / slug).glob("*.md")])
    return notice, is_new


def _texts(slug: str, days: list[int | str]) -> dict[str, str]:
    texts = {}
    for file in (NOTICES / slug).glob("*.md"):
        head, _empty, body = file.read_text("utf-8").partition("\n\n")
        with translation.override(file.stem):
            for number, count in enumerate(days, start=1):
                written = format_date(_day(count), file.stem)
                head, body = (text.replace(f"{{d{number}}}", written) for text in (head, body))
        column = SPOKEN[file.stem].column
        texts |= {f"title_{column}": head.removeprefix("title:").strip(), f"body_{column}": body.strip()}
    return texts


def _load_past_emergency(code: str, level: int, days: int, hours: int, placeholders: dict) -> None:
    """Load an emergency that is over, for the archive."""
    key = f"demo-past-{code}"
    began = timezone.now() - datetime.timedelta(days=days)
    notice = Notice.objects.filter(public_id=key).first() or Notice(public_id=key)
    is_new = notice.pk is None
    filled = {
        name: (timezone.localdate() - datetime.timedelta(days=count)).isoformat()
        for name, count in placeholders.items()
    }
    template = alert_templates()[code]
    wanted = {
        "topic": Topic.objects.get(code="disasters"),
        "state": NoticeState.DONE,
        "source_language": settings.CITY.default_language,
        "level": level,
        "pattern": code,
        "placeholders": filled,
        "source": settings.CITY.centre(settings.CITY.default_language),
        "author": _person(Role.MANAGER),
        "published_at": began,
        "written_at": began,
        "ended_at": began + datetime.timedelta(hours=hours),
        "until": began + datetime.timedelta(hours=hours),
    }
    for language in template.languages():
        column = SPOKEN[language].column
        wanted |= {f"title_{column}": template.titles[language], f"body_{column}": template.fill(filled, language)}
    _set_fields(notice, wanted)
    notice.save()
    if is_new:
        _check(notice, template.languages())


def _load_unfinished() -> None:
    """Load one notice that waits for approval and one draft, so that visitors can try the staff pages."""
    for key, state, slug, languages in (
        ("demo-waiting", NoticeState.PENDING, "flu-vaccination", ("ja", "ja-simple", "en", "ne")),
        ("demo-draft", NoticeState.DRAFT, "speech-contest-helpers", ("ja",)),
    ):
        if Notice.objects.filter(public_id=key).exists():
            continue
        notice = Notice(
            public_id=key,
            state=state,
            topic=Topic.objects.get(code="health" if state == NoticeState.PENDING else "volunteering"),
            source_language=settings.CITY.default_language,
            author=_person(Role.EDITOR),
        )
        texts = _texts(slug, [3, 73])
        kept = {SPOKEN[code].column for code in languages}
        _set_fields(notice, {name: text for name, text in texts.items() if name.partition("_")[2] in kept})
        notice.save()
        _check(notice, languages)


def _check(notice: Notice, languages: Iterable[str]) -> None:
    NoticeTranslation.objects.bulk_create(
        NoticeTranslation(
            notice=notice,
            language=code,
            state=NoticeTranslationState.REVIEWED if code in languages else NoticeTranslationState.MISSING,
            checked_by=_person(Role.TRANSLATOR) if code in languages else None,
            checked_at=timezone.now() if code in languages else None,
            search_text=search_text(notice, code) if code in languages else "",
        )
        for code in SPOKEN
    )


# --- Readers and messages -----------------------------------------------------------------------


def _load_readers() -> list[Subscription]:
    """Invented people who want news, of every language."""
    topics = list(Topic.objects.all())
    codes = [language.code for language in settings.CITY.offered()]
    areas = ["", *settings.CITY.areas]
    for number in range(READERS):
        reader, made = Subscription.objects.get_or_create(
            channel=EMAIL,
            address=f"reader{number:02}@demo.example",
            defaults={
                "language": codes[number % len(codes)],
                "area": areas[number % len(areas)],
                "state": SubscriptionState.ACTIVE,
                "confirmed_at": timezone.now(),
            },
        )
        if made:
            reader.topics.set(topics[number % 3 :: 2])
    return list(Subscription.objects.filter(address__endswith="@demo.example").prefetch_related("topics"))


def _load_messages(notice: Notice, readers: list[Subscription], *, trouble: int) -> None:
    """Create a notice's messages: nearly all sent, a few failed."""
    readable = {
        wording.language for wording in notice.translations.all() if wording.state == NoticeTranslationState.REVIEWED
    }
    rows = []
    for number, reader in enumerate(reader for reader in readers if notice.topic in reader.topics.all()):
        row = Message(
            kind=NEWS.folder,
            idempotency_key=notice.public_id,
            person=reader.address,
            address=reader.address,
            language=reader.language,
            written_in=reader.language if reader.language in readable else "en",
            recipient=reader,
            about_type=notice._meta.label_lower,
            about_id=notice.pk,
            queue=Queue.BULK,
            state=MessageState.SENT,
            attempts=1,
            created_at=notice.published_at,
            due_at=notice.published_at,
            ended_at=notice.published_at,
        )
        if number == 5 and trouble == 1:
            row.state, row.attempts, row.written_in = MessageState.FAILED, 6, ""
            row.cause = "The email server could not be reached (TimeoutError)."
        elif number == 7 and trouble == 3:
            row.state, row.cause = MessageState.BOUNCED, "The email bounced: this email address does not exist (5.1.1)."
        rows.append(row)
    Message.objects.bulk_create(rows)


def _load_inbox() -> None:
    """Create the messages in the demo resident's inbox."""
    resident = Resident.objects.filter(user__email="resident@demo.example").first()
    if resident is None:
        return
    for slug in ("beginners-course", "disaster-drill"):
        notice = Notice.objects.get(public_id=f"demo-{slug}"[:22])
        for message in notify(resident, NEWS, about=notice, idempotency_key=notice.public_id, queue=Queue.BULK):
            if message.channel != INBOX and message.state == MessageState.WAITING:
                Message.objects.filter(pk=message.pk).update(state=MessageState.SENT, ended_at=timezone.now())


# --- Shared -------------------------------------------------------------------------------------


def _person(role: str) -> User | None:
    return User.objects.filter(email=f"{role}@demo.example").first()


def _day(count: int | str) -> datetime.date:
    """Return the date `count` days from today, or the next date with a month and day ("12-28")."""
    today = timezone.localdate()
    if isinstance(count, int):
        return today + datetime.timedelta(days=count)
    month, day = map(int, count.split("-"))
    this_year = today.replace(month=month, day=day)
    # The New Year holiday spans two years: its days in January belong to the December before.
    return this_year if this_year >= today and month > 6 else this_year.replace(year=today.year + 1)


def _moment(days: int, clock: str) -> datetime.datetime:
    day = timezone.localdate() + datetime.timedelta(days=days)
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.fromisoformat(clock)))


def _set_fields(row, wanted: dict) -> None:
    for name, value in wanted.items():
        setattr(row, name, value)
