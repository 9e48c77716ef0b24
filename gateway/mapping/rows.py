"""One row of a partner's file -> one domain record, by its table: every bad cell is listed at once, with its column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.domain.identifiers import Unreadable
from gateway.domain.rules import Finding
from gateway.errors import Issue
from gateway.mapping import cross_checks, structure
from gateway.mapping.leaves import Surroundings
from gateway.mapping.paths import Tree
from gateway.mapping.tables import Rule, Table

Rules = Callable[[Any, date], Iterable[Finding]]

_SPREADSHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|#{2,})")
"""What spreadsheets show instead of a value; a row of signs is a column that was too narrow."""


@dataclass(slots=True)
class Row:
    """A row while it is read. `cells` maps the table's own column names to text; `cell` count from 1 per column."""

    number: int
    cells: Mapping[str, str]
    positions: Mapping[str, int]
    line: int | None = None
    issues: list[Issue] = field(default_factory=list)
    columns: Mapping[str, str] = field(default_factory=dict)
    """Domain path -> column, once the row is read."""

    def note(self, finding: Finding, column: str) -> None:
        """Keep a finding as an Issue that names row and column, and never the cell."""
        place = f"row {self.number}, column '{column}'" if column else f"row {self.number}"
        subject = f"'{column}'" if column else f"The row ({finding.path or 'as a whole'})"
        self.issues.append(
            Issue(
                finding.severity,
                finding.code,
                f"Row {self.number}: {subject} {finding.message}.",
                expression=place,
                rule=finding.rule,
                line=self.line,
                column=self.positions.get(column),
            )
        )


def read(row: Row, table: Table, root: type, *, around: Surroundings, rules: Rules, more: Mapping[str, Any]) -> Any:
    """The record of a row, to be used only if `row.issues` has no error. `more` is laid under the cells (the key)."""
    tree = Tree()
    for rule in table.rules:
        if rule.target is not None:
            _cell(row, rule, tree, around)
    raw, columns = tree.finished()
    row.columns = columns
    record: Any
    record, findings = structure.build(root, {**more, **raw}, around)
    refused = {issue.expression for issue in row.issues if issue.is_error}
    findings = structure.with_rules(findings, rules(record, around.today))
    findings += cross_checks.found_in(record, around)
    for finding in findings:
        column = _column(finding.path, columns, table)
        place = f"row {row.number}, column '{column}'"
        if finding.code == "required" and column and place in refused:
            continue  # the cell was there and could not be read: said once is enough
        row.note(finding, column)
    return record


def _cell(row: Row, rule: Rule, tree: Tree, around: Surroundings) -> None:
    text = row.cells.get(rule.column, "").strip() or rule.default
    target = rule.target
    if not text or target is None:
        if rule.required == "yes":
            row.note(Finding("error", rule.to, "required", "is required and empty", "required"), rule.column)
        return
    try:
        raw = _read(text, rule, around)
    except Unreadable as why:
        code = "code-invalid" if why.rule.startswith("concept-") else "value"
        row.note(Finding("error", rule.to, why.rule, why.message, code), rule.column)
        return
    if raw is None:
        if rule.required == "yes":
            row.note(Finding("error", rule.to, "required", "is required and not known", "required"), rule.column)
    else:
        tree.put(target, raw, rule.column)


def _read(text: str, rule: Rule, around: Surroundings) -> Any:
    if _SPREADSHEET_ERROR.fullmatch(text):
        raise Unreadable("spreadsheet-error", "holds a spreadsheet's error value (such as #REF!) instead of data")
    if around.concepts["placeholder"].knows(text):
        raise Unreadable("placeholder", "still holds the report template's placeholder instead of data")
    known = rule.concept is not None and rule.concept.knows(text)
    if not known and _says_nothing(text, rule, around):
        return None
    whole = rule.via(text) if rule.via and not known else text
    pieces = whole if isinstance(whole, list) else [whole]
    if rule.concept is not None:
        pieces = [_coded(piece, rule, around) for piece in pieces]
    return pieces if isinstance(whole, list) or len(pieces) != 1 else pieces[0]


def _says_nothing(text: str, rule: Rule, around: Surroundings) -> bool:
    """Whether a cell only says that nothing is known; a word that may be a name says so everywhere but in names."""
    words = around.concepts["unknown-word"]
    if not words.knows(text):
        return False
    if rule.target is None or rule.concept:
        return True
    return not (
        rule.target.is_free_text
        or (rule.target.is_name and words.code(text, on=around.today) == "unknown-unless-a-name")
    )


def _coded(piece: Any, rule: Rule, around: Surroundings) -> Any:
    if rule.concept is None or not isinstance(piece, str):
        return piece
    code = rule.concept.code(piece, on=around.today)
    if rule.target and rule.target.is_yes_no and rule.target.put == "set":
        return {"yes": True, "no": False}.get(code)  # unknown stays unknown: None
    return code


def _column(path: str, columns: Mapping[str, str], table: Table) -> str:
    place = path
    while place:
        if place in columns:
            return columns[place]
        place = re.sub(r"(\.[^.\[]+|\[[^\]]*\])$", "", place) if re.search(r"[.\[]", place) else ""
    return next(iter(table.columns_of(path)), "")
