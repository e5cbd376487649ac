"""The ledger's pages for staff: what was sent, what failed and why, and what can be sent again.

No page shows the text of a message or the name of a person.
"""

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
from services.base.states import InvalidTransition
from services.languages.registry import SPOKEN
from services.messaging import bounces, metrics, staff_actions
from services.messaging.channels import CHANNELS, channel_label
from services.messaging.failure_reasons import describe, mask_address
from services.messaging.models import NEEDS_ATTENTION, DomainBackoff, Message, MessageState, Suppression

ON_A_PAGE = 30


@dataclass(frozen=True, slots=True)
class _LedgerRow:
    """One message that needs attention, without anything that identifies its reader."""

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
        """Whether nobody knows if the message was sent."""
        return self.state == MessageState.UNCLEAR


@require_safe
def ledger(request):
    """Show the totals; to the administrator also the messages that need attention."""
    totals = metrics.ledger_totals()
    context = {
        "stands": totals,
        "total": totals.counts.total(),
        "channels": _table(totals),
        "states": [state.label for state in MessageState],
        "late_for": timezone.now() - totals.oldest_waiting if totals.oldest_waiting else None,
        "fallbacks": [
            (kind, SPOKEN[language].own_name, SPOKEN[written_in].own_name, number)
            for kind, language, written_in, number in metrics.fallback_counts()
            if language in SPOKEN and written_in in SPOKEN
        ],
        "may_mend": request.user.has_role(Role.ADMINISTRATOR),
    }
    context["fallen_back"] = sum(number for *_what, number in context["fallbacks"])
    if context["may_mend"]:
        context |= _failed_messages(request)
    return render(request, "notices/staff/ledger.html", context)


@dataclass(frozen=True, slots=True)
class _ChannelRow:
    """The totals of one channel and of each of its languages, in the order of MessageState."""

    name: str
    numbers: list[int]
    languages: list[tuple[str, list[int]]]


def _table(totals: metrics.LedgerTotals) -> list[_ChannelRow]:
    return [
        _ChannelRow(
            channel_label(channel),
            [totals.number(channel=channel, state=state) for state in MessageState],
            [
                (
                    language.own_name,
                    [totals.number(channel=channel, language=code, state=state) for state in MessageState],
                )
                for code, language in SPOKEN.items()
                if totals.number(channel=channel, language=code)
            ],
        )
        for channel in CHANNELS
        if totals.number(channel=channel)
    ]


def _failed_messages(request) -> dict:
    state, cause = request.GET.get("state", ""), request.GET.get("cause")
    rows = Message.objects.needing_attention()
    if state in NEEDS_ATTENTION:
        rows = rows.filter(state=state)
    if cause is not None:
        rows = rows.filter(cause=cause)
    newest_first = rows.order_by(models.F("ended_at").desc(nulls_last=True), "-pk")
    page = Paginator(newest_first, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = [_row(message) for message in page.object_list]
    return {
        "page": page,
        "chosen_cause": describe(cause) if cause is not None else "",
        "causes": [
            {
                "state": MessageState(found_state).label,
                "words": describe(found),
                "number": number,
                "url": "?" + urlencode({"state": found_state, "cause": found}),
            }
            for found_state, found, number in metrics.failure_counts()
        ],
        "suppressions": [
            (row.pk, mask_address(row.address), channel_label(row.channel), describe(row.reason), row.since)
            for row in Suppression.objects.all()[:ON_A_PAGE]
        ],
        "suppressed": metrics.blocked_addresses(),
        "rests": DomainBackoff.objects.filter(until__gt=timezone.now()).order_by("until")[:ON_A_PAGE],
    }


def _row(message: Message) -> _LedgerRow:
    return _LedgerRow(
        message.public_id,
        message.state,
        message.get_state_display(),
        message.kind,
        channel_label(message.channel),
        SPOKEN[message.language].own_name if message.language in SPOKEN else message.language,
        mask_address(message.address),
        describe(message.cause),
        message.attempts,
        message.ended_at,
    )


@require_POST
def try_again(request):
    """Send the chosen messages again, each by its id."""
    public_ids = request.POST.getlist("message")[:ON_A_PAGE]
    tried = 0
    for message in Message.objects.needing_attention().filter(public_id__in=public_ids):
        try:
            staff_actions.try_again(message, by=request.user)
        except InvalidTransition:  # somebody else has already done so
            continue
        tried += 1
    sentence = npgettext(
        "staff", "%(number)s message will be sent again.", "%(number)s messages will be sent again.", tried
    )
    messages.success(request, sentence % {"number": tried})
    return redirect(_back(request))


@require_POST
def mark_delivered(request, public_id):
    """Mark an unclear message as delivered."""
    message = get_object_or_404(Message, public_id=public_id)
    try:
        staff_actions.mark_delivered(message, by=request.user)
    except InvalidTransition:
        messages.error(request, pgettext("staff", "The status of this message is no longer “Outcome unknown”."))
    else:
        messages.success(request, pgettext("staff", "The message has been marked as delivered."))
    return redirect(_back(request))


@require_POST
def lift_suppression(request, key):
    """Lift the suppression of an address."""
    bounces.lift_suppression(get_object_or_404(Suppression, pk=key), by=request.user)
    messages.success(
        request, pgettext("staff", "This address is no longer blocked. Messages will be sent to it again.")
    )
    return redirect(_back(request))


def _back(request) -> str:
    """Return the URL of the ledger with the same filters."""
    filters = {name: request.POST[name] for name in ("state", "cause") if request.POST.get(name)}
    url = reverse("newsroom:ledger")
    return f"{url}?{urlencode(filters)}" if filters else url
