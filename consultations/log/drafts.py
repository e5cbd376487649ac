"""Actions on drafts: save, decrypt, discard. Saving leaves no audit entry, because every pause in typing saves."""

import json
import re

from django.db import transaction
from django.utils.translation import pgettext

from consultations.records import taxonomy
from consultations.records.access import refuse_without_role
from consultations.records.models import Consultation, ConsultationDraft
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record

TOPIC_SEPARATORS = re.compile(r"[,;、，；\n]")
DRAFT_KEY = re.compile(r"[A-Za-z0-9_-]{22}")


@transaction.atomic
def save_draft(key: str, typed: dict[str, list[str]], *, by: User) -> ConsultationDraft:
    """Save what an adviser has typed so far, encrypted, under the key of its form.

    Raises `ConsultationDraft.DoesNotExist` if the key is malformed, someone else's, or that of a form already logged.
    """
    refuse_without_role(by, Role.ADVISER, pgettext("staff", "Only advisers can log consultations."))
    if not DRAFT_KEY.fullmatch(key) or Consultation.objects.logged_by(by, key).exists():
        raise ConsultationDraft.DoesNotExist
    content = {"typed": json.dumps(typed, ensure_ascii=False), "topic": _first_topic(typed)}
    draft, is_new = ConsultationDraft.objects.get_or_create(public_id=key, defaults={"adviser": by} | content)
    if draft.adviser_id != by.pk:
        raise ConsultationDraft.DoesNotExist
    if not is_new:
        draft.typed, draft.topic = content["typed"], content["topic"]
        draft.save(update_fields=["typed", "topic", "saved_at"])
    return draft


def _first_topic(typed: dict[str, list[str]]) -> str:
    """Return the code of the first topic typed or ticked; empty if there is none, or if it matches no topic."""
    parts = [part for text in typed.get("topics", ()) for part in TOPIC_SEPARATORS.split(text) if part.strip()]
    found = taxonomy.find(taxonomy.topics(), parts[0].strip()) if parts else None
    return found.code if found else ""


def decrypt_draft(draft: ConsultationDraft, *, by: User) -> dict[str, list[str]]:
    """Decrypt and return what was typed; leaves an audit entry."""
    return json.loads(decrypt_with_audit(by, "consultations.open_draft", draft, "typed")["typed"])


@transaction.atomic
def discard_draft(draft: ConsultationDraft, *, by: User) -> None:
    """Delete a draft."""
    record(by, "consultations.discard_draft", draft, changes=False)
    draft.delete()
