"""From a draft to a message for everybody whom it concerns.

Draft, checked in each language, approved by another person, sent when its time has come, paused, cancelled,
corrected. What is approved stands still. The ledger's rows are written a thousand at a time, each thousand in
one transaction with the note of how far it got, so that a crash goes on where it stopped.

Locks are taken in one order by everybody: the notice, its readers (subscriptions, residents), their messages, and
the trail's head last. Who holds the head waits for nobody.
"""

import datetime
import sys
from collections.abc import Iterable
from itertools import islice

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.accounts.models import Resident, User
from services.audit.trail import record
from services.base.locks import look_at_references_now
from services.base.refusals import Refused
from services.base.states import move
from services.languages.table import SPOKEN
from services.notices.actions.reminding import remind
from services.notices.actions.telling import wake_after_commit, way_to
from services.notices.models import (
    UNSENT,
    Message,
    MessageState,
    Notice,
    NoticeState,
    Queue,
    Subscription,
    Wording,
    WordingState,
)

NEWS, EMERGENCY = "notices/news", "notices/emergency"
KINDS = (NEWS, EMERGENCY)
BEFORE_SENDING = (NoticeState.DRAFT, NoticeState.PENDING, NoticeState.APPROVED)
AT_ONCE = 1000
WARN_BEFORE = datetime.timedelta(hours=1)
NOBODY_YET = pgettext_lazy("staff", "Nobody has got it yet: cancel it, or take it back.")


# --- Writing ------------------------------------------------------------------------------------


@transaction.atomic
def save_draft(notice: Notice, *, by: User, changed: Iterable[str], is_minor: bool = False) -> Notice:
    """Keep a draft as it stands on the object.

    changed: the names of the fields that were edited (`title_ja`…). A language whose text was edited is no longer
    checked; if the source text was edited and the edit is not minor, the other languages are outdated.
    """
    if notice.pk is None:
        notice.author = by
    elif _locked(notice).state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "Only a draft can be changed. Take it back first."))
    notice.changed_at = timezone.now()
    notice.editors = sorted({*notice.editors, by.public_id})
    notice.save()
    changed = list(changed)
    _note_edited_languages(notice, changed, is_minor=is_minor)
    record(by, "notices.save", notice, fields=changed, changes=False)
    return notice


def _note_edited_languages(notice: Notice, changed: list[str], *, is_minor: bool) -> None:
    wordings = {wording.language: wording for wording in notice.wordings.all()}
    edited = {
        code
        for code, language in SPOKEN.items()
        if any(f"{name}_{language.column}" in changed for name in (*Notice.TEXTS, "place"))
    }
    for code in SPOKEN:
        wording = wordings.get(code) or Wording(notice=notice, language=code)
        state, was_checked = wording.state, wording.state == WordingState.CHECKED
        if not has_text(notice, code):
            state = WordingState.MISSING
        elif code in edited:
            has_been_checked = was_checked or state == WordingState.OUTDATED
            state = WordingState.OUTDATED if has_been_checked else WordingState.MACHINE
        elif notice.source_language in edited and not is_minor and was_checked:
            state = WordingState.OUTDATED
        if state != wording.state or wording.pk is None:
            wording.state, wording.checked_by, wording.checked_at = state, None, None
            wording.save()


def has_text(notice: Notice, language: str) -> bool:
    """Whether a notice has both a title and a text in a language."""
    return all(getattr(notice, f"{name}_{SPOKEN[language].column}") for name in Notice.TEXTS)


@transaction.atomic
def check_wording(notice: Notice, language: str, *, by: User) -> Wording:
    """Say that a person has read the text in this language and that it says what the source says."""
    notice = _locked(notice)
    if not has_text(notice, language):
        raise Refused(pgettext("staff", "There is no text in this language yet."))
    if notice.state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "Only a draft can be changed. Take it back first."))
    return _check(notice, language, by)


def _check(notice: Notice, language: str, by: User) -> Wording:
    now = timezone.now()
    wording, _made = Wording.objects.update_or_create(
        notice=notice,
        language=language,
        defaults={"state": WordingState.CHECKED, "checked_by": by, "checked_at": now},
    )
    record(by, "notices.check", notice, fields=[language])
    return wording


