"""The fixture cases that our own doors read, and what a door says of each."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gateway.doors.readers import Readers
from gateway.doors.reading import Reading
from gateway.errors import GatewayError, Issue
from tests.conftest import NOW, ROOT

KINDS = {"referral-json": "referral", "care-plan-json": "care-plan", "care-team-json": "care-team"}
FOLDERS = ("referrals", "care-plans", "care-teams")
NEWS = ("referral-changes",)
"""Cases of records that change what is kept: they become no resource of their own."""
TODAY = NOW.date()


@dataclass(frozen=True)
class Case:
    """A fixture folder of a door of ours."""

    folder: Path
    toml: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def body(self) -> bytes:
        return (self.folder / self.toml["file"]).read_bytes()

    @property
    def expect(self) -> dict[str, Any]:
        found: dict[str, Any] = self.toml["expect"]
        return found

    @property
    def statuses(self) -> set[int]:
        status = self.expect["status"]
        return set(status) if isinstance(status, list) else {status}


@dataclass(frozen=True)
class Said:
    """What the door made of a case. `status` is the status that the exception names, or 422 for a refused record."""

    status: int
    issues: Sequence[Issue]
    readings: Sequence[Reading[Any]]


def all_cases(folders: Sequence[str] = FOLDERS) -> list[Case]:
    """Every case of our doors; what only HTTP can refuse (media type, size) is replayed elsewhere."""
    files = [file for folder in folders for file in sorted((ROOT / "fixtures" / folder).glob("*/case.toml"))]
    cases = [Case(file.parent, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]
    return [case for case in cases if "content_type" not in case.toml and "file" in case.toml]


def read(case: Case, readers: Readers, *, today: date = TODAY) -> Said:
    try:
        if case.toml["door"] == "csv":
            file = readers.table(case.toml["partner"], case.toml.get("kind", "referral")).read(case.body, today=today)
            return Said(200, [*file.issues, *(issue for row in file.rows for issue in row.issues)], file.rows)
        reading = readers.json(KINDS[case.toml["door"]]).read(case.body, today=today)
        return Said(200 if reading.value is not None else 422, reading.issues, [reading])
    except GatewayError as error:
        return Said(error.status, error.issues, [])
