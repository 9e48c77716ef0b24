"""Dates as plans and referrers write them. A date that could be two days is refused, never guessed."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.domain.identifiers import Remark, Unreadable, silent

PACIFIC = ZoneInfo("America/Los_Angeles")
OPEN_END = date(2078, 12, 31)
"""What plan files write for "no end"."""
FIRST_YEAR, LAST_YEAR = 2, 9999
"""What a moment may be dated with; beyond the calendar's ends it could be brought to no other zone."""
OLDEST = 115
"""Years of age beyond which a birth date deserves a look."""

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_US = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})", re.ASCII)
_TIME = re.compile(r"(?P<day>\S+)[T ](?P<time>\d{1,2}:\d{2}.*)", re.ASCII)


def day(text: str) -> date:
    """A whole day from `YYYY-MM-DD`, `MM/DD/YYYY`, `MM-DD-YYYY`, `YYYYMMDD`, or a date with time of day.

    A time with a zone is brought to Pacific time first, so that the day is California's day; midnight in any zone is a
    day that a system wrote as a time, and stays that day.
    """
    value = text.strip()
    if match := _TIME.fullmatch(value):
        return _day_of_moment(match["day"], match["time"].strip())
    for pattern, order in ((_ISO, (1, 2, 3)), (_US, (3, 1, 2)), (_COMPACT, (1, 2, 3))):
        if match := pattern.fullmatch(value):
            try:
                return date(*(int(match[at]) for at in order))
            except ValueError:
                raise Unreadable("date-calendar", "is not a day of the calendar (month, then day)") from None
    raise _why_not_a_day(value)


def _day_of_moment(day_text: str, time_text: str) -> date:
    found = day(day_text)
    if time_text.startswith(("0:00", "00:00")) or not re.search(r"(Z|[+-]\d{2}:?\d{2})$", time_text):
        _check_time(time_text)
        return found
    return moment(f"{found.isoformat()}T{time_text}").astimezone(PACIFIC).date()


def _check_time(text: str) -> None:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(\s?[AaPp][Mm])?(\s?(Z|[+-]\d{2}:?\d{2}))?", text):
        raise Unreadable("date-time", "has a time of day that cannot be read")


def _why_not_a_day(value: str) -> Unreadable:
    if re.fullmatch(r"\d{5}(\.\d+)?", value):
        return Unreadable("date-serial", "is a spreadsheet's day number: format the column as a date and save again")
    if re.fullmatch(r"\d{1,2}[/-]\d{1,2}[/-]\d{2}", value):
        return Unreadable("date-century", "has a year of two digits: write four")
    if re.fullmatch(r"\d{4}(-\d{1,2})?|\d{1,2}/\d{4}", value):
        return Unreadable("date-partial", "is not a whole date: year, month and day are needed")
    return Unreadable("date-shape", "is not a date as month/day/year (MM/DD/YYYY) or year-month-day")


def moment(text: str) -> datetime:
    """A point in time with its zone (`2026-03-02T09:30:00-08:00`); without a zone it is Pacific time."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unreadable("date-time", "is not a date and time as YYYY-MM-DDThh:mm:ss with a zone") from None
    if not FIRST_YEAR <= found.year < LAST_YEAR:
        raise Unreadable("date-time", f"is not between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found if found.tzinfo else found.replace(tzinfo=PACIFIC)


def end_day(text: str) -> date | None:
    """An end date; 12/31/2078 is open."""
    found = day(text)
    return None if found == OPEN_END else found


def birth_day(text: str, *, today: date, remark: Remark = silent) -> date:
    """A birth date that is not in the future; an age over 115 is remarked."""
    found = day(text)
    if found > today:
        raise Unreadable("birth-date-future", "is a birth date in the future")
    if age(found, on=today) > OLDEST:
        remark("birth-date-old", f"makes the member older than {OLDEST} years")
    return found


def age(birth_date: date, *, on: date) -> int:
    """Whole years on the day `on`; someone born on 29 February turns on 1 March."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