@transaction.atomic
def save_checked(notice: Notice, language: str, *, by: User, changed: Iterable[str], is_minor: bool = False) -> Notice:
    """Keep a draft and say that one of its languages has been checked: both, or neither where one is refused."""
    save_draft(notice, by=by, changed=changed, is_minor=is_minor)
    check_wording(notice, language, by=by)
    return notice


# --- Approving ----------------------------------------------------------------------------------


@transaction.atomic
def submit(notice: Notice, *, by: User) -> None:
    """Ask for another person's approval. Refused while the source text is not checked."""
    notice = _locked(notice)
    _insist_on_source(notice)
    _go(notice, NoticeState.PENDING, by, "notices.submit", returned_because="")


@transaction.atomic
def send_back(notice: Notice, *, by: User, reason: str) -> None:
    """Return it to its author with a reason, or take back what was approved and has not begun."""
    _go(_locked(notice), NoticeState.DRAFT, by, "notices.send_back", approver=None, returned_because=reason)


@transaction.atomic
def approve(
    notice: Notice,
    *,
    by: User,
    scheduled_at: datetime.datetime | None = None,
    seen: datetime.datetime | None = None,
) -> None:
    """Let it go out, at once or at a time. Refused to whoever wrote any of it: four eyes see what two do not.

    seen: when the text that the approver has read was changed last, if they say so; refused if it has changed since.
    """
    notice = _locked(notice)
    if by.public_id in notice.editors or by.pk == notice.author_id:
        raise Refused(pgettext("staff", "Another person has to approve what you wrote."))
    if seen and seen != notice.changed_at:
        raise Refused(pgettext("staff", "The text has changed since you opened the page. Please read it again."))
    _insist_on_source(notice)
    at = max(scheduled_at or timezone.now(), timezone.now())
    _go(notice, NoticeState.APPROVED, by, "notices.approve", approver=by, scheduled_at=at)
    wake_after_commit(Queue.BULK)


def _insist_on_source(notice: Notice) -> None:
    checked = notice.wordings.filter(language=notice.source_language, state=WordingState.CHECKED)
    if not checked.exists():
        raise Refused(pgettext("staff", "Check the text in its own language first."))


# --- Stopping and mending ------------------------------------------------------------------------


@transaction.atomic
def pause(notice: Notice, *, by: User) -> int:
    """Keep back what has not gone out; returns how many messages. Those on their way arrive."""
    turn = [MessageState.WAITING], MessageState.HELD
    return _go(_locked(notice), NoticeState.PAUSED, by, "notices.pause", turn=turn)


@transaction.atomic
def resume(notice: Notice, *, by: User) -> int:
    """Go on; returns how many messages were waiting for it."""
    notice = _locked(notice)
    if not notice.is_paused:
        raise Refused(_not_now(notice))
    wake_after_commit(queue_of(notice))
    turn = [MessageState.HELD], MessageState.WAITING
    return _go(notice, NoticeState.SENDING, by, "notices.resume", turn=turn)


@transaction.atomic
def cancel(notice: Notice, *, by: User, reason: str = "") -> int:
    """Stop it for good; returns how many messages will not go out.

    After this has returned no worker takes up another of its messages: each row is either withdrawn here or was
    already in a worker's hands, and the progress page counts those.
    """
    notice = _locked(notice)
    if notice.is_emergency and notice.published_at:
        raise Refused(pgettext("staff", "An emergency is ended, not cancelled."))
    turn = UNSENT, MessageState.WITHDRAWN
    return _go(notice, NoticeState.CANCELLED, by, "notices.cancel", reason=reason, turn=turn)


def _turn(notice: Notice, states: Iterable[str], to: MessageState) -> int:
    # Without an end its time would never be over, and the address would stay (Message.KEEPING).
    ended_at = timezone.now() if to == MessageState.WITHDRAWN else None
    return messages_of(notice).filter(state__in=states).update(state=to, ended_at=ended_at)


