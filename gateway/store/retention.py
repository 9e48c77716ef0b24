"""`ports.Retention` over either engine: what is done is let go of, a few rows a transaction.

Each kind is walked in the order in which its rows came, and no further than to the first that is too young, so that a
pass costs what it removes and what stands in between, and needs no index of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.ports import START, Old, Place, Pruned
from gateway.store.outbox_rows import SUPERSEDED
from gateway.store.rows import micros
from gateway.store.sql import Engine, step
from gateway.store.subscriptions import OFF

SUBSCRIPTION = (
    "SELECT s.key, s.tenant, s.id, CASE WHEN s.status = 'off' THEN s.events ELSE s.sent END,"
    " (SELECT min(e.number) FROM subscription_event e WHERE e.tenant = s.tenant AND e.subscription = s.id)"
    " FROM subscription s WHERE s.key >= ? ORDER BY s.key LIMIT 1"
)
"""The next subscription, up to which number its events are done, and the first that is kept."""
EVENTS = (
    "SELECT seq FROM subscription_event WHERE tenant = ? AND subscription = ? AND number BETWEEN ? AND ? AND at < ?"
)


HEARD = f"state = 'delivered' OR reason LIKE '{SUPERSEDED}%' OR reason = '{OFF}'"
"""Settled deliveries whose partner heard this or something newer, or said that it wants to hear no more."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """`look` reads rows beyond a place: place, when it came, whether it is done; `remove` is done to those."""

    look: str
    remove: str


WALKS: dict[Old, _Walk] = {
    "deliveries": _Walk(
        f"SELECT seq, owed_at, settled_at < ? AND ({HEARD}) FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        "DELETE FROM outbox WHERE settled_at IS NOT NULL AND seq IN",
    ),
    "bodies": _Walk(
        "SELECT seq, received_at, settled_at < ? AND length(body) > 0 FROM inbound WHERE seq > ? ORDER BY seq LIMIT ?",
        "UPDATE inbound SET body = ? WHERE settled_at IS NOT NULL AND seq IN",
    ),
    "keys": _Walk(
        "SELECT seq, received_at, settled_at < ? FROM inbound WHERE seq > ? ORDER BY seq LIMIT ?",
        "DELETE FROM inbound WHERE settled_at IS NOT NULL AND seq IN",
    ),
}
"""A settled row is never touched again by anybody else, so what was seen to be done stays so."""


class SqlRetention:
    """Lets go of what is done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def prune(self, old: Old, *, before: datetime, after: Place = START, limit: int = 500, dry: bool = False) -> Pruned:
        if old == "events":
            return self._events(micros(before), after, limit, dry=dry)
        walk = WALKS[old]
        rows = self._engine.rows(walk.look, (micros(before), after[0], limit))
        done = [seq for seq, _, is_done in rows if is_done]
        ended = len(rows) < limit or rows[-1][1] >= micros(before)
        given = (b"",) if old == "bodies" else ()
        return Pruned(self._remove(walk.remove, done, *given, dry=dry), None if ended else (rows[-1][0], 0))

    def _events(self, before: int, after: Place, limit: int, *, dry: bool) -> Pruned:
        """Those of one subscription: a place is its key and a number."""
        found = self._engine.rows(SUBSCRIPTION, (after[0],))
        if not found:
            return Pruned(0, None)
        key, tenant, id, taken, kept_from = found[0]
        if kept_from is None:
            return Pruned(0, (key + 1, 0))
        first = max(kept_from, after[1]) if key == after[0] else kept_from
        last = min(first + limit - 1, taken)
        done = [seq for (seq,) in self._engine.rows(EVENTS, (tenant, id, first, last, before))]
        number = self._remove("DELETE FROM subscription_event WHERE seq IN", done, dry=dry)
        return Pruned(number, (key + 1, 0) if len(done) < limit else (key, last + 1))

    def _remove(self, sql: str, seqs: Sequence[int], *given: object, dry: bool) -> int:
        if dry or not seqs:
            return len(seqs)
        with self._engine.writing() as session:
            removed = session.run(f"{sql} ({', '.join('?' * len(seqs))})", (*given, *seqs))
            step("pruned")
        return removed
