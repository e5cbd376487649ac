"""State transitions: the only way to change a row's state."""

from django.db import models


class InvalidTransition(ValueError):
    """Raised for a transition that the model does not allow: a programming error, never the user's."""


def transition(row: models.Model, state: str) -> None:
    """Set `row.state`, without saving. Raise `InvalidTransition` unless the model's TRANSITIONS allow it."""
    if state not in row.TRANSITIONS[row.state]:
        raise InvalidTransition(f"{type(row).__name__} may not go from {row.state} to {state}.")
    row.state = state