@transaction.atomic
def correct(notice: Notice, *, by: User) -> Notice:
    """A draft that will go only to those who got the wrong one, with its texts to begin from.

    Asked for twice, even at once, it is the same one, as long as it has not gone out.
    """
    notice = _locked(notice)
    if notice.published_at is None:
        raise Refused(NOBODY_YET)
    if notice.is_emergency:
        raise Refused(pgettext("staff", "An emergency is updated or ended, not corrected."))
    begun = notice.corrections.filter(state__in=BEFORE_SENDING).first()
    return begun or _copy(notice, by=by, corrects=notice)


def _copy(notice: Notice, *, by: User, **links) -> Notice:
    texts = {
        f"{name}_{language.column}": getattr(notice, f"{name}_{language.column}")
        for name in (*Notice.TEXTS, "place")
        for language in SPOKEN.values()
    }
    kept = ("topic", "source_language", "area", "to_languages", "starts_at", "ends_at", "until")
    draft = Notice(**texts, **{name: getattr(notice, name) for name in kept}, **links)
    return save_draft(draft, by=by, changed=list(texts))


# --- Emergencies --------------------------------------------------------------------------------


@transaction.atomic
def issue(notice: Notice, *, by: User) -> Notice:
    """Tell everybody at once what a checked pattern says, in every language that it is ready in.

    One person is enough: the texts were checked beforehand, and waiting costs lives (docs/adr/0010-notices.md).
    An update ends what it updates.
    """
    if notice.updates_id:
        earlier = _locked(notice.updates)
        if not earlier.is_current:  # two tabs, or two people: one update is enough
            raise Refused(pgettext("staff", "It has ended already."))
        _end(earlier, by)
    notice.author, notice.state, notice.scheduled_at = by, NoticeState.APPROVED, timezone.now()
    notice.save()
    ready = [code for code in SPOKEN if has_text(notice, code)]
    Wording.objects.bulk_create(
        Wording(
            notice=notice,
            language=code,
            state=WordingState.CHECKED if code in ready else WordingState.MISSING,
            checked_at=timezone.now() if code in ready else None,
        )
        for code in SPOKEN
    )
    record(by, "notices.issue", notice, fields=["level", "area", "slots"])
    _begin(notice)
    wake_after_commit(Queue.EMERGENCY)
    return notice


@transaction.atomic
def add_language(notice: Notice, language: str, *, title: str, body: str, by: User) -> Wording:
    """Say an emergency that is out in one more language, and tell those who read it once more, in their own words.

    Whoever adds it says by that that it tells what the source tells. What has gone out stands still: refused then.
    """
    notice = _locked(notice)
    if not (notice.is_emergency and notice.is_current):
        raise Refused(pgettext("staff", "It has ended already."))
    if notice.wordings.filter(language=language, state=WordingState.CHECKED).exists():
        raise Refused(pgettext("staff", "This language has gone out already. Update the emergency if it is wrong."))
    texts = {f"{name}_{SPOKEN[language].column}": text for name, text in (("title", title), ("body", body))}
    for name, text in texts.items():
        setattr(notice, name, text)
    notice.save(update_fields=list(texts))
    _follow_up_in(notice, language)
    look_at_references_now()
    return _check(notice, language, by)


@transaction.atomic
def end(notice: Notice, *, by: User | None, reason: str = "") -> None:
    """Take a notice off the front pages into the archive; what has not gone out is withdrawn. Never deleted."""
    notice = _locked(notice)
    if notice.published_at is None:
        raise Refused(NOBODY_YET)
    if notice.ended_at:
        raise Refused(pgettext("staff", "It has ended already."))
    _end(notice, by, reason)


def _end(notice: Notice, by: User | None, reason: str = "") -> None:
    if notice.ended_at is None:
        notice.ended_at = timezone.now()
        notice.written_at = notice.written_at or notice.ended_at  # what has not been written yet never will be
        notice.save(update_fields=["ended_at", "written_at"])
        _turn(notice, UNSENT, MessageState.WITHDRAWN)
        record(by, "notices.end", notice, fields=["ended_at"], reason=reason)


