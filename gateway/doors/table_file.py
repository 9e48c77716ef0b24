"""A partner's delimited file -> a Reading per row: bad rows are refused by row and column, good rows go on."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, TypeVar

from gateway.domain.rules import Finding
from gateway.doors import dialect
from gateway.doors.dialect import Record
from gateway.doors.reading import Reading
from gateway.errors import Issue, Malformed, TooLarge, Unmappable
from gateway.mapping import rows
from gateway.mapping.leaves import Surroundings
from gateway.mapping.partners import Layout, header_of
from gateway.mapping.rows import Row
from gateway.mapping.tables import folded

T = TypeVar("T")

_AS_TEXT = re.compile(r'\s*="([^"]*)"\s*')
"""How spreadsheets keep leading zeros in CSV: `="00123"` is the text between the quotes."""
_NEUTRALISED = re.compile(r"'(?=[=+\-@\t\r])")


@dataclass(frozen=True, slots=True)
class FileReading(Generic[T]):
    """A whole file: a Reading per row that has any cell, in order, and what was found about the file itself."""

    rows: tuple[Reading[T], ...]
    issues: tuple[Issue, ...]

    @property
    def accepted(self) -> tuple[Reading[T], ...]:
        return tuple(row for row in self.rows if row.value is not None)

    @property
    def refused(self) -> tuple[Reading[T], ...]:
        return tuple(row for row in self.rows if row.value is None)


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of one file: per position the table's column (None: unknown), and what follows from it."""

    columns: tuple[str | None, ...]
    unnamed: tuple[int, ...]
    """Positions, from 1, of columns without a header."""
    positions: Mapping[str, int]
    carried: frozenset[str]

    @classmethod
    def of(cls, record: Record, layout: Layout) -> _Header:
        columns = tuple(header_of(layout, cell) for cell in record.cells)
        fields = {rule.column for rule in layout.table.rules if rule.target is not None}
        positions = {name: at for at, name in enumerate(columns, start=1) if name}
        unnamed = tuple(at for at, cell in enumerate(record.cells, start=1) if not folded(cell))
        return cls(columns, unnamed, positions, frozenset({*layout.key, *fields}))


@dataclass(frozen=True, slots=True)
class TableReader(Generic[T]):
    """Reads the files of one layout into records of type `root`."""

    layout: Layout
    root: type[T]
    rules: Callable[[T, date], Iterable[Finding]]

    def read(self, data: bytes, *, today: date) -> FileReading[T]:
        """Malformed when the bytes are no table in the partner's encoding; Unmappable when its columns do not fit."""
        content = dialect.text(data, encoding=self.layout.encoding)
        found = dialect.records(content, delimiter=self.layout.delimiter, quote=self.layout.quote)
        first = next(found, None)
        if first is None or first.empty or first.fault:
            raise Malformed(issues=[Issue("fatal", "structure", "The file has no header row.", rule="csv-header")])
        body = list(found)
        if len(body) > self.layout.max_rows:
            raise TooLarge(f"The file has more than {self.layout.max_rows} rows.")
        filled = [record for record in body if not record.empty]
        header, issues = self._header(first, filled)
        if len(filled) < len(body):
            issues.append(
                _about("information", "csv-empty-rows", f"{len(body) - len(filled)} empty rows were passed over.")
            )
        if not filled:
            issues.append(_about("warning", "csv-no-rows", "The file has a header and no rows."))
        around = Surroundings(today, self.layout.concepts)
        last = filled[-1].number if filled else 0
        read = [self._row(record, header, around, last=record.number == last) for record in filled]
        return FileReading(tuple(_settled(read, self.layout)), tuple(issues))

    def _header(self, record: Record, filled: list[Record]) -> tuple[_Header, list[Issue]]:
        header = _Header.of(record, self.layout)
        if not header.positions:
            message = (
                "The first row holds no column of this layout: the header is missing, or the delimiter is another."
            )
            raise Unmappable(issues=[Issue("error", "structure", message, rule="csv-header", line=1)])
        problems = [*_unnamed_columns(header, filled, self.layout), *_column_problems(header, self.layout)]
        if any(problem.is_error for problem in problems):
            raise Unmappable(issues=problems)
        return header, problems

    def _row(self, record: Record, header: _Header, around: Surroundings, *, last: bool) -> tuple[Reading[T], Any]:
        row = Row(record.number, self._cells(record, header), header.positions, line=record.line)
        for rule, message in self._shape(record, header, last=last):
            row.note(Finding("error", "", rule, message, "structure"), "")
        value = None
        if not row.issues:
            key = self._key(row)
            value = rows.read(row, self.layout.table, self.root, around=around, rules=self.rules, more={"key": key})
        reading = Reading(
            number=record.number,
            value=None if any(issue.is_error for issue in row.issues) else value,
            issues=tuple(row.issues),
            not_carried=tuple(self._not_carried(record, header)),
            source_hash=hashlib.sha256(record.raw.rstrip("\r\n").encode()).hexdigest(),
            mapping=self.layout.mapping,
            columns=row.columns,
        )
        return reading, value

    def _cells(self, record: Record, header: _Header) -> dict[str, str]:
        return {name: self._plain(cell) for name, cell in zip(header.columns, record.cells, strict=False) if name}

    def _plain(self, cell: str) -> str:
        """A cell without what a spreadsheet wrote around its text."""
        if held := _AS_TEXT.fullmatch(cell):
            return held[1]
        if self.layout.neutralised_formulas and cell[:1] == "'":
            return _NEUTRALISED.sub("", cell, count=1)
        return cell

    def _shape(self, record: Record, header: _Header, *, last: bool) -> Iterator[tuple[str, str]]:
        if record.fault:
            yield record.fault
        elif len(record.cells) != len(header.columns):
            cut = " (the file may have been cut)" if last and not record.ended else ""
            rule = "csv-cut" if cut else "csv-cells"
            yield rule, f"has {len(record.cells)} cells where the header has {len(header.columns)}{cut}"
        elif last and not record.ended and self.layout.unterminated == "refuse":
            yield "csv-cut", "is the last and has no line end: the file may have been cut; send it whole"
        elif any(len(cell) > self.layout.max_cell for cell in record.cells):
            yield "csv-cell-size", f"has a cell of more than {self.layout.max_cell} characters"

    def _key(self, row: Row) -> dict[str, str]:
        parts = [row.cells.get(name, "").strip() for name in self.layout.key]
        if len(parts) == 1:
            if not parts[0]:
                row.note(
                    Finding("error", "key", "required", "is required: it names the record", "required"),
                    self.layout.key[0],
                )
            return {"source": self.layout.source, "id": parts[0] or "missing"}
        folded = "\x1f".join(" ".join(part.casefold().split()) for part in parts)
        return {"source": self.layout.source, "id": "row-" + hashlib.sha256(folded.encode()).hexdigest()[:32]}

    def _not_carried(self, record: Record, header: _Header) -> Iterator[str]:
        for at, (name, cell) in enumerate(zip(header.columns, record.cells, strict=False), start=1):
            if cell.strip() and (name is None or name not in header.carried):
                yield name or f"column {at}"


