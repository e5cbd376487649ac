"""The one way in which a row changes its state."""

from django.db import models


class WrongMove(ValueError):
    """A state may not follow another: a mistake in the program, never the reader's."""


def move(row: models.Model, state: str) -> None:
    """Set `row.state` if the model's MOVES allow it from where it stands. Does not save."""
    if state not in row.MOVES[row.state]:
        raise WrongMove(f"{type(row).__name__} may not go from {row.state} to {state}.")
    row.state = state
