"""Dates and times with the precision they were written with. https://hl7.org/fhirpath/N1/#date"""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec.structs import replace

_TEXT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?P<timed>T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?)?)?)?(?P<zone>Z|[+-]\d\d:\d\d)?"
)
_TIME = re.compile(r"T?(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?)?")
_MONTHS_OF = {"a": 12, "mo": 1}
_MICROSECONDS_OF = {
    "wk": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
}
_STEP = (0, 0, 86_400_000_000, 3_600_000_000, 60_000_000, 0)  # what one unit of each field is worth, from days on
_DAY = 86_400_000_000


class Temporal(msgspec.Struct, frozen=True):
    """`kind` is Date, DateTime or Time; `fields` year, month, day, hour, minute (int) and second (Decimal) as far as
    written (a Time starts at the hour); `zone` is minutes east of UTC, None when not written."""

    kind: str
    fields: tuple[int | Decimal, ...]
    zone: int | None
    text: str

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> Temporal | None:
        """Read an ISO 8601 date, date with time, or time (`T10:30`, `10:30:00`), None if it is none that exists."""
        found = _TEXT.fullmatch(text)
        if found is not None:
            return _moment(found, text)
        found = _TIME.fullmatch(text)
        return None if found is None else _time(found, text)

    def compare(self, other: Temporal) -> int | None:
        """-1, 0 or 1; None where the shorter precision leaves it open, or a time meets a date."""
        if (self.kind == "Time") != (other.kind == "Time"):
            return None
        mine, theirs = self.fields, other.fields
        if self.zone is not None and other.zone is not None and self.zone != other.zone:
            mine, theirs = self._utc(), other._utc()
        for a, b in zip(mine, theirs, strict=False):
            if a != b:
                return -1 if a < b else 1
        return 0 if len(mine) == len(theirs) else None

    def equal(self, other: Temporal) -> bool | None:
        """Equal, not equal, or None where precision leaves it open."""
        compared = self.compare(other)
        if compared is None and (self.kind == "Time") != (other.kind == "Time"):
            return False
        return None if compared is None else compared == 0

    def plus(self, value: Decimal, unit: str) -> Temporal | None:
        """This moved by `value` of a calendar unit (UCUM codes a mo wk d h min s ms), at its own precision; None when
        it leaves the years 1 to 9999 or the unit is no time. https://hl7.org/fhirpath/N1/#datetime-arithmetic"""
        if self.kind == "Time":
            return self._plus_clock(value, unit)
        if unit in _MONTHS_OF:
            return self._plus_months(int(value) * _MONTHS_OF[unit])
        if unit not in _MICROSECONDS_OF:
            return None
        moved = int(value * _MICROSECONDS_OF[unit])
        if len(self.fields) == 1:
            return self._plus_months(int(Decimal(moved) / (365 * _DAY)) * 12)
        if len(self.fields) == 2:
            return self._plus_months(int(Decimal(moved) / (30 * _DAY)))
        return self._shifted(moved)

    def _plus_months(self, months: int) -> Temporal | None:
        year, month, day = ([int(f) for f in self.fields[:3]] + [1, 1])[:3]
        total = year * 12 + month - 1 + months
        if not 12 <= total < 120_000:
            return None
        year, month = divmod(total, 12)
        day = min(day, calendar.monthrange(year, month + 1)[1])
        fields = (year, month + 1, day, *self.fields[3:])[: len(self.fields)]
        return self._with(fields)

    def _plus_clock(self, value: Decimal, unit: str) -> Temporal | None:
        if unit not in _MICROSECONDS_OF:
            return None
        whole = _clock(self.fields) + int(value * _MICROSECONDS_OF[unit])
        return self._with(_clock_fields(whole % _DAY)[: len(self.fields)])

    def _shifted(self, microseconds: int) -> Temporal | None:
        fields = _shift(self.fields, microseconds)
        return None if fields is None else self._with(fields)

    def _with(self, fields: tuple[int | Decimal, ...]) -> Temporal:
        moved = replace(self, fields=fields)
        return replace(moved, text=moved._written())

    def _written(self) -> str:
        if self.kind == "Time":
            return _clock_text(self.fields)
        text = "-".join(f"{int(f):0{4 if n == 0 else 2}d}" for n, f in enumerate(self.fields[:3]))
        if len(self.fields) > 3:
            text += "T" + _clock_text(self.fields[3:])
        elif self.kind == "DateTime":
            text += "T"
        if self.zone is None:
            return text
        sign, minutes = ("-", -self.zone) if self.zone < 0 else ("+", self.zone)
        return text + ("Z" if minutes == 0 else f"{sign}{minutes // 60:02d}:{minutes % 60:02d}")

    def _utc(self) -> tuple[int | Decimal, ...]:
        if len(self.fields) < 5 or not self.zone:
            return self.fields
        return _shift(self.fields, -self.zone * 60_000_000) or self.fields


