"""Let go of what is done and old: deliveries heard, events taken, messages applied. Never of anything still owed.

A pass walks each kind in small transactions, one a step, so that nobody waits for it. What partners sent goes in two
steps: first its content, which is people's data, then, much later, the key by which a repeat is recognised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import Misconfigured
from gateway.ports import START, AuditEntry, Caller, Clock, Old, Place, Store

KEYS_AT_LEAST = 30
"""Days: senders repeat for days, and people send again for weeks."""
EVERY = timedelta(hours=24)
"""Between passes of a worker."""


@dataclass(frozen=True, slots=True)
class Days:
    """How many days each kind is kept once it is done; 0: for ever. Misconfigured where repeats would be missed."""

    deliveries: int
    events: int
    bodies: int
    keys: int

    def __post_init__(self) -> None:
        if 0 < self.keys < KEYS_AT_LEAST:
            raise Misconfigured(f"ECM_KEEP_KEYS_DAYS is {KEYS_AT_LEAST} at least, or 0 for ever. See docs/settings.md.")

    def before(self, *, now: datetime) -> dict[Old, datetime]:
        """For each kind that is not kept for ever, the moment before which it must have been done."""
        keys = 0 if 0 in (self.keys, self.bodies) else max(self.keys, self.bodies)
        days: dict[Old, int] = {
            "deliveries": self.deliveries,
            "events": self.events,
            "bodies": self.bodies,
            "keys": keys,
        }
        return {old: now - timedelta(days=number) for old, number in days.items() if number}


def prune(days: Days, *, store: Store, now: datetime, dry: bool = False) -> Iterator[tuple[Old, int]]:
    """One pass, as steps: each has removed so many of a kind when it is given out. `dry` only counts."""
    for old, before in days.before(now=now).items():
        after: Place | None = START
        while after is not None:
            pruned = store.retention.prune(old, before=before, after=after, dry=dry)
            after = pruned.after
            yield old, pruned.number


def noted(removed: Counter[Old], caller: Caller, *, store: Store) -> None:
    """Say in the audit trail how much a pass has removed, if it was anything."""
    if removed.total():
        told = ", ".join(f"{old} {number}" for old, number in removed.items() if number)
        store.note(caller, AuditEntry("D", "retention", basis=told))


class Pruning:
    """The worker's passes: `step` does one small transaction when there is something to do, and never asks for more."""

    def __init__(self, days: Days, caller: Caller, *, store: Store, clock: Clock) -> None:
        self._days, self._caller, self._store, self._clock = days, caller, store, clock
        self._due = clock()
        self._removed: Counter[Old] = Counter()
        self._pass: Iterator[tuple[Old, int]] | None = None

    def step(self) -> int:
        """Go on with the pass under way, or begin one that is due; always 0: there is no hurry."""
        now = self._clock()
        if self._pass is None:
            if now < self._due:
                return 0
            self._due = now + EVERY
            self._pass = prune(self._days, store=self._store, now=now)
        try:
            old, number = next(self._pass)
        except StopIteration:
            self._pass = None
            removed, self._removed = self._removed, Counter()
            noted(removed, self._caller, store=self._store)
        except Exception:
            self._pass = None  # what is left is for the next pass
            raise
        else:
            self._removed[old] += number
        return 0
