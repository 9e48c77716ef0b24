"""`ports.Inbox` over either engine: kept before it is answered, applied at least once, in turn for each partner."""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from gateway.ports import AuditEntry, Caller, Inbound, InboundState
from gateway.store import audit
from gateway.store.rows import micros, moment
from gateway.store.sql import Engine, Row, step

COLUMNS = "id, tenant, partner, dedupe, received_at, content_type, body, state, attempts, fence, due, reason"
KEEP = (
    "INSERT INTO inbound (id, tenant, partner, dedupe, received_at, content_type, body, state, attempts, fence, due)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, 0, ?) ON CONFLICT (tenant, partner, dedupe) DO NOTHING"
)
BESIDE = "SELECT tenant, partner FROM inbound WHERE settled_at IS NULL AND tenant = ? AND partner > ?"
BESIDE += " ORDER BY partner LIMIT 1"
BEYOND = "SELECT tenant, partner FROM inbound WHERE settled_at IS NULL AND tenant > ? ORDER BY tenant, partner LIMIT 1"
FRONT = (
    "SELECT seq, due FROM inbound WHERE settled_at IS NULL AND tenant = ? AND partner = ?"
    " AND state IN ('waiting', 'working') ORDER BY seq LIMIT 1"
)
TAKE = (
    "UPDATE inbound SET state = 'working', fence = fence + 1, attempts = attempts + 1, due = ? WHERE seq = ?"  # noqa: S608
    f" AND due <= ? AND state IN ('waiting', 'working') RETURNING {COLUMNS}"
)


class SqlInbox:
    """What partners sent us. A parked message holds up nothing: what is newer says more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = ("", "")

    def keep(self, caller: Caller, *, partner: str, key: str, content_type: str, body: bytes, now: datetime) -> bool:
        at = micros(now)
        id = hashlib.sha256("\x1f".join((caller.tenant, partner, key)).encode()).hexdigest()[:32]
        with self._engine.writing() as session:
            new = session.run(KEEP, (id, caller.tenant, partner, key, at, content_type, body, at)) == 1
            step("inbound kept")
            if new:
                entry = AuditEntry("C", "inbound.kept", (f"Inbound/{id}",), recipient=partner)
                session.append([audit.note(caller, entry, at=at)])
        return new

    def claim(self, *, now: datetime, lease_seconds: float) -> Inbound | None:
        at, lease = micros(now), micros(now + timedelta(seconds=lease_seconds))
        for partner in self._in_turn():
            front = self._engine.rows(FRONT, partner)
            if front and front[0][1] <= at:
                with self._engine.writing() as session:
                    rows = session.rows(TAKE, (lease, front[0][0], at))
                    step("inbound claimed")
                if rows:
                    self._last = partner
                    return _inbound(rows[0])
        return None

    def _in_turn(self) -> Iterator[tuple[str, str]]:
        """Tenant and partner of all whose messages are open, beginning after those served last."""
        begun = place = self._last
        while found := self._engine.rows(BESIDE, place) or self._engine.rows(BEYOND, place[:1]):
            place = found[0]
            yield place
        place = ("", "")
        while found := self._engine.rows(BESIDE, place) or self._engine.rows(BEYOND, place[:1]):
            place = found[0]
            if place > begun:
                return
            yield place

    def settle(self, message: Inbound, *, state: InboundState, now: datetime, reason: str | None = None) -> bool:
        settled = micros(now) if state == "applied" else None
        sql = (
            "UPDATE inbound SET state = ?, due = ?, settled_at = ?, reason = ?"
            " WHERE id = ? AND fence = ? AND state = 'working'"
        )
        with self._engine.writing() as session:
            return session.run(sql, (state, micros(now), settled, reason, message.id, message.fence)) == 1

    def list(
        self,
        caller: Caller,
        *,
        state: InboundState | None = None,
        partner: str | None = None,
        limit: int = 100,
    ) -> Sequence[Inbound]:
        """Oldest first."""
        asked = {name: value for name, value in (("state", state), ("partner", partner)) if value is not None}
        where = "".join(f" AND {name} = ?" for name in asked)
        sql = f"SELECT {COLUMNS} FROM inbound WHERE tenant = ?{where} ORDER BY seq LIMIT ?"  # noqa: S608
        return [_inbound(row) for row in self._engine.rows(sql, (caller.tenant, *asked.values(), limit))]

    def show(self, caller: Caller, id: str) -> Inbound | None:
        sql = f"SELECT {COLUMNS} FROM inbound WHERE tenant = ? AND id = ?"  # noqa: S608
        found: builtins.list[Row] = self._engine.rows(sql, (caller.tenant, id))
        return _inbound(found[0]) if found else None

    def release(self, caller: Caller, id: str, *, now: datetime) -> bool:
        at = micros(now)
        sql = (
            "UPDATE inbound SET state = 'waiting', attempts = 0, due = ?, reason = NULL"
            " WHERE tenant = ? AND id = ? AND state = 'parked'"
        )
        with self._engine.writing() as session:
            if not session.run(sql, (at, caller.tenant, id)):
                return False
            entry = AuditEntry("E", "inbox.release", (f"Inbound/{id}",))
            session.append([audit.note(caller, entry, at=at)])
        return True


def _inbound(row: Row) -> Inbound:
    id, tenant, partner, key, received_at, content_type, body, state, attempts, fence, due, reason = row
    return Inbound(
        id=id,
        tenant=tenant,
        partner=partner,
        key=key,
        received_at=moment(received_at),
        content_type=content_type,
        body=bytes(body),
        state=state,
        attempts=attempts,
        fence=fence,
        due=moment(due),
        reason=reason,
    )
