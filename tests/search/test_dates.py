"""Dates as intervals: what each precision covers, and what is no date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.search.dates import LATEST, interval
from gateway.search.numbers import decimal, implied, sortable


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", "2026-01-01T00:00:00-08:00", "2027-01-01T00:00:00-08:00"),
        ("2026-12", "2026-12-01T00:00:00-08:00", "2027-01-01T00:00:00-08:00"),
        ("2026-03-08", "2026-03-08T00:00:00-08:00", "2026-03-09T00:00:00-07:00"),  # a day of 23 hours
        ("2026-03-02T09:30Z", "2026-03-02T09:30:00+00:00", "2026-03-02T09:31:00+00:00"),
        ("2026-03-02T09:30:15-08:00", "2026-03-02T17:30:15+00:00", "2026-03-02T17:30:16+00:00"),
        ("2026-03-02T09:30:15", "2026-03-02T17:30:15+00:00", "2026-03-02T17:30:16+00:00"),
        ("2026-03-02T09:30:15.25Z", "2026-03-02T09:30:15.250000+00:00", "2026-03-02T09:30:15.260000+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00-08:00", "2024-03-01T00:00:00-08:00"),
    ],
)
def test_a_date_covers_what_its_precision_says(text: str, low: str, high: str) -> None:
    assert interval(text) == (micros(low), micros(high))


def test_the_last_year_has_no_end() -> None:
    assert interval("9999")[1] == interval("9999-12-31")[1] == LATEST


@pytest.mark.parametrize(
    "text",
    ["", "26", "2024-13", "2024-02-30", "2026-03-02T25:00Z", "2026-03-02T09", "2026-3-2", "02/03/2026",
     "2026-03-02 09:30",
     "2026-03-02T09:30:00+15:00", "２０２６", "2026-03-02T09:30:61Z", "0000", "2026-03-02\n"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        interval(text)


def test_sortable_integers_keep_the_order_of_numbers() -> None:
    numbers = ["-1e300", "-5.4", "-5", "-0.001", "0", "1e-300", "0.5", "5", "5.0001", "1e300"]
    assert [sortable(decimal(n)) for n in numbers] == sorted(sortable(decimal(n)) for n in numbers)
    assert len({sortable(decimal(n)) for n in numbers}) == len(numbers)
    assert sortable(decimal("-0")) == sortable(0)


@pytest.mark.parametrize(
    ("text", "low", "high"), [("100", "99.5", "100.5"), ("5.40", "5.395", "5.405"), ("1e2", "50", "150")]
)
def test_the_digits_of_a_number_imply_an_interval(text: str, low: str, high: str) -> None:
    assert implied(decimal(text)) == (decimal(low), decimal(high))


@pytest.mark.parametrize("text", ["", "x", "1,5", "0x10", "nan", "Infinity", "1e9999", "1_000", "１"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        decimal(text)
