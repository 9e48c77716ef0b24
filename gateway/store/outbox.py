"""`ports.Outbox` over either engine: at least once, one at a time per lane, urgent first, partners in turn.

A claim is a lease: it runs out at `due`, and the delivery may then be taken again with a higher fence. On PostgreSQL
any number of workers share the table (FOR UPDATE SKIP LOCKED); on SQLite claims take turns with all other writers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from gateway.ports import AuditEntry, Caller, Delivery, DeliveryState, Noted
from gateway.store import audit
from gateway.store.outbox_claim import Claim, claim
from gateway.store.outbox_rows import COLUMNS, PARTNER, PROMOTE, SUPERSEDED, delivery, lane_name
from gateway.store.rows import micros
from gateway.store.sql import Engine, step

WAKE = "UPDATE outbox SET due = ? WHERE partner = ? AND ready = 1 AND state = 'waiting' AND due > ?"
OWN = "id = ? AND fence = ? AND state = 'sending'"
"""The delivery as claimed: a worker that was overtaken holds an old fence."""
NEWER = (
    "EXISTS (SELECT 1 FROM outbox n WHERE n.tenant = outbox.tenant AND n.partner = outbox.partner"
    " AND n.member = outbox.member AND n.settled_at IS NULL AND n.kind = outbox.kind AND n.type = outbox.type"
    " AND n.resource = outbox.resource AND n.version > outbox.version)"
)
TRIES = 4
"""How often a claim looks again when other workers were faster on all it looked at."""


class SqlOutbox:
    """What is owed to partners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = ""

    def claim(
        self,
        worker: str,
        *,
        now: datetime,
        limit: int,
        lease_seconds: float,
        without: Collection[str] = (),
        rooms: Mapping[str, int] | None = None,
    ) -> Sequence[Delivery]:
        at, lease = micros(now), micros(now + timedelta(seconds=lease_seconds))
        wanted = Claim(worker, at, lease, limit, without, rooms or {}, self._last)
        for _ in range(TRIES):
            looked_at, rows = claim(wanted, self._engine)
            if rows:
                self._last = rows[-1][PARTNER]
            if rows or not looked_at:
                return [delivery(row) for row in rows]
        return []

    def delivered(self, delivery: Delivery, *, now: datetime, noted: Noted | None = None) -> bool:
        settled = "state = 'delivered', ready = 0, settled_at = ?, reason = NULL"
        return self._settle(delivery, settled, (micros(now),), noted)

    def retry(self, delivery: Delivery, *, due: datetime, reason: str, noted: Noted | None = None) -> bool:
        return self._settle(delivery, "state = 'waiting', due = ?, reason = ?", (micros(due), reason), noted)

    def park(self, delivery: Delivery, *, now: datetime, reason: str, noted: Noted | None = None) -> bool:
        """Park; a delivery that a newer version of its resource waits behind is dropped as superseded instead."""
        at = micros(now)
        return self._settle(
            delivery,
            f"ready = 0, due = ?, state = CASE WHEN {NEWER} THEN 'dropped' ELSE 'parked' END,"
            f" settled_at = CASE WHEN {NEWER} THEN ? END,"
            f" reason = CASE WHEN {NEWER} THEN '{SUPERSEDED}: ' ELSE '' END || ?",
            (at, at, reason),
            noted,
        )

    def refuse(self, delivery: Delivery, *, now: datetime, reason: str, noted: Noted | None = None) -> bool:
        dropped = "ready = 0, state = 'dropped', settled_at = ?, reason = ?"
        return self._settle(delivery, dropped, (micros(now), reason), noted)

    def wake(self, partner: str, *, now: datetime) -> int:
        at = micros(now)
        with self._engine.writing() as session:
            return session.run(WAKE, (at, partner, at))

    def list(
        self,
        caller: Caller,
        *,
        state: DeliveryState | None = None,
        partner: str | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Oldest first."""
        asked = {name: value for name, value in (("state", state), ("partner", partner)) if value is not None}
        where = "".join(f" AND {name} = ?" for name in asked)
        sql = f"SELECT {COLUMNS} FROM outbox WHERE tenant = ?{where} ORDER BY seq LIMIT ?"  # noqa: S608
        return [delivery(row) for row in self._engine.rows(sql, (caller.tenant, *asked.values(), limit))]

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

    def counts(self, caller: Caller | None = None) -> Mapping[tuple[str, DeliveryState], int]:
        where, tenant = ("", ()) if caller is None else (" WHERE tenant = ?", (caller.tenant,))
        sql = f"SELECT partner, state, count(*) FROM outbox{where} GROUP BY partner, state"  # noqa: S608
        rows = self._engine.rows(sql, tenant)
        return {(partner, state): number for partner, state, number in rows}

    def _settle(self, settled: Delivery, change: str, parameters: tuple[object, ...], noted: Noted | None) -> bool:
        """Settle, let the next of the lane be its front, and keep what is noted, in one transaction and round trip.

        Where the fence is stale nothing changes, for the lane has its front already; what is noted is kept all the
        same, because it was done.
        """
        lane = (settled.tenant, settled.owed.partner, settled.owed.member)
        sql = f"UPDATE outbox SET {change}, worker = NULL WHERE {OWN}"  # noqa: S608
        with self._engine.writing() as session:
            session.lock([lane_name(lane)])
            changed = session.later(sql, (*parameters, settled.id, settled.fence))
            session.later(PROMOTE, lane)
            if noted is not None:
                caller, entry, at = noted
                session.append([audit.note(caller, entry, at=micros(at))])
            step("settled")
        return changed.number == 1

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
