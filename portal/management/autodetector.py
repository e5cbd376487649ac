"""Keep labels, help texts and choices out of migrations.

They do not change the database, and otherwise every improved text would need a migration.
"""

from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState

TEXT_OPTIONS_OF_FIELDS = {"choices": None, "verbose_name": None, "help_text": ""}
TEXT_OPTIONS_OF_MODELS = ("verbose_name", "verbose_name_plural")


class TablesOnlyAutodetector(MigrationAutodetector):
    """Compare models with migrations, ignoring all text."""

    def __init__(self, from_state: ProjectState, to_state: ProjectState, questioner=None):
        super().__init__(_without_text(from_state), _without_text(to_state), questioner)


def _without_text(state: ProjectState) -> ProjectState:
    state = state.clone()
    for model in state.models.values():
        model.options = {name: value for name, value in model.options.items() if name not in TEXT_OPTIONS_OF_MODELS}
        model.fields = {name: _field_without_text(field) for name, field in model.fields.items()}
    return state


def _field_without_text(field):
    field = field.clone()
    for name, value in TEXT_OPTIONS_OF_FIELDS.items():
        setattr(field, name, value)
    field._verbose_name = None
    return field