def _unnamed_columns(header: _Header, filled: list[Record], layout: Layout) -> Iterator[Issue]:
    """A column without a header matters only if a row holds something in it."""
    for at in header.unnamed:
        row = next((one.number for one in filled if "".join(one.cells[at - 1 : at]).strip()), None)
        if row is not None:
            refuse = layout.unknown_columns == "refuse"
            said = "name it or empty it" if refuse else "its cells are listed as not carried"
            message = f"Column {at} has no header, and row {row} holds something in it: {said}."
            yield _about("error" if refuse else "warning", "column-unnamed", message, column=at)


def _column_problems(header: _Header, layout: Layout) -> Iterator[Issue]:
    unknown = [at for at, name in enumerate(header.columns, start=1) if name is None and at not in header.unnamed]
    for at in unknown:
        refuse = layout.unknown_columns == "refuse"
        said = "add it to the table (with `-` if it is not wanted)" if refuse else "its cells are listed as not carried"
        message = f"Column {at} is not in this partner's table: {said}."
        severity = "error" if refuse else "warning"
        yield _about(severity, "column-unknown", message, column=at)
    for name, times in Counter(name for name in header.columns if name).items():
        if times > 1:
            places = [at for at, other in enumerate(header.columns, start=1) if other == name]
            message = f"The column '{name}' is there {times} times (columns {', '.join(map(str, places))})."
            yield _about("error", "column-twice", message, column=places[1])
    absent = [rule for rule in layout.table.rules if rule.column and rule.column not in header.positions]
    needed = {rule.column for rule in absent if rule.required or rule.column in layout.key}
    for column in dict.fromkeys(rule.column for rule in absent):
        if column in needed:
            yield _about("error", "column-missing", f"The column '{column}' is missing.")
        elif any(rule.target is not None for rule in absent if rule.column == column):
            yield _about("information", "column-absent", f"The column '{column}' is not in the file.")


def _about(severity: Any, rule: str, message: str, *, column: int | None = None) -> Issue:
    return Issue(severity, "structure", message, rule=rule, line=1 if column else None, column=column)


def _settled(read: list[tuple[Reading[T], Any]], layout: Layout) -> Iterator[Reading[T]]:
    """The readings once rows are compared with each other: one CIN is one member, one key is one record."""
    people: dict[str, set[tuple[str, str, date]]] = {}
    holders: dict[str, list[int]] = {}
    for reading, value in read:
        if (who := _who(value)) is not None:
            people.setdefault(who[0], set()).add(who[1:])
            holders.setdefault(who[0], []).append(reading.number)
    keys: dict[Any, Reading[T]] = {}
    for reading, value in read:
        who = _who(value)
        if who is not None and len(people[who[0]]) > 1:
            others = ", ".join([str(number) for number in holders[who[0]][:6] if number != reading.number][:5])
            reading = _refused(
                reading, "cin-two-members", f"has the CIN of row {others} with another name or birth date"
            )
        if value is not None:
            earlier = keys.setdefault(value.key, reading)
            if earlier is not reading and reading.value is not None:
                reading = _repeated(reading, earlier, layout)
        yield reading


def _who(value: Any) -> tuple[str, str, str, date] | None:
    member = getattr(value, "member", None)  # news of a referral names no member
    if member is None or not (member.cin and member.birth_date and member.name.first and member.name.last):
        return None
    return member.cin, member.name.last.casefold(), member.name.first.casefold(), member.birth_date


def _repeated(reading: Reading[T], earlier: Reading[T], layout: Layout) -> Reading[T]:
    if earlier.source_hash == reading.source_hash:
        message = f"Row {reading.number} is the same as row {earlier.number}: one record is made of both."
        issue = Issue("warning", "duplicate", message, expression=f"row {reading.number}", rule="row-repeated")
        return replace(reading, issues=(*reading.issues, issue))
    columns = ", ".join(f"'{name}'" for name in layout.key)
    return _refused(reading, "key-twice", f"has the key ({columns}) of row {earlier.number} and other content")


def _refused(reading: Reading[T], rule: str, sentence: str) -> Reading[T]:
    place = f"row {reading.number}"
    issue = Issue("error", "duplicate", f"Row {reading.number} {sentence}.", expression=place, rule=rule)
    return replace(reading, value=None, issues=(*reading.issues, issue))
