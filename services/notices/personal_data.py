"""What the notices know of somebody with an account: their messages, and the news that come to their address."""

from allauth.account.models import EmailAddress
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.accounts.rights import Holding, holds
from services.languages.days import written_moment
from services.languages.text import text_of
from services.notices.actions.delivering import objects_told_of
from services.notices.actions.subscribing import leave
from services.notices.composing import WORDS_ONLY, CannotBeWritten, Letter, compose
from services.notices.models import UNSENT, ChannelCode, Message, MessageState, Subscription, Suppression


def _addresses(user: User) -> list[str]:
    """What they have proved to be theirs, in lower case: nobody takes another's along, or has it deleted."""
    proved = EmailAddress.objects.filter(user=user, verified=True)
    return [address.lower() for address in proved.values_list("email", flat=True)]


def _subscriptions(user: User):
    subscriptions = Subscription.objects.annotate(lower=Lower("address")).filter(lower__in=_addresses(user))
    return subscriptions.prefetch_related("topics")


def _suppressions(user: User):
    return Suppression.objects.annotate(lower=Lower("address")).filter(lower__in=_addresses(user))


def _messages(user: User):
    # A mailbox may be a family's: what was written to somebody else by name is theirs.
    to_nobody_else = Q(lower__in=_addresses(user), user__isnull=True, resident__isnull=True)
    theirs = Q(user=user) | Q(resident__in=Resident.objects.visible_to(user)) | to_nobody_else
    return Message.objects.annotate(lower=Lower("address")).filter(theirs)


def _export_news(user: User) -> list[dict[str, str]]:
    return [
        {
            pgettext("of a message", "To"): subscription.address,
            _("Topics"): pgettext("between the names of a list", ", ").join(
                text_of(topic, "name").value for topic in subscription.topics.all()
            ),
        }
        for subscription in _subscriptions(user)
    ]


def _erase_news(user: User) -> None:
    for subscription in _subscriptions(user):
        leave(subscription)
    _subscriptions(user).delete()  # those that were never confirmed
    _suppressions(user).delete()


def _letter(message: Message, about: dict) -> Letter | None:
    """A message in the language of the page; None if what it told of is gone, or nobody can write it any more."""
    told_of = about.get((message.about_type, message.about_id))
    if message.about_type and told_of is None:
        return None
    try:
        return compose(
            message.kind,
            get_language(),
            second_language=message.second_language,
            about=told_of,
            context=message.context,
            frame=WORDS_ONLY,
        )
    except CannotBeWritten:
        return None


def _export_messages(user: User) -> list[dict[str, str]]:
    messages = list(_messages(user).order_by("created_at"))
    about = objects_told_of(messages)
    return [_message_in_words(message, _letter(message, about)) for message in messages]


def _message_in_words(message: Message, letter: Letter | None) -> dict[str, str]:
    words = {
        pgettext("of a message", "Written on"): written_moment(message.created_at),
        pgettext("of a message", "By"): message.get_channel_display(),
        pgettext("of a message", "To"): message.address,
        pgettext("of a message", "About"): letter.subject if letter else message.kind,
    }
    # A mail's words are forgotten once it has gone; what stands on "my page" can still be written.
    if letter and message.channel == ChannelCode.INBOX:
        words[pgettext("of a message", "Text")] = letter.text
    return words


def _lock(user: User) -> None:
    """In the order of whoever leaves, takes a bounce or tries again: the subscription, its messages, what is kept back.

    By their keys alone: PostgreSQL locks nothing that is joined from the outside.
    """
    for rows in (_subscriptions(user), _messages(user), _suppressions(user)):
        keys = list(rows.values_list("pk", flat=True))
        list(rows.model.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


def _erase_messages(user: User) -> None:
    # Who booked without the account is forgotten by now (registration goes first). Who did so only since then keeps
    # their letter.
    messages = _messages(user).exclude(resident__isnull=False, resident__user__isnull=True)
    messages.filter(channel=ChannelCode.INBOX).delete()
    messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN)
    messages.update(**Message.KEEPING.makes)


holds(Holding(lambda: _("News that you get"), _export_news, _erase_news))
holds(Holding(lambda: _("Your messages"), _export_messages, _erase_messages, _lock))
