"""Send a person an article of the guide in their language, to an address that is used only this once."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import pgettext

from consultations.message_kinds import ARTICLE
from consultations.records.models import Client, Consultation
from services.accounts.models import User
from services.audit.trail import record
from services.base.encryption import blind_index, blind_indexes
from services.base.refusals import Refused
from services.guide.models import Article
from services.messaging.models import Message
from services.messaging.outbox import notify

_PURPOSE = "article of a consultation"  # part of the blind index: do not change it


@dataclass(frozen=True, slots=True)
class ArticleDelivery:
    """An article, its language, and the address to send it to."""

    article: Article
    language: str
    channel: str
    address: str


@transaction.atomic
def send_article(consultation: Consultation, sending: ArticleDelivery, *, by: User) -> None:
    """Send an article through the message ledger. Sending it to the same address again sends nothing new.

    The address is stored only in the ledger, and nothing there leads back to the consultation. Raises `Refused` if the
    address is not safe, without saying who is known to the desk.
    """
    if not Consultation.objects.readable_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "You can no longer read this consultation."))
    if not _is_safe(consultation, sending):
        raise Refused(
            pgettext("staff", "Nothing can be sent to these contact details. Give the article to the person directly.")
        )
    notify(
        sending.address,
        ARTICLE,
        about=sending.article,
        language=sending.language,
        idempotency_key=blind_index(_idempotency_key(consultation, sending.article), _PURPOSE),
        channel=sending.channel,
    )
    record(by, "consultations.send_article", consultation, changes=False)


def articles_sent(consultation: Consultation) -> list[Article]:
    """Return the articles sent from a consultation. The caller must check that the user may read it."""
    article_by_key = {
        key: article
        for article in Article.objects.order_by("slug")
        for key in blind_indexes(_idempotency_key(consultation, article), _PURPOSE)
    }
    sent = Message.objects.filter(kind=ARTICLE.folder, idempotency_key__in=article_by_key)
    articles = [article_by_key[key] for key in sent.values_list("idempotency_key", flat=True)]
    return list({article.pk: article for article in articles}.values())


def _idempotency_key(consultation: Consultation, article: Article) -> str:
    return f"{consultation.public_id} {article.slug}"


def _is_safe(consultation: Consultation, sending: ArticleDelivery) -> bool:
    """Return whether this channel is safe for the consultation's client and for every client with this address.

    In a restricted case the portal writes to nobody: the ledger's pages would show that the person was written to.
    """
    if consultation.is_restricted:
        return False
    known = list(Client.objects.filter(contact_index__in=blind_indexes(sending.address, "contact")))
    own = [consultation.client] if consultation.client else []
    return all(sending.channel in client.safe_channels for client in [*known, *own])
