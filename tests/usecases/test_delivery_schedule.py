"""The retry schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.usecases.delivery_schedule import JITTER, WAITS, next_attempt


def wait(now: datetime, attempts: int, **more: float) -> float:
    due = next_attempt(attempts, now=now, **{"jitter": 0.5, **more})
    assert due is not None
    return (due - now).total_seconds()


def test_waits_grow_from_seconds_to_an_hour_and_last_about_three_days(now: datetime) -> None:
    waits = [wait(now, attempts) for attempts in range(1, len(WAITS) + 1)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5, 3600)
    assert timedelta(hours=72) < timedelta(seconds=sum(waits)) < timedelta(hours=78)


def test_after_the_last_wait_it_is_parked(now: datetime) -> None:
    assert next_attempt(len(WAITS) + 1, now=now, jitter=0.5) is None
    assert next_attempt(500, now=now, jitter=0.5, retry_after=5) is None


@pytest.mark.parametrize("attempts", range(1, len(WAITS) + 1))
def test_jitter_spreads_a_wait_both_ways(now: datetime, attempts: int) -> None:
    middle = WAITS[attempts - 1]
    assert wait(now, attempts, jitter=0.0) == pytest.approx(middle * (1 - JITTER))
    assert wait(now, attempts, jitter=0.999999) == pytest.approx(middle * (1 + JITTER), rel=1e-4)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(120, 120), (1, 5), (0, 5), (-30, 5), (float("nan"), 5), (float("inf"), 3600), (10**9, 3600)],
)
def test_what_the_partner_asked_is_honoured_within_reason(now: datetime, asked: float, expected: float) -> None:
    assert wait(now, 1, retry_after=asked) == expected


def test_asking_for_less_never_shortens_a_wait(now: datetime) -> None:
    assert wait(now, 8, retry_after=10) == WAITS[7]


def test_a_rehearsal_shrinks_everything(now: datetime) -> None:
    assert wait(now, 11, scale=0.001) == pytest.approx(3.6)
    assert wait(now, 1, retry_after=1000, scale=0.001) == pytest.approx(1.0)


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_nonsense_is_refused(now: datetime, attempts: int, jitter: float) -> None:
    with pytest.raises(ValueError, match=r"attempt|jitter"):
        next_attempt(attempts, now=now, jitter=jitter)
