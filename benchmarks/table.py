"""The table of results."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A result. `reached` is None if there is no target; `values` are the raw numbers."""

    what: str
    reach: str
    measured: str
    reached: bool | None
    values: dict = field(default_factory=dict)


def format_table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned Markdown table."""
    lines = [("what", "reach", "measured", "reached")]
    lines += [(row.what, row.reach, row.measured, {True: "yes", False: "NO", None: "–"}[row.reached]) for row in rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(4)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def write_json(rows: Iterable[Row], file: Path, **facts) -> None:
    """Write the rows as JSON, with facts about the run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**facts, "rows": [asdict(row) for row in rows]}, ensure_ascii=False, indent=2)
    file.write_text(text + "\n", "utf-8")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)
