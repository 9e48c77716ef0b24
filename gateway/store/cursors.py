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
    "UPDATE poll_cursor SET fence = fence + 1 + fence % 2, due = ?"
    " WHERE tenant = ? AND partner = ? AND name = ? AND due <= ? RETURNING fence, through"
)
"""An odd fence: somebody is asking, `due` is the end of the lease. An even one: nobody is."""
_OWN = "WHERE tenant = ? AND partner = ? AND name = ? AND fence = ?"
_SETTLE = f"UPDATE poll_cursor SET through = COALESCE(?, through), due = ?, fence = fence + 1 {_OWN}"  # noqa: S608
_RENEW = f"UPDATE poll_cursor SET due = ? {_OWN}"  # noqa: S608
_DUE = "UPDATE poll_cursor SET due = ? WHERE tenant = ? AND partner = ? AND name = ? AND due > ? AND fence % 2 = 0"
_IDLE = "SELECT 1 FROM poll_cursor WHERE tenant = ? AND partner = ? AND name = ? AND fence % 2 = 0"


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

    def renew(self, cursor: Cursor, *, now: datetime, lease_seconds: float) -> bool:
        lease = micros(now + timedelta(seconds=lease_seconds))
        with self._engine.writing() as session:
            return session.run(_RENEW, (lease, *_own(cursor))) == 1

    def settle(self, cursor: Cursor, *, through: datetime | None, due: datetime) -> bool:
        reached = None if through is None else micros(through)
        with self._engine.writing() as session:
            return session.run(_SETTLE, (reached, micros(due), *_own(cursor))) == 1

    def due(self, caller: Caller, *, partner: str, name: str, now: datetime) -> bool:
        at = micros(now)
        with self._engine.writing() as session:
            session.run(_NEW, (caller.tenant, partner, name))
            if session.run(_DUE, (at, caller.tenant, partner, name, at)):
                return True
            return bool(session.rows(_IDLE, (caller.tenant, partner, name)))


def _own(cursor: Cursor) -> tuple[str, str, str, int]:
    return cursor.tenant, cursor.partner, cursor.name, cursor.fence
