"""Dates in the forms that files really hold; what could be two days is refused."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain import dates
from gateway.domain.identifiers import Unreadable


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02",
        "3/2/2026",
        "03/02/2026",
        "03-02-2026",
        "20260302",
        "2026-03-02T09:30:00-08:00",
        "03/02/2026 00:00",
        "03/02/2026 11:15 PM",
        "2026-03-02T00:00:00Z",
        "2026-03-03T07:59:00Z",
    ],
)
def test_one_day_in_many_forms(written: str) -> None:
    assert dates.day(written) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("2/30/2026", "date-calendar"),
        ("13/02/2026", "date-calendar"),
        ("45231", "date-serial"),
        ("3/2/26", "date-century"),
        ("2026-03", "date-partial"),
        ("1971", "date-partial"),
        ("March 2", "date-shape"),
        ("03/02/2026 at noon", "date-shape"),
        ("2026-03-02T99:99", "date-time"),
    ],
)
def test_what_is_not_one_day_is_refused(written: str, rule: str) -> None:
    with pytest.raises(Unreadable) as refused:
        dates.day(written)
    assert refused.value.rule == rule


def test_the_far_end_of_plan_files_is_open() -> None:
    assert dates.end_day("12/31/2078") is None
    assert dates.end_day("12/30/2078") == date(2078, 12, 30)


def test_birth_dates() -> None:
    today = date(2026, 3, 2)
    seen: list[str] = []
    assert dates.birth_day("1/1/1900", today=today, remark=lambda rule, _: seen.append(rule)) == date(1900, 1, 1)
    assert seen == ["birth-date-old"]
    assert dates.birth_day("03/02/2026", today=today) == today
    with pytest.raises(Unreadable):
        dates.birth_day("03/03/2026", today=today)


@pytest.mark.parametrize(("on", "years"), [(date(2025, 2, 28), 20), (date(2025, 3, 1), 21), (date(2024, 2, 29), 20)])
def test_someone_born_on_a_leap_day(on: date, years: int) -> None:
    assert dates.age(date(2004, 2, 29), on=on) == years
