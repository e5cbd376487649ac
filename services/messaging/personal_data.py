"""The messages and blocked addresses of a person, for their download and for deletion."""

from allauth.account.models import EmailAddress
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from services.accounts.models import Resident, User
from services.accounts.personal_data import contact_details_title
from services.accounts.personal_data_registry import (
    PersonalDataSource,
    export_datetime,
    format_language,
    register_personal_data,
    without_empty,
)
from services.messaging.channels import channel_label
from services.messaging.delivery import subjects_of
from services.messaging.failure_reasons import describe
from services.messaging.models import INBOX, UNSENT, Message, MessageState, Suppression
from services.messaging.rendering import BODY_ONLY, CannotRender, RenderedMessage, render_message

# In words for the reader; the states' own labels are for staff.
_STATUS = {
    MessageState.WAITING: pgettext_lazy("personal data", "Waiting to be sent"),
    MessageState.HELD: pgettext_lazy("personal data", "On hold"),
    MessageState.SENDING: pgettext_lazy("personal data", "Being sent"),
    MessageState.SENT: pgettext_lazy("personal data", "Sent"),
    MessageState.BOUNCED: pgettext_lazy("personal data", "Could not be delivered"),
    MessageState.UNCLEAR: pgettext_lazy("personal data", "We do not know if it was delivered"),
    MessageState.FAILED: pgettext_lazy("personal data", "Could not be sent"),
    MessageState.WITHDRAWN: pgettext_lazy("personal data", "Not sent"),
}


def addresses_of(user: User) -> list[str]:
    """Return the user's verified email addresses in lower case. Nobody can export or delete data by another address."""
    verified = EmailAddress.objects.filter(user=user, verified=True)
    return [address.lower() for address in verified.values_list("email", flat=True)]


def _suppressions(user: User):
    return Suppression.objects.annotate(lower=Lower("address")).filter(lower__in=addresses_of(user))


def _messages(user: User):
    # A family may share a mailbox: messages to another person with a row of their own belong to that person.
    to_address_alone = Q(lower__in=addresses_of(user), user__isnull=True, resident__isnull=True)
    own = Q(user=user) | Q(resident__in=Resident.objects.visible_to(user)) | to_address_alone
    return Message.objects.annotate(lower=Lower("address")).filter(own)


def _render(message: Message, subjects: dict) -> RenderedMessage | None:
    """Render a message in the active language; None if its subject has been deleted or it cannot be rendered."""
    subject = subjects.get((message.about_type, message.about_id))
    if message.about_type and subject is None:
        return None
    try:
        return render_message(
            message.kind,
            get_language(),
            second_language=message.second_language,
            about=subject,
            context=message.context,
            frame=BODY_ONLY,
        )
    except CannotRender:
        return None


def _export_messages(user: User) -> list[dict[str, str]]:
    messages = list(_messages(user).order_by("created_at", "pk"))
    subjects = subjects_of(messages)
    return [_export_row(message, _render(message, subjects)) for message in messages]


def _export_row(message: Message, rendered: RenderedMessage | None) -> dict[str, str]:
    row = {
        pgettext("of a message", "Written on"): export_datetime(message.created_at),
        pgettext("of a message", "Contact method"): channel_label(message.channel),
        pgettext("of a message", "To"): message.address,
        pgettext("of a message", "Subject"): rendered.subject if rendered else message.kind,
        # The values that an email was made from are deleted once it has been sent. A message on "My page" keeps them.
        pgettext("of a message", "Message"): rendered.text if rendered and message.channel == INBOX else "",
        pgettext("personal data", "Reference number"): message.public_id,
        **_export_languages(message),
        **_export_delivery(message),
    }
    return without_empty(row) | {name: str(value) for name, value in message.context.items()}


def _export_languages(message: Message) -> dict[str, str]:
    return {
        _("Language"): format_language(message.language),
        pgettext("personal data", "Second language"): format_language(message.second_language),
        pgettext("personal data", "Language of the message"): format_language(message.written_in),
    }


def _export_delivery(message: Message) -> dict[str, str]:
    return {
        pgettext("personal data", "Status"): str(_STATUS[message.state]),
        pgettext("personal data", "Reason"): describe(message.cause, masked=False) if message.cause else "",
        pgettext("personal data", "Number of attempts"): str(message.attempts or ""),
        pgettext("personal data", "Scheduled for"): export_datetime(message.due_at),
        pgettext("personal data", "Valid until"): export_datetime(message.expires_at),
        pgettext("personal data", "Ended on"): export_datetime(message.ended_at),
        pgettext("personal data", "Read on"): export_datetime(message.read_at),
    }


def _export_other_channels(user: User) -> list[dict[str, str]]:
    """Return each resident's address on a channel other than email and text message."""
    return [
        {
            _("Name"): resident.name,
            pgettext("of a message", "Contact method"): channel_label(resident.contact_channel),
            pgettext("of a message", "To"): resident.contact_address,
        }
        for resident in Resident.objects.visible_to(user).exclude(contact_address="").order_by("pk")
    ]


def _export_suppressions(user: User) -> list[dict[str, str]]:
    return [
        {
            pgettext("of a message", "Contact method"): channel_label(row.channel),
            pgettext("of a message", "To"): row.address,
            pgettext("personal data", "Reason"): describe(row.reason, masked=False),
            pgettext("personal data", "Added on"): export_datetime(row.since),
        }
        for row in _suppressions(user).order_by("pk")
    ]


def _lock_messages(user: User) -> None:
    """Lock in the same order as unsubscribing, bounces and retries: (the subscription,) its messages, suppressions."""
    for rows in (_messages(user), _suppressions(user)):
        # By key alone, because PostgreSQL cannot lock the nullable side of an outer join.
        keys = list(rows.values_list("pk", flat=True))
        list(rows.model.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


def _erase_messages(user: User) -> None:
    # services.registration has deleted residents without an account by now. One who is still here has booked since
    # then, and keeps the message about it.
    messages = _messages(user).exclude(resident__isnull=False, resident__user__isnull=True)
    messages.filter(channel=INBOX).delete()
    messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN)
    messages.update(**Message.RETENTION.anonymise)


def _erase_suppressions(user: User) -> None:
    _suppressions(user).delete()


# The residents themselves are deleted by services.accounts and services.registration.
register_personal_data(PersonalDataSource(contact_details_title, _export_other_channels, lambda _user: None))
register_personal_data(
    PersonalDataSource(
        lambda: pgettext("personal data", "Contact details we no longer send messages to"),
        _export_suppressions,
        _erase_suppressions,
    )
)
register_personal_data(
    PersonalDataSource(lambda: _("Your messages"), _export_messages, _erase_messages, _lock_messages)
)
