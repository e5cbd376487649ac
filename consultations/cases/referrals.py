"""Actions on a referral: draft, request consent, send, record the reply, withdraw."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.cases.consent import consent_text, proof_of_shown_text
from consultations.records import taxonomy
from consultations.records.access import lock_case, write_event
from consultations.records.models import Case, ConsentMethod, EventKind, Referral, ReferralState
from services.accounts.models import User
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition

ANSWERS = (ReferralState.ACCEPTED, ReferralState.REJECTED, ReferralState.NO_REPLY, ReferralState.DONE)


@transaction.atomic
def draft_referral(case: Case, *, by: User, body: str, what: str, why: str, written_in: str) -> Referral:
    """Draft a referral: what an organisation will be told, and why."""
    case = lock_case(case, by=by)
    if body not in taxonomy.bodies():
        raise Refused(pgettext("staff", "Choose the organisation to refer the person to."))
    referral = Referral.objects.create(case=case, by=by, body=body, what=what, why=why, written_in=written_in)
    record(by, "consultations.draft_referral", referral, changes=False)
    return referral


@transaction.atomic
def change_referral(referral: Referral, *, by: User, body: str, what: str, why: str, written_in: str) -> Referral:
    """Change a draft. Raises `Refused` once consent was requested: the person may be reading the text."""
    referral = _lock_referral(referral, by)
    if referral.state != ReferralState.DRAFT:
        raise Refused(
            pgettext(
                "staff",
                "This text cannot be changed, because consent has been requested. Select “Reword the text” first.",
            )
        )
    referral.body, referral.what, referral.why, referral.written_in = body, what, why, written_in
    referral.save()
    record(by, "consultations.change_referral", referral, fields=["body", "what", "why"], changes=False)
    return referral


@transaction.atomic
def request_consent(referral: Referral, *, by: User) -> Referral:
    """Freeze the text, so that it can be shown to the person."""
    return _transition_referral(_lock_referral(referral, by), ReferralState.CONSENT_PENDING, by)


@transaction.atomic
def reword_referral(referral: Referral, *, by: User) -> Referral:
    """Return the referral to a draft, before the person has consented."""
    return _transition_referral(_lock_referral(referral, by), ReferralState.DRAFT, by)


@transaction.atomic
def mark_referral_sent(referral: Referral, *, by: User, language: str, agreed: str, shown: str) -> Referral:
    """Record the person's consent to the exact text in the language they read, and that it was sent.

    shown: the fingerprint of the text on the screen (`proof_of_shown_text`). Raises `Refused` if it does not match the
    current text.
    """
    referral = _lock_referral(referral, by)
    if referral.state != ReferralState.CONSENT_PENDING:
        raise Refused(pgettext("staff", "Nothing can be shared without the person's consent. Ask for it first."))
    if agreed not in ConsentMethod.values or language not in {offered.code for offered in settings.CITY.offered()}:
        raise Refused(pgettext("staff", "Choose how the person gave consent, and in which language."))
    words = decrypt_with_audit(by, "consultations.open_referral", referral, "what", "why")
    text = consent_text(referral.body, words["what"], words["why"], language)
    if shown != proof_of_shown_text(text):
        raise Refused(pgettext("staff", "The person has not seen this text in this language. Show it to them first."))
    referral.consent, referral.consent_language, referral.agreed = text, language, agreed
    referral.consented_at, referral.recorded_by = timezone.now(), by
    write_event(referral.case, EventKind.REFERRED, by=by)
    return _transition_referral(referral, ReferralState.SENT, by)


@transaction.atomic
def record_answer(referral: Referral, *, by: User, state: str) -> Referral:
    """Record the organisation's reply, that there was none, or that the referral is done."""
    if state not in ANSWERS:
        raise Refused(pgettext("staff", "Choose the organisation's reply."))
    referral = _lock_referral(referral, by)
    referral.answered_at = timezone.now()
    return _transition_referral(referral, ReferralState(state), by)


@transaction.atomic
def withdraw_referral(referral: Referral, *, by: User) -> str:
    """Withdraw a referral at the person's request. Return what has already been shared, or an empty string."""
    referral = _lock_referral(referral, by)
    referral.revoked_at = timezone.now()
    _transition_referral(referral, ReferralState.REVOKED, by)
    return (
        decrypt_with_audit(by, "consultations.open_referral", referral, "what")["what"] if referral.was_shared else ""
    )


def _transition_referral(referral: Referral, state: ReferralState, by: User) -> Referral:
    if state not in referral.TRANSITIONS[referral.state]:
        raise Refused(pgettext("staff", "This referral has since changed."))
    transition(referral, state)
    referral.save()
    record(by, f"consultations.referral_{state}", referral, fields=["state"], changes=False)
    return referral


def _lock_referral(referral: Referral, by: User) -> Referral:
    case = lock_case(referral.case, by=by)
    referral = Referral.objects.select_for_update().get(pk=referral.pk)
    if referral.case_id != case.pk:
        raise Refused(pgettext("staff", "This has since been moved to another case."))
    referral.case = case
    return referral
