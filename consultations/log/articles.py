"""Sending somebody a page of the city guide in their language, to an address that they gave for this once."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import pgettext

from consultations.models import Client, Consultation
from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.sealed import blind_index, blind_indexes
from services.guide.models import Article
from services.notices.actions.telling import notify
from services.notices.models import ChannelCode, Message

KIND = "consultations/article"
_PURPOSE = "article of a consultation"


@dataclass(frozen=True, slots=True)
class Sending:
    """An article, the language it is wanted in, and where it goes."""

    article: Article
    language: str
    channel: ChannelCode
    address: str


@transaction.atomic
def send_article(consultation: Consultation, sending: Sending, *, by: User) -> None:
    """Write the article into the ledger; sent to the same address a second time it is the same message.

    The address stands nowhere but in the ledger, and nothing there leads back to the consultation. Refused where it
    is not safe to write to, in words that say nothing of who is known to the desk.
    """
    if not Consultation.objects.readable_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "You cannot read this consultation any more."))
    if not _is_safe(consultation, sending):
        raise Refused(pgettext("staff", "Nothing may be sent to this address. Please hand the page over in person."))
    notify(
        sending.address,
        KIND,
        about=sending.article,
        language=sending.language,
        occasion=blind_index(_occasion(consultation, sending.article), _PURPOSE),
        channel=sending.channel,
    )
    record(by, "consultations.send_article", consultation, changes=False)


def articles_sent(consultation: Consultation) -> list[Article]:
    """Which articles were sent to somebody from a consultation, for who may read it."""
    by_occasion = {
        occasion: article
        for article in Article.objects.order_by("slug")
        for occasion in blind_indexes(_occasion(consultation, article), _PURPOSE)
    }
    sent = Message.objects.filter(kind=KIND, occasion__in=by_occasion).values_list("occasion", flat=True)
    return list({by_occasion[occasion].pk: by_occasion[occasion] for occasion in sent}.values())


def _occasion(consultation: Consultation, article: Article) -> str:
    return f"{consultation.public_id} {article.slug}"


def _is_safe(consultation: Consultation, sending: Sending) -> bool:
    """Whether everybody who is known by this address, and whoever asked, may be reached by this channel.

    Where it is restricted the portal writes to nobody: the ledger's pages would show that somebody was written to.
    """
    if consultation.is_restricted:
        return False
    known = list(Client.objects.filter(contact_index__in=blind_indexes(sending.address, "contact")))
    asked = [consultation.client] if consultation.client else []
    return all(sending.channel in client.safe_channels for client in [*known, *asked])
