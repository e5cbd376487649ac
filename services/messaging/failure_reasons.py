"""What the ledger's pages say: why a message did not arrive, and addresses of which only their owners know the rest.

The ledger keeps causes as English sentences, because workers write them and know no reader.
"""

import re

from django.utils.translation import pgettext, pgettext_lazy

_KNOWN = {
    "The worker was lost while sending.": pgettext_lazy("staff", "The worker was lost while sending."),
    "This address sent mail back; nothing is sent there any more.": pgettext_lazy(
        "staff", "This address sent mail back; nothing is sent there any more."
    ),
    "It would have come too late.": pgettext_lazy("staff", "It would have come too late."),
    "The subscription was ended.": pgettext_lazy("staff", "The subscription was ended."),
    "What it was about is not there any more.": pgettext_lazy("staff", "What it was about is not there any more."),
    "It does not concern this person any more.": pgettext_lazy("staff", "It does not concern this person any more."),
    "This person has given no address.": pgettext_lazy("staff", "This person has given no address."),
    "The mail server does not know the address.": pgettext_lazy("staff", "The mail server does not know the address."),
    "The mail server refuses us.": pgettext_lazy("staff", "The mail server refuses us."),
    "The mail server asks to wait.": pgettext_lazy("staff", "The mail server asks to wait."),
    "The mail server hung up in the middle; it may have gone out.": pgettext_lazy(
        "staff", "The mail server hung up in the middle; it may have gone out."
    ),
    "A message for my page is never sent.": pgettext_lazy("staff", "A message for my page is never sent."),
    "The provider hung up in the middle.": pgettext_lazy("staff", "The provider hung up in the middle."),
    "The provider hung up in the middle; it may have gone out.": pgettext_lazy(
        "staff", "The provider hung up in the middle; it may have gone out."
    ),
    "The provider did not answer in time; it may have gone out.": pgettext_lazy(
        "staff", "The provider did not answer in time; it may have gone out."
    ),
}
# Sentences with a detail of the fault in them: how they begin, and how they are said.
_WITH_DETAIL = (
    (
        re.compile(r"It came back: there is no such address \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "It came back: there is no such address (%(detail)s)."),
    ),
    (
        re.compile(r"It came back \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "It came back (%(detail)s)."),
    ),
    (
        re.compile(r"The mail server refuses the message \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The mail server refuses the message (%(detail)s)."),
    ),
    (
        re.compile(r"The mail server could not be reached: (?P<detail>.*)\."),
        pgettext_lazy("staff", "The mail server could not be reached (%(detail)s)."),
    ),
    (
        re.compile(r"The provider could not be reached: (?P<detail>.*)\."),
        pgettext_lazy("staff", "The provider could not be reached (%(detail)s)."),
    ),
    (
        re.compile(r"The provider takes nothing from us now \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider takes nothing from us now (%(detail)s)."),
    ),
    (
        re.compile(r"The provider refuses the message or the address \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider refuses the message or the address (%(detail)s)."),
    ),
    (
        re.compile(r"The provider is in trouble \((?P<detail>.*)\)\."),
        pgettext_lazy("staff", "The provider is in trouble (%(detail)s)."),
    ),
    (
        re.compile(r"The text could not be made: (?P<detail>.*)\."),
        pgettext_lazy("staff", "The text could not be made (%(detail)s). Please tell the administrator."),
    ),
)
# In what another machine has written, and a bounce quotes, an address may stand.
_ADDRESS = re.compile(r"[^\s<>()\"',;:@]+@[^\s<>()\"',;:@]+|\+?\d{7,}")


def in_words(cause: str) -> str:
    """A cause as staff read it; one that nobody has foreseen as it stands, addresses masked."""
    if not cause:
        return pgettext("staff", "Nobody has written down why.")
    if cause in _KNOWN:
        return str(_KNOWN[cause])
    for pattern, said in _WITH_DETAIL:
        if found := pattern.fullmatch(cause):
            return str(said) % {"detail": _without_addresses(found["detail"])}
    return _without_addresses(cause)


def _without_addresses(words: str) -> str:
    return _ADDRESS.sub(lambda found: masked(found[0]), words)


def masked(address: str) -> str:
    """An address of which only its owner can guess the rest: s…@e….org, …78."""
    name, at, domain = address.rpartition("@")
    if not at:
        return f"…{address[-2:]}" if len(address) > 4 else "…" * bool(address)
    host, dot, end = domain.rpartition(".")
    return f"{name[:1]}…@{host[:1]}…{dot}{end}" if dot else f"{name[:1]}…@…"
