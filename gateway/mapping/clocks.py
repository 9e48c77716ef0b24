"""The clocks and holidays of `mappings/clocks/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.domain.clocks import UNITS, ClockRule
from gateway.domain.loop_events import SIGNS, Sign
from gateway.domain.working_days import Calendar, Holiday
from gateway.errors import BadTable
from gateway.mapping.own_tables import records

_CLOCK = "id starts ends amount unit when who source"
_SIGN = "event sign value source"
_HOLIDAY = "name rule since until saturday source"


def load_rules(folder: Path) -> tuple[ClockRule, ...]:
    """The clock rules of `folder/clocks/clocks.csv`."""
    path = folder / "clocks" / "clocks.csv"
    rules = tuple(records(path, _CLOCK, _rule))
    if len({rule.id for rule in rules}) != len(rules):
        raise BadTable(f"{path.name}: an id is used twice")
    return rules


def load_signs(folder: Path) -> tuple[Sign, ...]:
    """Which status or state of a Task shows which event: `folder/clocks/events.csv`."""
    return tuple(records(folder / "clocks" / "events.csv", _SIGN, _sign))


def load_calendar(folder: Path, *, name: str = "california-state-holidays") -> Calendar:
    """The working-day calendar of `folder/clocks/<name>.csv`."""
    return Calendar(records(folder / "clocks" / f"{name}.csv", _HOLIDAY, _holiday))


def _rule(row: Mapping[str, str]) -> ClockRule:
    if not row["source"]:
        raise ValueError("a clock needs its source")
    return ClockRule(
        id=row["id"],
        starts=row["starts"],
        ends=row["ends"],
        amount=int(row["amount"]),
        unit=UNITS[row["unit"]],
        who=row["who"],
        source=row["source"],
        when=row["when"] or None,
    )


def _sign(row: Mapping[str, str]) -> Sign:
    return Sign(row["event"], SIGNS[row["sign"]], row["value"])


def _holiday(row: Mapping[str, str]) -> Holiday:
    return Holiday(
        name=row["name"],
        rule=row["rule"],
        since=int(row["since"] or 1),
        until=int(row["until"] or 9999),
        saturday={"yes": True, "no": False}[row["saturday"]],
    )
