"""`ports.Cursors` over either engine: how far partners were asked for changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.ports import Caller, Cursor
from gateway.store.rows import micros, moment
from gateway.store.sql import Engine

_NEW = (
    "INSERT INTO poll_cursor (tenant, partner, name, through, fence, due) VALUES (?, ?, ?, NULL, 0, 0)"
    " ON CONFLICT (tenant, partner, name) DO NOTHING"
)
_CLAIM = (
    "UPDATE poll_cursor SET fence = fence + 1, due = ? WHERE tenant = ? AND partner = ? AND name = ? AND due <= ?"
    " RETURNING fence, through"
)
_SETTLE = (
    "UPDATE poll_cursor SET through = COALESCE(?, through), due = ?"
    " WHERE tenant = ? AND partner = ? AND name = ? AND fence = ?"
)


class SqlCursors:
    """A claim is the time until which nobody else may ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, caller: Caller, *, partner: str, name: str, now: datetime, lease_seconds: float) -> Cursor | None:
        at, lease = micros(now), micros(now + timedelta(seconds=lease_seconds))
        with self._engine.writing() as session:
            session.run(_NEW, (caller.tenant, partner, name))
            rows = session.rows(_CLAIM, (lease, caller.tenant, partner, name, at))
        if not rows:
            return None
        fence, through = rows[0]
        return Cursor(caller.tenant, partner, name, fence, None if through is None else moment(through))

    def settle(self, cursor: Cursor, *, through: datetime | None, due: datetime) -> bool:
        reached = None if through is None else micros(through)
        with self._engine.writing() as session:
            return (
                session.run(_SETTLE, (reached, micros(due), cursor.tenant, cursor.partner, cursor.name, cursor.fence))
                == 1
            )

    def due(self, caller: Caller, *, partner: str, name: str, now: datetime) -> None:
        sql = "UPDATE poll_cursor SET due = ? WHERE tenant = ? AND partner = ? AND name = ? AND due > ?"
        at = micros(now)
        with self._engine.writing() as session:
            session.run(sql, (at, caller.tenant, partner, name, at))
