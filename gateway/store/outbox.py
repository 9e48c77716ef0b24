"""`ports.Outbox` over either engine: at least once, one at a time per lane, urgent first, partners in turn.

A claim is a lease: it runs out at `due`, and the delivery may then be taken again with a higher fence. On PostgreSQL
any number of workers share the table (FOR UPDATE SKIP LOCKED); on SQLite claims take turns with all other writers.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from gateway.ports import AuditEntry, Caller, Delivery, DeliveryState
from gateway.store import audit
from gateway.store.outbox_rows import COLUMNS, PROMOTE, SUPERSEDED, delivery, lane_name
from gateway.store.rows import micros
from gateway.store.sql import Dialect, Engine, Session, step

PARTNERS = (
    "WITH RECURSIVE p (partner) AS (SELECT min(partner) FROM outbox WHERE ready = 1 AND rank = ? AND partner > ?"
    " UNION ALL SELECT (SELECT min(o.partner) FROM outbox o WHERE o.ready = 1 AND o.rank = ? AND o.partner > p.partner)"
    " FROM p WHERE p.partner IS NOT NULL)"
)
"""Partners with fronts of a rank, one after the other, found as they are asked for: rank, after whom, rank."""
FIRST = (
    "SELECT d.seq FROM outbox d WHERE d.ready = 1 AND d.rank = ? AND d.partner = p.partner AND d.due <= ?"
    " ORDER BY d.due, d.seq LIMIT ?"
)
DUE: dict[Dialect, str] = {
    "sqlite": f"{PARTNERS} SELECT p.partner, o.seq FROM p CROSS JOIN outbox o WHERE o.seq IN ({FIRST})",  # noqa: S608
    "postgresql": f"{PARTNERS} SELECT p.partner, o.seq FROM p CROSS JOIN LATERAL ({FIRST}) o WHERE true",  # noqa: S608
}
"""The first due fronts of each partner: rank, time, how many of each."""
IN_ORDER: dict[Dialect, str] = {"sqlite": " ORDER BY p.partner, o.due, o.seq", "postgresql": ""}
TAKE = (
    "UPDATE outbox SET state = 'sending', worker = ?, fence = fence + 1, attempts = attempts + 1, due = ? WHERE seq IN"
)
WAKE = "UPDATE outbox SET due = ? WHERE partner = ? AND ready = 1 AND state = 'waiting' AND due > ?"
OWN = "id = ? AND fence = ? AND state = 'sending'"
"""The delivery as claimed: a worker that was overtaken holds an old fence."""
NEWER = (
    "EXISTS (SELECT 1 FROM outbox n WHERE n.tenant = outbox.tenant AND n.partner = outbox.partner"
    " AND n.member = outbox.member AND n.settled_at IS NULL AND n.kind = outbox.kind AND n.type = outbox.type"
    " AND n.resource = outbox.resource AND n.version > outbox.version)"
)
SPARE = 4
"""Candidates looked at for each that is wanted: other workers may hold some."""


TRIES = 4
"""How often a claim looks again when other workers were faster on all it looked at."""


class SqlOutbox:
    """What is owed to partners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = ""

    def claim(
        self, worker: str, *, now: datetime, limit: int, lease_seconds: float, without: Collection[str] = ()
    ) -> Sequence[Delivery]:
        at, lease = micros(now), micros(now + timedelta(seconds=lease_seconds))
        for _ in range(TRIES):
            candidates = self._candidates(at, limit * SPARE, without)
            if not candidates:
                return []
            with self._engine.writing() as session:
                taken = self._take(session, candidates, worker=worker, at=at, lease=lease, limit=limit)
                step("claimed")
            if taken:
                self._last = taken[-1].owed.partner
                return taken
        return []

    def delivered(self, delivery: Delivery, *, now: datetime) -> bool:
        settled = "state = 'delivered', ready = 0, settled_at = ?, reason = NULL"
        return self._settle(delivery, settled, (micros(now),))

    def retry(self, delivery: Delivery, *, due: datetime, reason: str) -> bool:
        return self._settle(delivery, "state = 'waiting', due = ?, reason = ?", (micros(due), reason))

    def park(self, delivery: Delivery, *, now: datetime, reason: str) -> bool:
        """Park; a delivery that a newer version of its resource waits behind is dropped as superseded instead."""
        at = micros(now)
        return self._settle(
            delivery,
            f"ready = 0, due = ?, state = CASE WHEN {NEWER} THEN 'dropped' ELSE 'parked' END,"
            f" settled_at = CASE WHEN {NEWER} THEN ? END,"
            f" reason = CASE WHEN {NEWER} THEN '{SUPERSEDED}: ' ELSE '' END || ?",
            (at, at, reason),
        )

    def refuse(self, delivery: Delivery, *, now: datetime, reason: str) -> bool:
        return self._settle(delivery, "ready = 0, state = 'dropped', settled_at = ?, reason = ?", (micros(now), reason))

    def wake(self, partner: str, *, now: datetime) -> int:
        at = micros(now)
        with self._engine.writing() as session:
            return session.run(WAKE, (at, partner, at))

    def list(self, caller: Caller, *, state: DeliveryState | None = None, limit: int = 100) -> Sequence[Delivery]:
        """Oldest first."""
        where, parameters = ("AND state = ?", [state]) if state else ("", [])
        sql = f"SELECT {COLUMNS} FROM outbox WHERE tenant = ? {where} ORDER BY seq LIMIT ?"  # noqa: S608
        return [delivery(row) for row in self._engine.rows(sql, (caller.tenant, *parameters, limit))]

    def show(self, caller: Caller, id: str) -> Delivery | None:
        sql = f"SELECT {COLUMNS} FROM outbox WHERE tenant = ? AND id = ?"  # noqa: S608
        found = self._engine.rows(sql, (caller.tenant, id))
        return delivery(found[0]) if found else None

    def release(self, caller: Caller, id: str, *, now: datetime) -> bool:
        return self._decide(
            caller, id, "state = 'waiting', attempts = 0, due = ?", (micros(now),), event="outbox.release"
        )

    def drop(self, caller: Caller, id: str, *, now: datetime, reason: str) -> bool:
        settled = "state = 'dropped', settled_at = ?, reason = ?"
        return self._decide(caller, id, settled, (micros(now), reason), event="outbox.drop")

    def counts(self) -> Mapping[tuple[str, DeliveryState], int]:
        rows = self._engine.rows("SELECT partner, state, count(*) FROM outbox GROUP BY partner, state")
        return {(partner, state): number for partner, state, number in rows}

    def _candidates(self, at: int, number: int, without: Collection[str]) -> Sequence[int]:
        """Due fronts, urgent ones first, then one of each partner in turn, beginning after the partner served last."""
        found: builtins.list[int] = []
        for rank in (0, 1):
            queues = self._queues(rank, at, number, without, each=1)
            if len(queues) < number:  # few partners: several of each
                queues = self._queues(rank, at, number, without, each=number)
            found += [seq for turn in zip_longest(*queues) for seq in turn if seq is not None]
            if len(found) >= number:
                break
        return found[:number]

    def _queues(
        self, rank: int, at: int, number: int, without: Collection[str], *, each: int
    ) -> builtins.list[builtins.list[int]]:
        """Up to `each` due fronts of partners, beginning with the one after the partner served last."""
        names = [one for one in without if not one.endswith(":")]
        kinds = [f"{one}%" for one in without if one.endswith(":")]
        dialect = self._engine.dialect
        sql = DUE[dialect] + " AND p.partner <> ?" * len(names) + " AND p.partner NOT LIKE ?" * len(kinds)
        sql += " LIMIT ?" if each == 1 else IN_ORDER[dialect]
        most = [number] if each == 1 else []
        queues: dict[str, builtins.list[int]] = {}
        for after in (self._last, "") if self._last else ("",):
            given = [rank, after, rank, rank, at, each, *names, *kinds, *most]
            for partner, seq in self._engine.rows(sql, given):
                if after or partner <= self._last or not self._last:
                    queues.setdefault(partner, []).append(seq)
            if each == 1 and len(queues) >= number:
                break
        return [*queues.values()]

    @staticmethod
    def _take(
        session: Session, candidates: Sequence[int], *, worker: str, at: int, lease: int, limit: int
    ) -> Sequence[Delivery]:
        marks = ", ".join("?" * len(candidates))
        chosen = f"SELECT seq FROM outbox WHERE seq IN ({marks}) AND ready = 1 AND due <= ?"  # noqa: S608
        parameters: builtins.list[object] = [*candidates, at]
        if session.dialect == "postgresql":
            chosen += " ORDER BY array_position(?::bigint[], seq) LIMIT ? FOR UPDATE SKIP LOCKED"
            parameters += [[*candidates], limit]
            free = session.rows(chosen, parameters)
        else:
            free = session.rows(chosen, parameters)
        order = {seq: place for place, seq in enumerate(candidates)}
        seqs = sorted((row[0] for row in free), key=order.__getitem__)[:limit]
        if not seqs:
            return []
        rows = session.rows(f"{TAKE} ({', '.join('?' * len(seqs))}) RETURNING seq, {COLUMNS}", (worker, lease, *seqs))
        return [delivery(row[1:]) for row in sorted(rows, key=lambda row: order[row[0]])]

    def _settle(self, settled: Delivery, change: str, parameters: tuple[object, ...]) -> bool:
        lane = (settled.tenant, settled.owed.partner, settled.owed.member)
        with self._engine.writing() as session:
            session.lock([lane_name(lane)])
            sql = f"UPDATE outbox SET {change}, worker = NULL WHERE {OWN}"  # noqa: S608
            if not session.run(sql, (*parameters, settled.id, settled.fence)):
                return False
            session.later(PROMOTE, lane)
            step("settled")
        return True

    def _decide(
        self, caller: Caller, id: str, change: str, parameters: tuple[int] | tuple[int, str], *, event: str
    ) -> bool:
        """A person's decision on a parked delivery, audited in the same transaction."""
        found = self.show(caller, id)
        if found is None:
            return False
        lane = (found.tenant, found.owed.partner, found.owed.member)
        with self._engine.writing() as session:
            session.lock([lane_name(lane)])
            sql = f"UPDATE outbox SET {change} WHERE tenant = ? AND id = ? AND state = 'parked'"  # noqa: S608
            if not session.run(sql, (*parameters, caller.tenant, id)):
                return False
            session.later(PROMOTE, lane)
            entry = AuditEntry("E", event, (f"Delivery/{id}",), recipient=found.owed.partner)
            session.append([audit.note(caller, entry, at=parameters[0])])
        return True
