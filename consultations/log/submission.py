"""What the logging screen does at one press: log, make somebody known, send them an article. All of it or nothing."""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils.translation import pgettext

from consultations.actions.articles import Sending, send_article
from consultations.actions.clients import meet
from consultations.actions.consultations import Entry, entry_of, write_down
from consultations.models import Case, Client, Consultation, Draft
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.base.public_ids import public_id
from services.base.refusals import Refused


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who chose to be known to the desk, and by which ways they may be reached."""

    name: str = ""
    contact: str = ""
    safe_channels: tuple[str, ...] = ()


class LoggedOtherwise(Refused):
    """The form was logged already, with other words."""


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

    Sent again with other words it is refused (LoggedOtherwise): they would be lost.

    client: somebody known, by their code. person: somebody who becomes known now. Refused as `write_down` and
    `send_article` refuse. A key that is taken by what the author cannot know of is answered as any other.
    """
    try:
        return _enter(entry, by, key, client, person, case, sending)
    except (IntegrityError, Refused) as failure:  # sent twice is rare: it is asked about only where something failed
        if already := Consultation.objects.logged_by(by, key).first():
            return _as_logged(already, entry, by)
        if isinstance(failure, Refused):
            raise
    try:
        return _enter_by_another_key(entry, by, key, client, person, case, sending)
    except IntegrityError:
        raise Refused(pgettext("staff", "This form cannot be used any more. Please begin a new one.")) from None


def _as_logged(already: Consultation, entry: Entry, by: User) -> Consultation:
    """What was logged, if it says what is sent now. The minutes are the timer's, which went on meanwhile."""
    note = open_sealed(by, "consultations.open", already, "note")["note"]
    if replace(entry_of(already, note=note), minutes=entry.minutes) != entry:
        raise LoggedOtherwise(
            pgettext(
                "staff",
                "This form was logged already, with other words; what you typed now is still here. If it is about "
                "another contact, please save again. If not, please change what was logged.",
            )
        )
    return already


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
