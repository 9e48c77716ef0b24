"""Holidays fall where the calendar says, and days are counted over them."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.working_days import Calendar, Holiday

NEW_YEAR = Holiday("New Year's Day", "01-01")
CHAVEZ = Holiday("Cesar Chavez Day", "03-31", since=2001)
VETERANS = Holiday("Veterans Day", "11-11", saturday=True)
THANKSGIVING = Holiday("Thanksgiving", "thu4-11")
DAY_AFTER = Holiday("Day after Thanksgiving", "thu4-11+1")
LABOR = Holiday("Labor Day", "mon1-09")
MEMORIAL = Holiday("Memorial Day", "mon-last-05")


@pytest.mark.parametrize(
    ("holiday", "year", "day"),
    [
        (NEW_YEAR, 2026, "2026-01-01"),
        (NEW_YEAR, 2028, "2028-01-01"),  # a Saturday: stays
        (NEW_YEAR, 2023, "2023-01-02"),  # a Sunday: kept on Monday
        (VETERANS, 2028, "2028-11-10"),  # a Saturday: kept on Friday
        (THANKSGIVING, 2026, "2026-11-26"),
        (DAY_AFTER, 2026, "2026-11-27"),
        (MEMORIAL, 2026, "2026-05-25"),
        (MEMORIAL, 2027, "2027-05-31"),
        (LABOR, 2025, "2025-09-01"),  # the first of the month itself
        (LABOR, 2026, "2026-09-07"),
    ],
)
def test_a_holiday_is_kept_on(holiday: Holiday, year: int, day: str) -> None:
    assert holiday.on(year) == date.fromisoformat(day)


@pytest.mark.parametrize("rule", ["13-01", "mon9-01", "xyz1-01", "mon3", "", "mon3-13"])
def test_a_rule_that_cannot_be_read_is_refused_at_once(rule: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Holiday("?", rule)


def test_working_days_pass_over_weekends_and_holidays() -> None:
    calendar = Calendar([NEW_YEAR, CHAVEZ, VETERANS, THANKSGIVING, DAY_AFTER])
    assert calendar.add(date(2026, 11, 24), 2) == date(2026, 11, 30)  # Tue, then Wed and Monday
    assert calendar.add(date(2026, 3, 27), 5) == date(2026, 4, 6)  # over the weekend and 31 March
    assert calendar.add(date(2026, 3, 28), 1) == date(2026, 3, 30)  # from a Saturday
    assert calendar.before(date(2026, 4, 1), 1) == date(2026, 3, 30)
    assert not calendar.is_working(date(2026, 11, 26))


def test_a_holiday_is_kept_in_its_years_only() -> None:
    calendar = Calendar([Holiday("Once", "03-03", since=2026, until=2026)])
    assert [calendar.is_working(date(year, 3, 3)) for year in (2025, 2026, 2027)] == [True, False, True]
