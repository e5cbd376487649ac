"""What the logging screen does at one press: log, make somebody known, send them an article. All of it or nothing."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.articles import Sending, send_article
from consultations.actions.consultations import Entry, log
from consultations.models import Case, Client, Consultation
from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.sealed import blind_index


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who chose to be known to the desk, and by which ways they may be reached."""

    name: str = ""
    contact: str = ""
    safe_channels: tuple[str, ...] = ()


def enter(
    entry: Entry,
    *,
    by: User,
    key: str,
    client: Client | None = None,
    person: Person | None = None,
    case: Case | None = None,
    sending: Sending | None = None,
) -> Consultation:
    """Log what was typed into the form with this key; sent twice, also at the same moment, it is one consultation.

    client: somebody known, by their code. person: somebody who becomes known now. Refused as `log` and
    `send_article` refuse.
    """
    try:
        return _enter(entry, by, key, client, person, case, sending)
    except IntegrityError:
        if already := Consultation.objects.filter(public_id=key, adviser=by).first():
            return already
        raise Refused(pgettext("staff", "This form cannot be used any more. Please begin a new one.")) from None


@transaction.atomic
def _enter(entry, by, key, client, person, case, sending) -> Consultation:
    if person:
        if already := Consultation.objects.filter(public_id=key, adviser=by).first():
            return already
        client = _make_known(person, entry.language, by)
    elif client or (case and case.client):
        client = client or case.client
        Client.objects.filter(pk=client.pk).update(last_seen_at=timezone.now())
    consultation = log(entry, by=by, client=client, case=case, draft=key)
    if sending:
        send_article(consultation, sending, by=by)
    return consultation


def _make_known(person: Person, language: str, by: User) -> Client:
    client = Client.objects.create(
        name=person.name,
        contact=person.contact,
        name_index=blind_index(person.name, "name"),
        contact_index=blind_index(person.contact, "contact"),
        language=language,
        safe_channels=list(person.safe_channels),
        last_seen_at=timezone.now(),
    )
    record(by, "consultations.make_client", client, fields=["contact", "name"], changes=False)
    return client
