"""Why a message was not delivered, in the reader's language, and masked addresses for the ledger's pages.

The ledger stores causes as English sentences, because a worker does not know who will read them.
"""

import re

from django.utils.translation import pgettext, pgettext_lazy

_KNOWN = {
    "Sending was interrupted.": pgettext_lazy("staff", "Sending was interrupted."),
    "Email to this address bounced, so we no longer send to it.": pgettext_lazy(
        "staff", "Email to this address bounced, so we no longer send to it."
    ),
    "The message was not sent, because it would have arrived too late.": pgettext_lazy(
        "staff", "The message was not sent, because it would have arrived too late."
    ),
    "The subscription has ended.": pgettext_lazy("staff", "The subscription has ended."),
    "The message was about something that no longer exists.": pgettext_lazy(
        "staff", "The message was about something that no longer exists."
    ),
    "The message no longer applies to this person.": pgettext_lazy(
        "staff", "The message no longer applies to this person."
    ),
    "This person has not given any contact details.": pgettext_lazy(
        "staff", "This person has not given any contact details."
    ),
    "The email server does not recognise the email address.": pgettext_lazy(
        "staff", "The email server does not recognise the email address."
    ),
    "The email server is refusing our messages.": pgettext_lazy("staff", "The email server is refusing our messages."),
    "The email server has asked us to wait.": pgettext_lazy("staff", "The email server has asked us to wait."),
    "The email server closed the connection too early. The message may have been sent.": pgettext_lazy(
        "staff", "The email server closed the connection too early. The message may have been sent."
    ),
    "Messages for My page are never sent.": pgettext_lazy("staff", "Messages for My page are never sent."),
    "The provider closed the connection too early.": pgettext_lazy(
        "staff", "The provider closed the connection too early."
    ),
    "The provider closed the connection too early. The message may have been sent.": pgettext_lazy(
        "staff", "The provider closed the connection too early. The message may have been sent."
    ),
    "The provider did not respond in time. The message may have been sent.": pgettext_lazy(
        "staff", "The provider did not respond in time. The message may have been sent."
    ),
}
# Sentences with a detail of the fault, such as a status code: the stored form and its translation.
_WITH_DETAIL = (
    (
        re.compile(r"The email bounced: this email address does not exist \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The email bounced: this email address does not exist (%(detail)s)."),
    ),
    (
        re.compile(r"The email bounced \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The email bounced (%(detail)s)."),
    ),
    (
        re.compile(r"The email server refused the message \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The email server refused the message (%(detail)s)."),
    ),
    (
        re.compile(r"The email server could not be reached \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The email server could not be reached (%(detail)s)."),
    ),
    (
        re.compile(r"The provider could not be reached \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider could not be reached (%(detail)s)."),
    ),
    (
        re.compile(r"The provider is not accepting messages from us at the moment \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider is not accepting messages from us at the moment (%(detail)s)."),
    ),
    (
        re.compile(r"The provider rejected the message or the recipient \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider rejected the message or the recipient (%(detail)s)."),
    ),
    (
        re.compile(r"The provider is having problems \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider is having problems (%(detail)s)."),
    ),
    (
        re.compile(r"The text could not be created \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The text could not be created (%(detail)s). Tell the administrator."),
    ),
)
# A detail that another machine has written, such as a quoted bounce, may contain an address.
_ADDRESS = re.compile(r"[^\s<>()\"',;:@]+@[^\s<>()\"',;:@]+|\+?\d{7,}")


def describe(cause: str, *, masked: bool = True) -> str:
    """Return a cause in the active language; one that is not in the tables above comes back as it was stored.

    masked: hide email addresses and phone numbers in it, except from the person themselves.
    """
    mask = _mask_addresses if masked else str
    if not cause:
        return pgettext("staff", "No reason was recorded.")
    if cause in _KNOWN:
        return str(_KNOWN[cause])
    for pattern, sentence in _WITH_DETAIL:
        if found := pattern.fullmatch(cause):
            return str(sentence) % {"detail": mask(found["detail"])}
    return mask(cause)


def _mask_addresses(text: str) -> str:
    return _ADDRESS.sub(lambda found: mask_address(found[0]), text)


def mask_address(address: str) -> str:
    """Return an address of which only its owner can guess the rest: s…@e….org, …78."""
    name, at, domain = address.rpartition("@")
    if not at:
        return f"…{address[-2:]}" if len(address) > 4 else "…" * bool(address)
    host, dot, end = domain.rpartition(".")
    return f"{name[:1]}…@{host[:1]}…{dot}{end}" if dot else f"{name[:1]}…@…"