def put_away_past_notices() -> int:
    """End what is past its time, so that every page forgets it at once; returns how many."""
    past = Notice.objects.published().filter(ended_at__isnull=True, until__lte=timezone.now())
    for notice in past:
        with transaction.atomic():
            _end(_locked(notice), None)
    return len(past)


# --- Sending ------------------------------------------------------------------------------------


def begin_due_notices(most: int = sys.maxsize) -> int:
    """Begin what is approved and due and write the ledger's rows; returns how many rows. Safe to run twice at once.

    most: how often, for each notice, a thousand rows are written.
    """
    written = 0
    for key in list(Notice.objects.due().values_list("pk", flat=True)):
        _begin_if_due(key)
        for _time in range(most):
            rows = _write_some(key)
            if not rows:
                break
            written += rows
    return written


@transaction.atomic
def _begin_if_due(key: int) -> None:
    """Begin what is approved, in a transaction of its own.

    PostgreSQL looks at new rows' references when it commits, and waits there for whoever is leaving; had this one
    the trail's head in hand as well, for which that one waits, both would stand still.
    """
    skip_locked = connection.features.has_select_for_update_skip_locked
    due = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key, state=NoticeState.APPROVED)
    if notice := due.first():
        _begin(notice)
        record(notice.approver, "notices.begin", notice)


@transaction.atomic
def _write_some(key: int) -> int:
    """Write the next thousand rows of a notice; 0 if there is nothing left, or another worker is at it."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    notice = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key).first()
    if notice is None or notice.state != NoticeState.SENDING:
        return 0
    for name, readers, make in _passes(notice):
        after = notice.written_up_to.get(name, 0)
        rows = list(readers.filter(pk__gt=after).order_by("pk")[:AT_ONCE])
        if rows:
            messages = [make(notice, row) for row in rows]
            Message.objects.bulk_create([it for it in messages if it], ignore_conflicts=True)
            notice.written_up_to[name] = rows[-1].pk
            notice.save(update_fields=["written_up_to"])
            wake_after_commit(queue_of(notice))
            return len(rows)
    notice.written_at = timezone.now()
    notice.save(update_fields=["written_at"])
    return 0


def _begin(notice: Notice) -> None:
    move(notice, NoticeState.SENDING)
    notice.published_at = timezone.now()
    notice.save(update_fields=["state", "published_at"])
    if notice.is_emergency and notice.until:
        remind("notices/ends_soon", notice, at=notice.until - WARN_BEFORE)


def finish_sent_notices() -> int:
    """Note that nothing of a notice is on its way any more; returns how many have been finished."""
    finished = 0
    for notice in Notice.objects.filter(state=NoticeState.SENDING, written_at__isnull=False):
        with transaction.atomic():
            notice = _locked(notice)
            left = messages_of(notice).filter(state__in=[*UNSENT, MessageState.SENDING])
            if notice.state == NoticeState.SENDING and not left.exists():
                move(notice, NoticeState.DONE)
                notice.save(update_fields=["state"])
                finished += 1
    return finished


def queue_of(notice: Notice) -> Queue:
    """An emergency goes before everything but a code that somebody is waiting for."""
    return Queue.EMERGENCY if notice.is_emergency else Queue.BULK


def messages_of(notice: Notice) -> models.QuerySet[Message]:
    """What was written to its readers; the reminder to its author is none of them."""
    return Message.objects.about(notice).filter(kind__in=KINDS)


def reached(notice: Notice) -> models.QuerySet[Message]:
    """The messages that its readers have got, or may get any moment."""
    return messages_of(notice).filter(state__in=[MessageState.SENT, MessageState.SENDING, MessageState.UNCLEAR])


def audience(notice: Notice) -> models.QuerySet[Subscription]:
    """The subscriptions that a notice is for: everybody's in an emergency, else those to its topic."""
    readers = Subscription.objects.active()
    if not notice.is_emergency:
        readers = readers.filter(topics=notice.topic_id)
    if notice.to_languages:
        readers = readers.filter(language__in=notice.to_languages)
    if notice.area:
        readers = readers.filter(area__in=["", notice.area])
    return readers


