"""Clocks of Enhanced Care Management: from one event, how long until another is due.

A clock is data (mappings/clocks/clocks.csv, with the page of the policy guide it stands on), so that a plan can change
it. Working days end at the close of the local day; hours, days and months run from the instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, get_args

from gateway.domain.dates import PACIFIC
from gateway.domain.working_days import Calendar

Unit = Literal["hour", "day", "working-day", "month"]
UNITS: dict[str, Unit] = {unit: unit for unit in get_args(Unit)}
_END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class ClockRule:
    """`amount` of `unit` from the event `starts` until `ends` is due from `who`; `when` narrows it to a kind."""

    id: str
    starts: str
    ends: str
    amount: int
    unit: Unit
    who: str
    source: str
    when: str | None = None

    def due(self, started: datetime, *, calendar: Calendar) -> datetime:
        """When the end is due, for a start with a zone; in California's time."""
        local = started.astimezone(PACIFIC)
        match self.unit:
            case "hour":
                return (started.astimezone(UTC) + timedelta(hours=self.amount)).astimezone(PACIFIC)
            case "day":
                return local + timedelta(days=self.amount)
            case "month":
                return _add_months(local, self.amount)
            case "working-day":
                return datetime.combine(calendar.add(local.date(), self.amount), _END_OF_DAY, PACIFIC)


@dataclass(frozen=True, slots=True)
class NextAction:
    """What an open loop waits for: which event, from whom, until when, by which clock."""

    event: str
    who: str
    due: datetime
    clock: str

    def is_overdue(self, now: datetime) -> bool:
        return now > self.due


def next_action(
    events: Iterable[tuple[str, datetime]], *, rules: Iterable[ClockRule], calendar: Calendar, kinds: Collection[str]
) -> NextAction | None:
    """The earliest due end of all clocks that these events started and none of them has ended.

    `kinds` are the words for `when` that hold of the case (`routine` or `urgent`, `initial` or `renewal`, `reported`).
    """
    happened = dict(events)
    running = [
        NextAction(rule.ends, rule.who, rule.due(happened[rule.starts], calendar=calendar), rule.id)
        for rule in rules
        if rule.starts in happened and rule.ends not in happened and (rule.when is None or rule.when in kinds)
    ]
    return min(running, key=lambda action: action.due, default=None)


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = start.day
    while True:
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:  # the 31st of a shorter month is its last day
            day -= 1
