"""What the logging screen does at one press: log, make somebody known, send them an article. All of it or nothing."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import pgettext

from consultations.actions.articles import Sending, send_article
from consultations.actions.clients import meet
from consultations.actions.consultations import Entry, write_down
from consultations.models import Case, Client, Consultation, Draft
from services.accounts.models import User
from services.base.public_ids import public_id
from services.base.refusals import Refused


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

    client: somebody known, by their code. person: somebody who becomes known now. Refused as `write_down` and
    `send_article` refuse. A key that is taken by what the author cannot know of is answered as any other.
    """
    try:
        return _enter(entry, by, key, client, person, case, sending)
    except (IntegrityError, Refused) as failure:  # sent twice is rare: it is asked about only where something failed
        if already := Consultation.objects.logged_by(by, key).first():
            return already
        if isinstance(failure, Refused):
            raise
    try:
        return _enter_by_another_key(entry, by, key, client, person, case, sending)
    except IntegrityError:
        raise Refused(pgettext("staff", "This form cannot be used any more. Please begin a new one.")) from None


@transaction.atomic
def _enter_by_another_key(entry, by, key, *more) -> Consultation:
    consultation = _enter(entry, by, public_id(), *more)
    Draft.objects.filter(public_id=key, adviser=by).delete()
    return consultation


@transaction.atomic
def _enter(entry, by, key, client, person, case, sending) -> Consultation:
    if person:
        safe = list(person.safe_channels)
        client = meet(by=by, name=person.name, contact=person.contact, language=entry.language, safe_channels=safe)
    consultation = write_down(entry, by=by, client=client, case=case, draft=key)
    if sending:
        send_article(consultation, sending, by=by)
    return consultation
