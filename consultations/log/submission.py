"""Submit the logging form: log the consultation, register its client and send an article, all or nothing."""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils.translation import pgettext

from consultations.log.actions import LogEntry, entry_of, write_consultation
from consultations.log.articles import ArticleDelivery, send_article
from consultations.records.clients import identify_client
from consultations.records.models import Case, Client, Consultation, ConsultationDraft
from services.accounts.models import User
from services.audit.decryption import decrypt_with_audit
from services.base.public_ids import public_id
from services.base.refusals import Refused


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person who chose to be known to the desk, and their safe contact methods."""

    name: str = ""
    contact: str = ""
    safe_channels: tuple[str, ...] = ()


class AlreadyLoggedDifferently(Refused):
    """The form has already been logged, with other details."""


def log_once(
    entry: LogEntry,
    *,
    by: User,
    key: str,
    client: Client | None = None,
    person: NamedPerson | None = None,
    case: Case | None = None,
    sending: ArticleDelivery | None = None,
) -> Consultation:
    """Log the form with this key exactly once, even if it is submitted twice at the same moment.

    Raises `AlreadyLoggedDifferently` if it was logged with other details, which would otherwise be lost. Raises
    `Refused` as `write_consultation` and `send_article` do. A key that belongs to a record unknown to the user behaves
    like any new key.

    client: a known client. person: someone to register as a client now.
    """
    try:
        return _log(entry, by, key, client, person, case, sending)
    except (IntegrityError, Refused) as failure:  # submitting twice is rare, so look for it only after a failure
        if existing := Consultation.objects.logged_by(by, key).first():
            return _return_if_same(existing, entry, by)
        if isinstance(failure, Refused):
            raise
    try:
        return _log_under_new_key(entry, by, key, client, person, case, sending)
    except IntegrityError:
        raise Refused(pgettext("staff", "This form can no longer be used. Start a new one.")) from None


def _return_if_same(existing: Consultation, entry: LogEntry, by: User) -> Consultation:
    """Return the logged consultation if it equals the entry, apart from the minutes: the timer has kept running."""
    note = decrypt_with_audit(by, "consultations.open", existing, "note")["note"]
    if replace(entry_of(existing, note=note), minutes=entry.minutes) != entry:
        raise AlreadyLoggedDifferently(
            pgettext(
                "staff",
                "This form has already been logged with different details. What you have just entered is still here. "
                "If it is about a different consultation, save it again. If not, change the consultation that was "
                "logged.",
            )
        )
    return existing


@transaction.atomic
def _log_under_new_key(entry, by, key, *more) -> Consultation:
    consultation = _log(entry, by, public_id(), *more)
    ConsultationDraft.objects.filter(public_id=key, adviser=by).delete()
    return consultation


@transaction.atomic
def _log(entry, by, key, client, person, case, sending) -> Consultation:
    if person:
        safe = list(person.safe_channels)
        client = identify_client(
            by=by, name=person.name, contact=person.contact, language=entry.language, safe_channels=safe
        )
    consultation = write_consultation(entry, by=by, client=client, case=case, draft=key)
    if sending:
        send_article(consultation, sending, by=by)
    return consultation