def _moment(found: re.Match[str], text: str) -> Temporal | None:
    year, month, day, hour, minute = (
        int(found[n]) if found[n] else None for n in ("year", "month", "day", "hour", "minute")
    )
    second = Decimal(found["second"]) if found["second"] else None
    if year == 0 or (month is not None and not 1 <= month <= 12):
        return None
    if (
        day is not None
        and month is not None
        and year is not None
        and not 1 <= day <= calendar.monthrange(year, month)[1]
    ):
        return None
    if not _is_clock(hour, minute, second):
        return None
    kind = "DateTime" if found["timed"] else "Date"
    fields = tuple(f for f in (year, month, day, hour, minute, second) if f is not None)
    return Temporal(kind, fields, _zone(found["zone"]), text)


def _time(found: re.Match[str], text: str) -> Temporal | None:
    hour, minute = (int(found[n]) if found[n] else None for n in ("hour", "minute"))
    second = Decimal(found["second"]) if found["second"] else None
    if not _is_clock(hour, minute, second):
        return None
    return Temporal("Time", tuple(f for f in (hour, minute, second) if f is not None), None, text.lstrip("T"))


def _is_clock(hour: int | None, minute: int | None, second: Decimal | None) -> bool:
    return (hour or 0) < 24 and (minute or 0) < 60 and (second or 0) < 61


def _zone(text: str | None) -> int | None:
    if not text:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def _clock(fields: tuple[int | Decimal, ...]) -> int:
    hour, minute, second = ([*fields, 0, 0, 0])[:3]
    return int(hour) * _STEP[3] + int(minute) * _STEP[4] + int(Decimal(second) * 1_000_000)


def _clock_fields(microseconds: int) -> tuple[int | Decimal, ...]:
    hour, rest = divmod(microseconds, _STEP[3])
    minute, rest = divmod(rest, _STEP[4])
    return hour, minute, Decimal(rest) / 1_000_000


def _clock_text(fields: tuple[int | Decimal, ...]) -> str:
    words = [f"{int(f):02d}" for f in fields[:2]]
    if len(fields) == 3:
        whole, fraction = divmod(Decimal(fields[2]), 1)
        words.append(f"{int(whole):02d}" + (f"{fraction:f}"[1:] if fraction else ""))
    return ":".join(words)


def _shift(fields: tuple[int | Decimal, ...], microseconds: int) -> tuple[int | Decimal, ...] | None:
    days = _day_number(int(fields[0]), int(fields[1]), int(fields[2]))
    days, clock = divmod(days * _DAY + _clock(fields[3:]) + microseconds, _DAY)
    if not 1 <= days <= 3_652_059:
        return None
    at = date.fromordinal(days)
    return (at.year, at.month, at.day, *_clock_fields(clock))[: len(fields)]


def _day_number(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal()


def written_alike(left: str, right: str) -> bool:
    """Whether two dates are written alike, so that they are in the order of their texts: whole days, or seconds in one
    zone. Such texts that are no dates at all are no concern of an order."""
    size = len(left)
    if size != len(right):
        return False
    return size == 10 or (
        size > 19 and left[10] == "T" == right[10] and left[19:] == right[19:] and "." not in left[19:]
    )
