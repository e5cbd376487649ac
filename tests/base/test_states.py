"""The one way to change a state: every pair of states of every model that has TRANSITIONS."""

import pytest
from django.apps import apps

from consultations.models import Case, FollowUp, Referral
from services.base.states import InvalidTransition, transition
from services.messaging.models import Message
from services.notices.models import Notice, Subscription
from services.registration.models import Registration

MODELS = [model for model in apps.get_models() if hasattr(model, "TRANSITIONS")]
PAIRS = [
    (model, before, after)
    for model in MODELS
    for before, _label in model._meta.get_field("state").choices
    for after, _label in model._meta.get_field("state").choices
]
# Repeated here on purpose, so that nobody changes a table unknowingly.
ALLOWED = {
    Message: {
        "waiting": "sending held withdrawn",
        "held": "waiting withdrawn",
        "sending": "sent waiting held unclear failed withdrawn",
        "sent": "bounced",
        "bounced": "waiting sent",
        "unclear": "waiting sent",
        "failed": "waiting sent",
        "withdrawn": "",
    },
    Notice: {
        "draft": "pending cancelled",
        "pending": "draft approved cancelled",
        "approved": "draft sending cancelled",
        "sending": "paused done cancelled",
        "paused": "sending cancelled",
        "done": "sending cancelled",
        "cancelled": "",
    },
    Registration: {
        "applied": "placed waiting not_drawn cancelled",
        "waiting": "offered placed cancelled",
        "offered": "placed waiting declined expired cancelled",
        "placed": "cancelled",
        "cancelled": "",
        "declined": "",
        "expired": "",
        "not_drawn": "",
    },
    Case: {"open": "closed merged", "closed": "open", "merged": "open"},
    FollowUp: {"due": "attempted done", "attempted": "done decided", "done": "", "decided": ""},
    Referral: {
        "draft": "consent_pending revoked",
        "consent_pending": "draft sent revoked",
        "sent": "accepted rejected no_reply revoked",
        "no_reply": "accepted rejected revoked",
        "accepted": "done revoked",
        "rejected": "done revoked",
        "done": "",
        "revoked": "",
    },
    Subscription: {"pending": "active", "active": "unsubscribed", "unsubscribed": ""},
}


def test_models_with_states_are_known():
    assert set(MODELS) == set(ALLOWED)
    assert len(PAIRS) == sum(len(states) ** 2 for states in ALLOWED.values())


@pytest.mark.parametrize("model", MODELS)
def test_moves_are_these(model):
    moves = {str(before): {str(after) for after in targets} for before, targets in model.TRANSITIONS.items()}
    assert moves == {before: set(targets.split()) for before, targets in ALLOWED[model].items()}
    assert set(moves) == {value for value, _label in model._meta.get_field("state").choices}


@pytest.mark.parametrize(("model", "before", "after"), PAIRS)
def test_move_allows_what_moves_say_and_refuses_the_rest(model, before, after):
    row = model(state=before)
    if after in ALLOWED[model][before].split():
        transition(row, after)
        assert row.state == after
    else:
        with pytest.raises(InvalidTransition):
            transition(row, after)
        assert row.state == before
