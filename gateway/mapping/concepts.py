"""Concept tables: what senders write -> our code. Dated, compiled once; an unlisted label is an error, never a default.

A table is `mappings/concepts/<name>.csv` with the columns `from,to,valid_from,valid_to,mark,note`; a partner may lay
rows over it in `mappings/partners/<partner>/concepts/<name>.csv`. Labels are compared without regard to case, white
space and final punctuation. Several codes in one `to` are separated by a space.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.domain.identifiers import Unreadable
from gateway.errors import BadTable

COLUMNS = ("from", "to", "valid_from", "valid_to", "mark", "note")
MARKS = ("S", "R", "D")
"""Sourced, recalled (confirm with the plan), designed by us."""


@dataclass(frozen=True, slots=True)
class Row:
    """One label and its code, within its dates (None: always)."""

    label: str
    code: str
    valid_from: date | None
    valid_to: date | None
    mark: str
    place: str
    """File and row, for messages."""

    def valid(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


def folded(label: str) -> str:
    """A label as it is compared."""
    return " ".join(label.split()).strip(" .;:,*").casefold()


@dataclass(frozen=True, slots=True)
class Concept:
    """A compiled table. `codes` are all codes it can give."""

    name: str
    rows: Mapping[str, tuple[Row, ...]]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(row.code for rows in self.rows.values() for row in rows)

    def code(self, label: str, *, on: date) -> str:
        """The code of `label` on a day; Unreadable when there is none."""
        rows = self.rows.get(folded(label), ())
        for row in rows:
            if row.valid(on):
                return row.code
        if rows:
            raise Unreadable(
                f"concept-{self.name}", f"has a label that the {self.name} table no longer or not yet knows"
            )
        raise Unreadable(f"concept-{self.name}", f"has a label that is not in the {self.name} table")

    def knows(self, label: str) -> bool:
        return folded(label) in self.rows

    def overlaid(self, other: Concept) -> Concept:
        """This table with another's rows before its own."""
        rows = {label: (*other.rows.get(label, ()), *self.rows.get(label, ())) for label in {*self.rows, *other.rows}}
        return Concept(self.name, rows)


def load(folder: Path) -> dict[str, Concept]:
    """Every `*.csv` of a folder by its name, or BadTable with file and row. A folder that is not there is empty."""
    return {path.stem: _compiled(path) for path in sorted(folder.glob("*.csv"))}


def overlaid(concepts: Mapping[str, Concept], own: Mapping[str, Concept]) -> dict[str, Concept]:
    """A partner's view: its own rows before the shared ones."""
    merged = dict(concepts)
    for name, table in own.items():
        merged[name] = concepts[name].overlaid(table) if name in concepts else table
    return merged


def read_rows(path: Path, columns: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of one of our own tables with their row numbers (the header is row 1); BadTable if its shape is wrong.

    Empty rows are passed over, and comments: rows whose first cell is `#` or starts with `# `.
    """
    expected = list(columns)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{path.name}: cannot be read as CSV in UTF-8 ({type(error).__name__})") from error
    if not lines or lines[0] != expected:
        raise BadTable(f"{path.name} row 1: the header must be {','.join(expected)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells) or cells[0] == "#" or cells[0].startswith("# "):
            continue
        if len(cells) != len(expected):
            raise BadTable(f"{path.name} row {number}: {len(cells)} cells where the header has {len(expected)}")
        rows.append((number, dict(zip(expected, (cell.strip() for cell in cells), strict=True))))
    return rows


def day(cell: str, place: str) -> date | None:
    """An ISO date cell of our own tables; empty is None."""
    try:
        return date.fromisoformat(cell) if cell else None
    except ValueError:
        raise BadTable(f"{place}: a date is written YYYY-MM-DD") from None


def _compiled(path: Path) -> Concept:
    rows: dict[str, list[Row]] = {}
    for number, cells in read_rows(path, COLUMNS):
        place = f"{path.name} row {number}"
        if not cells["from"] or not cells["to"]:
            raise BadTable(f"{place}: from and to must both be filled")
        if cells["mark"] not in MARKS:
            raise BadTable(f"{place}: mark must be one of {', '.join(MARKS)}")
        row = Row(
            label=cells["from"],
            code=cells["to"],
            valid_from=day(cells["valid_from"], place),
            valid_to=day(cells["valid_to"], place),
            mark=cells["mark"],
            place=place,
        )
        same = rows.setdefault(folded(row.label), [])
        if any(_overlap(row, other) for other in same):
            raise BadTable(f"{place}: this label is already in the table for the same time")
        same.append(row)
    if not rows:
        raise BadTable(f"{path.name}: the table has no rows")
    return Concept(path.stem, {label: tuple(found) for label, found in rows.items()})


def _overlap(one: Row, other: Row) -> bool:
    starts, ends = date.min, date.max
    return (one.valid_from or starts) <= (other.valid_to or ends) and (other.valid_from or starts) <= (
        one.valid_to or ends
    )
