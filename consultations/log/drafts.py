"""The verbs of drafts: keep, open, discard. Keeping leaves no line in the trail: each pause in typing does it."""

import json
import re

from django.db import transaction
from django.utils.translation import pgettext

from consultations.models import Consultation, Draft
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.refusals import Refused

KEY = re.compile(r"[A-Za-z0-9_-]{22}")


@transaction.atomic
def keep_draft(key: str, typed: dict[str, list[str]], *, by: User) -> Draft:
    """Keep what an adviser has typed so far under the key of its form, sealed.

    Raises Draft.DoesNotExist for a key that is none, somebody else's, or that of a form logged meanwhile.
    """
    if not by.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only advisers log consultations."))
    if not KEY.fullmatch(key) or Consultation.objects.logged_by(by, key).exists():
        raise Draft.DoesNotExist
    text = json.dumps(typed, ensure_ascii=False)
    draft, is_new = Draft.objects.get_or_create(public_id=key, defaults={"adviser": by, "typed": text})
    if draft.adviser_id != by.pk:
        raise Draft.DoesNotExist
    if not is_new:
        draft.typed = text
        draft.save(update_fields=["typed", "saved_at"])
    return draft


def open_draft(draft: Draft, *, by: User) -> dict[str, list[str]]:
    """What was typed, with a line in the trail."""
    return json.loads(open_sealed(by, "consultations.open_draft", draft, "typed")["typed"])


@transaction.atomic
def discard_draft(draft: Draft, *, by: User) -> None:
    """Throw a draft away."""
    record(by, "consultations.discard_draft", draft, changes=False)
    draft.delete()
