"""When a failed delivery is tried again: pure, so that a table can test it.

Waits grow from five seconds to an hour; the whole schedule lasts about three days (74 h 43 min), then a person decides.
A little longer than the longest weekend without a partner's staff, as Standard Webhooks 1.0 recommends; never more than
an hour apart, because a member's news must not wait half a day for a partner that came back at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.ports import Receipt

HOUR = 3600.0
WAITS = (5.0, 30.0, 120.0, 600.0, 1800.0, *[HOUR] * 74)
"""Seconds to wait after the 1st, 2nd ... failed attempt; after one more failure the delivery is parked."""
DOUBTFUL_TRIES = 6
"""Attempts at what is refused as forbidden or not found, over about three quarters of an hour: so long a change of
credentials or a deployment may take at a partner."""
JITTER = 0.2
"""Each wait is up to this share shorter or longer, so that a partner that comes back is not overrun."""
LONGEST_ASKED = HOUR
"""Most that a partner's Retry-After is believed."""


def worth_trying(receipt: Receipt, attempts: int) -> bool:
    """Whether what ended so after `attempts` attempts may be tried again at all."""
    return receipt.retry or (receipt.doubtful and attempts < DOUBTFUL_TRIES)


def next_attempt(
    attempts: int, *, now: datetime, jitter: float, retry_after: float | None = None, scale: float = 1.0
) -> datetime | None:
    """When to try again after `attempts` failed attempts (1 or more); None: give up and park.

    `jitter` is a random number in [0, 1). `retry_after` is what the partner asked, in seconds: never sooner than that
    (up to an hour; what is negative or no number counts as nothing). `scale` shrinks the schedule for rehearsals.
    """
    if attempts < 1:
        raise ValueError("an attempt must have failed")
    if not 0 <= jitter < 1:
        raise ValueError("jitter lies in [0, 1)")
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1] * (1 - JITTER + 2 * JITTER * jitter) * scale
    if retry_after is not None and retry_after > 0:
        wait = max(wait, min(retry_after, LONGEST_ASKED) * scale)
    return now + timedelta(seconds=wait)
