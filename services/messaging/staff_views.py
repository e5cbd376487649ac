"""The ledger for staff: what went where, what did not and why, and what can be tried again. Nobody's words or names."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import npgettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from services.accounts.roles import Role
from services.base.states import WrongMove
from services.languages.table import SPOKEN
from services.notices import counting
from services.notices.actions import delivering
from services.notices.causes import in_words, masked
from services.notices.models import TROUBLED, ChannelCode, Message, MessageState, Rest, Suppression

ON_A_PAGE = 30


@dataclass(frozen=True, slots=True)
class _Row:
    """One message in trouble, without anything by which its reader could be known."""

    public_id: str
    state: str
    label: str
    kind: str
    channel: str
    language: str
    address: str
    cause: str
    attempts: int
    at: datetime.datetime | None

    @property
    def is_unclear(self) -> bool:
        """Whether nobody knows if it arrived."""
        return self.state == MessageState.UNCLEAR


@require_safe
def ledger(request):
    """Counts for those who answer for them; for the administrator also what is in trouble."""
    stands = counting.ledger()
    context = {
        "stands": stands,
        "total": stands.counts.total(),
        "channels": _table(stands),
        "states": [state.label for state in MessageState],
        "late_for": timezone.now() - stands.oldest_waiting if stands.oldest_waiting else None,
        "fallbacks": [
            (kind, SPOKEN[language].own_name, SPOKEN[written_in].own_name, number)
            for kind, language, written_in, number in counting.fallbacks()
            if language in SPOKEN and written_in in SPOKEN
        ],
        "may_mend": request.user.has_role(Role.ADMINISTRATOR),
    }
    context["fallen_back"] = sum(number for *_what, number in context["fallbacks"])
    if context["may_mend"]:
        context |= _troubles(request)
    return render(request, "notices/staff/ledger.html", context)


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel's numbers, and each of its languages'. Numbers are in the order of MessageState."""

    name: str
    numbers: list[int]
    languages: list[tuple[str, list[int]]]


def _table(stands: counting.Ledger) -> list[_Channel]:
    return [
        _Channel(
            channel.label,
            [stands.number(channel=channel, state=state) for state in MessageState],
            [
                (
                    language.own_name,
                    [stands.number(channel=channel, language=code, state=state) for state in MessageState],
                )
                for code, language in SPOKEN.items()
                if stands.number(channel=channel, language=code)
            ],
        )
        for channel in ChannelCode
        if stands.number(channel=channel)
    ]


def _troubles(request) -> dict:
    state, cause = request.GET.get("state", ""), request.GET.get("cause")
    rows = Message.objects.in_trouble()
    if state in TROUBLED:
        rows = rows.filter(state=state)
    if cause is not None:
        rows = rows.filter(cause=cause)
    newest_first = rows.order_by(models.F("ended_at").desc(nulls_last=True), "-pk")
    page = Paginator(newest_first, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = [_row(message) for message in page.object_list]
    return {
        "page": page,
        "chosen_cause": in_words(cause) if cause is not None else "",
        "causes": [
            {
                "state": MessageState(found_state).label,
                "words": in_words(found),
                "number": number,
                "url": "?" + urlencode({"state": found_state, "cause": found}),
            }
            for found_state, found, number in counting.causes()
        ],
        "suppressions": [
            (row.pk, masked(row.address), ChannelCode(row.channel).label, in_words(row.reason), row.since)
            for row in Suppression.objects.all()[:ON_A_PAGE]
        ],
        "suppressed": counting.suppressed(),
        "rests": Rest.objects.filter(until__gt=timezone.now()).order_by("until")[:ON_A_PAGE],
    }


def _row(message: Message) -> _Row:
    return _Row(
        message.public_id,
        message.state,
        message.get_state_display(),
        message.kind,
        message.get_channel_display(),
        SPOKEN[message.language].own_name if message.language in SPOKEN else message.language,
        masked(message.address),
        in_words(message.cause),
        message.attempts,
        message.ended_at,
    )


@require_POST
def try_again(request):
    """Send once more what was ticked or shown: each by its id."""
    wanted = request.POST.getlist("message")[:ON_A_PAGE]
    tried = 0
    for message in Message.objects.in_trouble().filter(public_id__in=wanted):
        try:
            delivering.try_again(message, by=request.user)
        except WrongMove:  # somebody else was faster
            continue
        tried += 1
    told = npgettext("staff", "%(number)s message is tried again.", "%(number)s messages are tried again.", tried)
    messages.success(request, told % {"number": tried})
    return redirect(_back(request))


@require_POST
def arrived(request, public_id):
    """Somebody has found out that an unclear one arrived."""
    message = get_object_or_404(Message, public_id=public_id)
    try:
        delivering.call_it_sent(message, by=request.user)
    except WrongMove:
        messages.error(request, pgettext("staff", "This message is not unclear any more."))
    else:
        messages.success(request, pgettext("staff", "Noted: it arrived."))
    return redirect(_back(request))


@require_POST
def lift(request, key):
    """Send to an address again."""
    delivering.trust_again(get_object_or_404(Suppression, pk=key), by=request.user)
    messages.success(request, pgettext("staff", "Messages go to this address again."))
    return redirect(_back(request))


def _back(request) -> str:
    """The ledger as it was filtered."""
    kept = {name: request.POST[name] for name in ("state", "cause") if request.POST.get(name)}
    address = reverse("newsroom:ledger")
    return f"{address}?{urlencode(kept)}" if kept else address