def residents_to_warn(notice: Notice) -> models.QuerySet[Resident]:
    """In an emergency everybody whom the centre can reach is told, subscribed or not."""
    if not notice.is_emergency:
        return Resident.objects.none()
    residents = Resident.objects.select_related("user")
    return residents.filter(language__in=notice.to_languages) if notice.to_languages else residents


def _passes(notice: Notice):
    """Whom it goes to, as (name, rows, how a row becomes a message)."""
    if notice.corrects_id:
        return [("messages", reached(notice.corrects), _to_same_reader)]
    return [
        ("subscriptions", audience(notice), _to_subscriber),
        ("residents", residents_to_warn(notice), _to_resident),
    ]


def _message(notice: Notice, **whom) -> Message:
    return Message(
        kind=EMERGENCY if notice.is_emergency else NEWS,
        occasion=notice.public_id,
        about_type=notice._meta.label_lower,
        about_id=notice.pk,
        queue=queue_of(notice),
        expires_at=notice.until,
        **whom,
    )


def _to_subscriber(notice: Notice, reader: Subscription) -> Message:
    return _message(
        notice,
        person=reader.address.lower(),
        channel=reader.channel,
        address=reader.address,
        language=reader.language,
        second_language=reader.second_language,
        subscription=reader,
    )


def _to_resident(notice: Notice, resident: Resident) -> Message | None:
    channel, address = way_to(resident)
    if not address:
        return None
    return _message(
        notice,
        person=address.lower(),  # by address, not by person: who has subscribed as well is told once
        channel=channel,
        address=address,
        language=resident.language,
        resident=resident,
    )


def _to_same_reader(notice: Notice, message: Message) -> Message:
    same = ("person", "channel", "address", "language", "second_language", "resident_id", "subscription_id")
    return _message(notice, **{name: getattr(message, name) for name in same})


def waiting_for(notice: Notice, language: str) -> models.QuerySet[Message]:
    """The messages of those who read a language and got an emergency in another one.

    Those whose message is in a worker's hands are among them: it may have been written just before.
    """
    return reached(notice).filter(language=language).exclude(written_in=language)


def _follow_up_in(notice: Notice, language: str) -> None:
    """Tell those who had to read an emergency in another language once more, in their own."""
    rows = waiting_for(notice, language).iterator(chunk_size=AT_ONCE)
    while some := list(islice(rows, AT_ONCE)):
        again = [_to_same_reader(notice, message) for message in some]
        for message in again:
            message.occasion = f"{notice.public_id}:{language}"
        Message.objects.bulk_create(again, ignore_conflicts=True)
    if notice.state == NoticeState.DONE:
        move(notice, NoticeState.SENDING)
        notice.save(update_fields=["state"])
    wake_after_commit(queue_of(notice))


# --- Together -----------------------------------------------------------------------------------


def _locked(notice: Notice) -> Notice:
    return Notice.objects.select_for_update().get(pk=notice.pk)


def _go(notice: Notice, state: NoticeState, by: User | None, action: str, *, reason: str = "", turn=(), **facts) -> int:
    """Move a locked notice, with a line in the trail. What its state does not allow is refused in words.

    turn: from which states its messages go to which; returns how many did. They come before the line, as whoever
    leaves locks their messages first and the trail's head last: the other way round the two would wait for each other.
    """
    if state not in notice.MOVES[notice.state]:
        raise Refused(_not_now(notice))
    move(notice, state)
    for name, value in facts.items():
        setattr(notice, name, value)
    notice.changed_at = timezone.now()
    notice.save(update_fields=["state", "changed_at", *facts])
    turned = _turn(notice, *turn) if turn else 0
    record(by, action, notice, fields=["state"], reason=reason)
    return turned


def _not_now(notice: Notice) -> str:
    told = pgettext("staff", "This cannot be done now: the notice is “%(state)s”.")
    return told % {"state": notice.get_state_display()}
