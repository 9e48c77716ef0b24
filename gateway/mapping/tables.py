"""Column tables: one partner's columns -> domain fields, described by a CSV and compiled once.

A table has the columns `to,from,required,via,concept,default,note`. `from` is the column's header, other spellings of
it separated by `|`; `to` is a path (see `paths`) or `-` for a column that is known and deliberately not carried;
`required` is `yes` (every row must fill it), `column` (the column must be there) or empty; `via` names a function of
`transforms`; `concept` a concept table; `default` stands where the cell is empty or there is no column.
A fault in a table is BadTable, which names file and row: the process does not start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BadTable
from gateway.mapping import concepts as concept_tables
from gateway.mapping import paths
from gateway.mapping.concepts import Concept
from gateway.mapping.paths import Target
from gateway.mapping.transforms import TRANSFORMS, Transform

COLUMNS = ("to", "from", "required", "via", "concept", "default", "note")
REQUIRED = ("", "yes", "column")
NOT_CARRIED = "-"


def folded(header: str) -> str:
    """A header as it is compared: case, white space and a byte order mark do not count."""
    return re.sub(r"\s+", " ", header.replace("\u00a0", " ").replace("\ufeff", "")).strip().casefold()


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled table row. `target` None: the column is not carried. `place` is file and row."""

    to: str
    column: str
    aliases: tuple[str, ...]
    required: str
    target: Target | None
    via: Transform | None
    concept: Concept | None
    default: str
    note: str
    place: str


@dataclass(frozen=True, slots=True)
class Table:
    """A compiled table: its rules in order, and folded header -> rule."""

    name: str
    rules: tuple[Rule, ...]
    by_header: Mapping[str, Rule]
    version: str

    def columns_of(self, path: str) -> tuple[str, ...]:
        """The columns that fill a domain path or something below it, or that a path lies below."""
        bare = re.sub(r"\[[^\]]*\]", "", path)
        found = []
        for rule in self.rules:
            to = re.sub(r"\[[^\]]*\]", "", rule.to)
            if rule.target and rule.column and (to == bare or to.startswith(f"{bare}.") or bare.startswith(f"{to}.")):
                found.append(rule.column)
        return tuple(found)


def compiled(path: Path, root: type, concepts: Mapping[str, Concept], *, version: str) -> Table:
    """The table in a file for records of type `root`, or BadTable with every row that is wrong."""
    rules: list[Rule] = []
    faults: list[str] = []
    for number, cells in concept_tables.read_rows(path, COLUMNS):
        place = f"{path.parent.name}/{path.name} row {number}"
        try:
            rules.append(_rule(cells, root, concepts, place))
        except ValueError as fault:
            faults.append(f"{place}: {fault}")
    by_header: dict[str, Rule] = {}
    for rule in rules:
        for alias in filter(None, (rule.column, *rule.aliases)):
            other = by_header.get(folded(alias), rule)
            if other is not rule and (other.column != rule.column or NOT_CARRIED in (other.to, rule.to)):
                faults.append(f"{rule.place}: another row already takes this column")
            by_header[folded(alias)] = rule
    faults += _twice(rules)
    if not rules:
        faults.append(f"{path.parent.name}/{path.name}: the table has no rows")
    if faults:
        raise BadTable("; ".join(faults))
    return Table(path.stem, tuple(rules), by_header, version)


def _rule(cells: Mapping[str, str], root: type, concepts: Mapping[str, Concept], place: str) -> Rule:
    column, *aliases = [name.strip() for name in cells["from"].split("|")]
    if cells["required"] not in REQUIRED:
        raise ValueError("`required` must be yes, column or empty")
    if not cells["to"]:
        raise ValueError("`to` is empty: write a path, or - for a column that is not carried")
    if not column and not cells["default"]:
        raise ValueError("`from` and `default` are both empty")
    if cells["via"] and cells["via"] not in TRANSFORMS:
        raise ValueError(f"`via` must be one of {', '.join(sorted(TRANSFORMS))}")
    if cells["concept"] and cells["concept"] not in concepts:
        raise ValueError(f"there is no concept table `{cells['concept']}`")
    target = None
    if cells["to"] != NOT_CARRIED:
        try:
            target = paths.compiled(cells["to"], root)
        except ValueError as fault:
            raise ValueError(f"`to` {fault}") from None
        _check(cells, target, concepts)
    elif not column or cells["via"] or cells["concept"] or cells["default"] or cells["required"] == "yes":
        raise ValueError("a column that is not carried has only `from` and a note")
    return Rule(
        to=cells["to"],
        column=column,
        aliases=tuple(aliases),
        required=cells["required"],
        target=target,
        via=TRANSFORMS[cells["via"]] if cells["via"] else None,
        concept=concepts[cells["concept"]] if cells["concept"] else None,
        default=cells["default"],
        note=cells["note"],
        place=place,
    )


def _check(cells: Mapping[str, str], target: Target, concepts: Mapping[str, Concept]) -> None:
    if target.is_yes_no and cells["concept"] not in concepts:
        raise ValueError("a yes/no field needs a concept table (yes-no)")
    if target.put in ("set", "add") and not target.is_leaf and not cells["via"]:
        raise ValueError("`to` leads to a record of several fields: name one of them, or a `via` that makes the record")
    if cells["default"] and cells["concept"] and not concepts[cells["concept"]].knows(cells["default"]):
        raise ValueError("`default` is not in the concept table")
    if target.put == "answer" and target.key and target.key in concepts and not concepts[target.key].knows(target.code):
        raise ValueError(f"there is no {target.key} of the name in brackets")


def _twice(rules: list[Rule]) -> Iterator[str]:
    seen: set[str] = set()
    for rule in rules:
        if rule.target and rule.target.put != "add" and rule.to in seen:
            yield f"{rule.place}: another row already fills `{rule.to}`"
        seen.add(rule.to)
