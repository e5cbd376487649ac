"""What has to be ready for the people of a registration: one dataclass for each programme, stored as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationNeeds:
    """Base class of a programme's needs, and the needs of a programme that has registered no class of its own.

    Each field of a subclass is one key of `Registration.needs`. A key that the class does not have, for example one
    from a later release, is kept in `unknown`: neither saving the row nor exporting it loses anything.
    """

    unknown: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """Read the needs from the JSON of a registration."""
        names = {column.name for column in fields(cls)} - {"unknown"}
        known = {name: value for name, value in stored.items() if name in names}
        return cls(**known, unknown={name: value for name, value in stored.items() if name not in names})

    def to_json(self) -> dict[str, object]:
        """Return the JSON to store, without empty values."""
        known = {column.name: getattr(self, column.name) for column in fields(self) if column.name != "unknown"}
        return {name: value for name, value in known.items() if value} | dict(self.unknown)

    def export(self) -> dict[str, str]:
        """Return everything stored, label → text in the active language; unknown keys and values as they are stored."""
        return self.export_known() | {name: str(value) for name, value in self.unknown.items()}

    def export_known(self) -> dict[str, str]:
        """Return label → text of the class's own fields. A value without a label of its own goes out as stored."""
        return {}
