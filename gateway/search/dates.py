"""FHIR dates as half-open intervals of microseconds UTC. https://hl7.org/fhir/R4/search.html#date

A date without a zone is a California date: a birth date is a day in America/Los_Angeles.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Los_Angeles")
EARLIEST = -(2**62)
"""Low end of a period that says no start."""
LATEST = 2**62
"""High end of a period that says no end."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 (timezone.utc reads beside timedelta arithmetic)
_MICROSECOND = timedelta(microseconds=1)
_SHAPE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


@lru_cache(maxsize=8192)
def interval(text: str) -> tuple[int, int]:
    """The instants that `text` (date, dateTime, instant or a part of one) covers; ValueError if it is not a date."""
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError("is not a FHIR date")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if hour is None:
        start = date(int(year), int(month or 1), int(day or 1))
        return _midnight(start), _midnight(_after(start, month=month, day=day))
    if second == "60":  # a leap second is the last instant of its minute
        second, fraction = "59", "999999"
    width = 60_000_000 if second is None else 10 ** max(0, 6 - len(fraction or ""))
    micro = int((fraction or "0").ljust(6, "0")[:6])
    offset = ZONE if zone is None else _zone(zone)
    whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, tzinfo=offset)
    low = (whole - _EPOCH) // _MICROSECOND
    return low, low + width


def instant(moment: datetime) -> int:
    """Microseconds UTC of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def _zone(text: str) -> timezone:
    if text == "Z":
        return timezone.utc  # noqa: UP017
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("has an impossible time zone")
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if text[0] == "-" else shift)


def _midnight(day: date | None) -> int:
    if day is None:
        return LATEST
    return (datetime(day.year, day.month, day.day, tzinfo=ZONE) - _EPOCH) // _MICROSECOND


def _after(start: date, *, month: str | None, day: str | None) -> date | None:
    try:
        if day is not None:
            return start + timedelta(days=1)
        if month is not None:
            return date(start.year + (start.month == 12), start.month % 12 + 1, 1)
        return date(start.year + 1, 1, 1)
    except (ValueError, OverflowError):  # the year 9999 has no next one
        return None
