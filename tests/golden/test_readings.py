"""What each door makes of each case, record by record: `read.json` beside the case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.doors.readers import Readers
from gateway.doors.reading import Reading
from gateway.errors import Issue
from tests.conftest import ROOT
from tests.doors.cases import Case, all_cases, read

CASES = all_cases()
READERS = Readers.load(ROOT / "mappings")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reading(case: Case, golden: Callable[[Path, object], None]) -> None:
    said = read(case, READERS)
    own = {id(issue) for reading in said.readings for issue in reading.issues}
    about_all = [_issue(issue) for issue in said.issues if id(issue) not in own and issue.severity != "information"]
    golden(case.folder / "read.json", {"issues": about_all, "records": [_reading(one) for one in said.readings]})


def _reading(reading: Reading[Any]) -> dict[str, Any]:
    return {
        "number": reading.number,
        "issues": [_issue(issue) for issue in reading.issues],
        "not_carried": list(reading.not_carried),
        "value": plain(reading.value),
    }


def _issue(issue: Issue) -> str:
    return f"{issue.severity} {issue.rule}: {issue.message}"


def plain(value: Any) -> Any:
    """A record as JSON, without what is unknown."""
    if is_dataclass(value):
        parts = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        return {name: part for name, part in parts.items() if part is not None and part != []}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
