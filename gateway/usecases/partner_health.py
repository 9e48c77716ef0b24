"""Whether a partner is worth trying: a circuit breaker, pure but for the clock it is given.

Closed: everything is sent. After `LIMIT` failures in a row it opens: nothing is sent until a pause has passed, then
one delivery at a time probes (half-open); a success closes it, a failed probe doubles the pause (what was under way
when it opened says nothing new). A partner that asked to be left alone (Retry-After) is left alone that long. `alert`
hears once that a partner went down and once that it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal

from gateway.ports import Receipt
from gateway.usecases.delivery_schedule import LONGEST_ASKED

LIMIT = 5
"""Failures in a row that open the circuit."""
FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
"""Seconds between probes: doubling from the first to the longest."""

Alert = Callable[[str, Literal["down", "up"], str], None]
"""(partner, state, reason)"""


@dataclass(slots=True)
class _Partner:
    failures: int = 0
    down: bool = False
    pause: float = 0.0
    until: datetime | None = None


class Health:
    """The state of every partner; safe for threads."""

    def __init__(self, *, alert: Alert, scale: float = 1.0) -> None:
        """`scale` shrinks the pauses for rehearsals."""
        self._alert = alert
        self._scale = scale
        self._partners: dict[str, _Partner] = {}
        self._lock = Lock()

    def allowance(self, partner: str, *, now: datetime) -> int | None:
        """How many deliveries may be under way: None as many as wanted, 0 nothing now, 1 a probe."""
        with self._lock:
            state = self._partners.get(partner)
            if state is None:
                return None
            if state.until is not None and now < state.until:
                return 0
            return 1 if state.down else None

    def told(
        self, partner: str, receipt: Receipt, *, now: datetime, began: datetime | None = None
    ) -> Literal["down", "up"] | None:
        """Learn from how one delivery ended, which began at `began` (default: now): a refusal (not to be retried) shows
        that the partner is well. What changed."""
        with self._lock:
            if receipt.accepted or not (receipt.retry or receipt.doubtful):
                before = self._partners.pop(partner, None)
                change: Literal["down", "up"] | None = "up" if before is not None and before.down else None
            else:
                state = self._partners.setdefault(partner, _Partner())
                change = self._ill(state, receipt, now, began or now)
        if change:
            self._alert(partner, change, receipt.reason)
        return change

    def _ill(self, state: _Partner, receipt: Receipt, now: datetime, began: datetime) -> Literal["down"] | None:
        state.failures += 1
        before = state.until
        if receipt.retry_after:
            asked = min(receipt.retry_after, LONGEST_ASKED) * self._scale
            state.until = max(state.until or now, now + timedelta(seconds=asked))
        if state.failures < LIMIT:
            return None
        if state.down and before is not None and began < before:
            return None
        state.pause = min(state.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        state.until = max(state.until or now, now + timedelta(seconds=state.pause * self._scale))
        first, state.down = not state.down, True
        return "down" if first else None
