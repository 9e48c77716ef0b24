"""Working days of a calendar: which days count, and what is due when. Days are local dates; zones are the caller's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holiday:
    """One rule of a holiday calendar, in force from `since` (year) until `until` (year, inclusive).

    `rule`: `03-31` a fixed day; `mon3-01` the third Monday of January; `mon-last-05` the last Monday of May; a suffix
    `+1` is the day after. A fixed day on a Sunday moves to Monday; `saturday` says whether a Saturday moves to Friday.
    """

    name: str
    rule: str
    since: int = 1
    until: int = 9999
    saturday: bool = False

    def __post_init__(self) -> None:
        self.on(2026)  # a rule that cannot be read is an error when the table is loaded, not when a clock runs

    def on(self, year: int) -> date:
        """The day on which this holiday is kept in `year`; ValueError for a rule that cannot be read."""
        rule, _, shift = self.rule.partition("+")
        when, _, month = rule.rpartition("-")
        if when.isdecimal():
            day = date(year, int(when), int(month))
            if day.weekday() == 6:
                day += _DAY
            elif day.weekday() == 5 and self.saturday:
                day -= _DAY
        else:
            weekday = WEEKDAYS.index(when[:3])
            day = _nth(year, int(month), weekday=weekday, which=when[3:].lstrip("-"))
        return day + int(shift or 0) * _DAY


def _nth(year: int, month: int, *, weekday: int, which: str) -> date:
    first = date(year, month, 1)
    day = first + (weekday - first.weekday()) % 7 * _DAY
    if which == "last":
        while (day + 7 * _DAY).month == month:
            day += 7 * _DAY
        return day
    if which not in ("1", "2", "3", "4"):
        raise ValueError(f"which {WEEKDAYS[weekday]} of the month?")
    return day + 7 * (int(which) - 1) * _DAY


class Calendar:
    """Monday to Friday without the holidays."""

    def __init__(self, holidays: Iterable[Holiday]) -> None:
        self._holidays = tuple(holidays)
        self._in_year = lru_cache(maxsize=None)(self._kept_in)

    def _kept_in(self, year: int) -> frozenset[date]:
        return frozenset(h.on(year) for h in self._holidays if h.since <= year <= h.until)

    def is_working(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self._in_year(day.year)

    def add(self, day: date, working_days: int) -> date:
        """The working day that is `working_days` after `day`; the day itself does not count."""
        if working_days < 1:
            raise ValueError("at least one working day")
        left = working_days
        while left:
            day += _DAY
            left -= self.is_working(day)
        return day

    def before(self, day: date, working_days: int) -> date:
        """The working day that is `working_days` before `day`."""
        left = working_days
        while left:
            day -= _DAY
            left -= self.is_working(day)
        return day
