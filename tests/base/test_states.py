"""One way to change a state: every pair of states of every model that has MOVES."""

import pytest
from django.apps import apps

from services.base.states import WrongMove, move
from services.notices.models import Message, MessageState

MODELS = [model for model in apps.get_models() if hasattr(model, "MOVES")]
PAIRS = [
    (model, before, after)
    for model in MODELS
    for before in model._meta.get_field("state").choices
    for after in model._meta.get_field("state").choices
]


def test_models_with_states_are_known():
    assert [Message] == MODELS


@pytest.mark.parametrize("model", MODELS)
def test_moves_name_every_state_of_the_model(model):
    states = {value for value, _label in model._meta.get_field("state").choices}
    assert {str(state) for state in model.MOVES} == states
    assert {str(state) for targets in model.MOVES.values() for state in targets} <= states


@pytest.mark.parametrize(("model", "before", "after"), PAIRS)
def test_move_allows_what_moves_say_and_refuses_the_rest(model, before, after):
    row = model(state=before[0])
    if after[0] in model.MOVES[before[0]]:
        move(row, after[0])
        assert row.state == after[0]
    else:
        with pytest.raises(WrongMove):
            move(row, after[0])
        assert row.state == before[0]


def test_notice_moves_are_these():
    """Written a second time on purpose: a changed table must be changed knowingly."""
    allowed = {(str(before), str(after)) for before, targets in Message.MOVES.items() for after in targets}
    assert allowed == {
        ("waiting", "sending"),
        ("sending", "sent"),
        ("sending", "waiting"),
        ("sending", "unclear"),
        ("sending", "failed"),
        ("failed", "waiting"),
    }
    assert len(MessageState.values) ** 2 == 25
