"""Reads the clock and holiday tables of `mappings/clocks/`; a bad row stops the process, named by file and row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from gateway.domain.clocks import ClockRule
from gateway.domain.working_days import Calendar, Holiday
from gateway.errors import BadTable

T = TypeVar("T")
_UNITS = ("hour", "day", "working-day", "month")


def load_rules(folder: Path) -> tuple[ClockRule, ...]:
    """The clock rules of `folder/clocks/clocks.csv`."""
    rules = tuple(_rows(folder / "clocks" / "clocks.csv", _rule))
    if len({rule.id for rule in rules}) != len(rules):
        raise BadTable(f"{folder / 'clocks' / 'clocks.csv'}: an id is used twice")
    return rules


def load_calendar(folder: Path, *, name: str = "california-state-holidays") -> Calendar:
    """The working-day calendar of `folder/clocks/<name>.csv`."""
    return Calendar(_rows(folder / "clocks" / f"{name}.csv", _holiday))


def _rule(row: Mapping[str, str]) -> ClockRule:
    unit = row["unit"]
    if unit not in _UNITS or not row["source"]:
        raise ValueError
    return ClockRule(
        id=row["id"],
        starts=row["starts"],
        ends=row["ends"],
        amount=int(row["amount"]),
        unit=unit,  # type: ignore[arg-type]  # checked above
        who=row["who"],
        source=row["source"],
        when=row["when"] or None,
    )


def _holiday(row: Mapping[str, str]) -> Holiday:
    return Holiday(
        name=row["name"],
        rule=row["rule"],
        since=int(row["since"] or 1),
        until=int(row["until"] or 9999),
        saturday={"yes": True, "no": False}[row["saturday"]],
    )


def _rows(file: Path, read: Callable[[Mapping[str, str]], T]) -> Iterator[T]:
    try:
        with file.open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{file}: cannot be read ({type(error).__name__})") from None
    for number, row in enumerate(rows, 2):
        try:
            yield read(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadTable(f"{file}: row {number} is not one the table's header describes") from None
