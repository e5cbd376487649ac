"""The verbs of a referral: draft, ask for consent, send, answer, take back."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations import taxonomy
from consultations.actions.compartments import lock_case, write_event
from consultations.consent import consent_text, seal_of
from consultations.models import Agreed, Case, EventKind, Referral, ReferralState
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move

ANSWERS = (ReferralState.ACCEPTED, ReferralState.REJECTED, ReferralState.NO_REPLY, ReferralState.DONE)


@transaction.atomic
def draft_referral(case: Case, *, by: User, body: str, what: str, why: str, written_in: str) -> Referral:
    """Write down what a body is to be told, and why."""
    case = lock_case(case, by=by)
    if body not in taxonomy.bodies():
        raise Refused(pgettext("staff", "Please choose where the person is referred to."))
    referral = Referral.objects.create(case=case, by=by, body=body, what=what, why=why, written_in=written_in)
    record(by, "consultations.draft_referral", referral, changes=False)
    return referral


@transaction.atomic
def change_referral(referral: Referral, *, by: User, body: str, what: str, why: str, written_in: str) -> Referral:
    """Word it anew. Refused once consent was asked for: somebody may be reading it."""
    referral = _lock(referral, by)
    if referral.state != ReferralState.DRAFT:
        raise Refused(pgettext("staff", "These words stand still: consent was asked for them. Take them back first."))
    referral.body, referral.what, referral.why, referral.written_in = body, what, why, written_in
    referral.save()
    record(by, "consultations.change_referral", referral, fields=["body", "what", "why"], changes=False)
    return referral


@transaction.atomic
def ask_consent(referral: Referral, *, by: User) -> Referral:
    """Let the words stand still, to be shown to the person."""
    return _go(_lock(referral, by), ReferralState.CONSENT_PENDING, by)


@transaction.atomic
def word_anew(referral: Referral, *, by: User) -> Referral:
    """Take the words back before anybody has agreed to them."""
    return _go(_lock(referral, by), ReferralState.DRAFT, by)


@transaction.atomic
def send(referral: Referral, *, by: User, language: str, agreed: str, shown: str) -> Referral:
    """Record that the person has agreed, with the very text in the language they read, and that the body was told.

    shown: the mark of the text on the screen (`consent.seal_of`). Refused without it, or if the text is another by now.
    """
    referral = _lock(referral, by)
    if referral.state != ReferralState.CONSENT_PENDING:
        raise Refused(pgettext("staff", "Nothing is told without the person's consent. Ask for it first."))
    if agreed not in Agreed.values or language not in {offered.code for offered in settings.CITY.offered()}:
        raise Refused(pgettext("staff", "Please say how the person agreed, and in which language."))
    words = open_sealed(by, "consultations.open_referral", referral, "what", "why")
    text = consent_text(referral.body, words["what"], words["why"], language)
    if shown != seal_of(text):
        raise Refused(pgettext("staff", "The person was not shown these words in this language. Please show them."))
    referral.consent, referral.consent_language, referral.agreed = text, language, agreed
    referral.consented_at, referral.recorded_by = timezone.now(), by
    write_event(referral.case, EventKind.REFERRED, by=by)
    return _go(referral, ReferralState.SENT, by)


@transaction.atomic
def answer(referral: Referral, *, by: User, state: str) -> Referral:
    """Note what the body answered, that it did not, or that all is done."""
    if state not in ANSWERS:
        raise Refused(pgettext("staff", "Please choose what the answer was."))
    referral = _lock(referral, by)
    referral.answered_at = timezone.now()
    return _go(referral, ReferralState(state), by)


@transaction.atomic
def revoke(referral: Referral, *, by: User) -> str:
    """Note that the person takes it back: nothing more is told. Returns what was told already; empty if nothing was."""
    referral = _lock(referral, by)
    referral.revoked_at = timezone.now()
    _go(referral, ReferralState.REVOKED, by)
    return open_sealed(by, "consultations.open_referral", referral, "what")["what"] if referral.was_shared else ""


def _go(referral: Referral, state: ReferralState, by: User) -> Referral:
    if state not in referral.MOVES[referral.state]:
        raise Refused(pgettext("staff", "This referral has gone another way meanwhile."))
    move(referral, state)
    referral.save()
    record(by, f"consultations.referral_{state}", referral, fields=["state"], changes=False)
    return referral


def _lock(referral: Referral, by: User) -> Referral:
    case = lock_case(referral.case, by=by)
    referral = Referral.objects.select_for_update().get(pk=referral.pk)
    if referral.case_id != case.pk:
        raise Refused(pgettext("staff", "This was moved to another case meanwhile."))
    referral.case = case
    return referral
