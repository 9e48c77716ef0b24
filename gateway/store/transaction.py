"""One unit of work: `ports.Transaction` over a Session of either engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from gateway.errors import NotFound, StaleVersion
from gateway.fhir import codec
from gateway.ports import AuditEntry, Caller, Change, Clock, Json, Kept, Owed, Page
from gateway.store import audit, outbox_rows
from gateway.store.rows import kept, kept_columns, micros, stamped
from gateway.store.sql import Dialect, Index, Note, Session, Version, step
from gateway.store.subscriptions import Watched, lock_of, moved

if TYPE_CHECKING:
    from gateway.search.query import Query

TRIES = 5
"""How often an unconditional put looks again when another transaction was faster."""
CURRENT = "SELECT version, deleted FROM resource WHERE tenant = ? AND type = ? AND id = ?"


def read_sql(dialect: Dialect) -> str:
    """The current version of one resource: tenant, type, id."""
    return f"SELECT {kept_columns(dialect)} FROM resource r {CURRENT_VERSION} AND r.type = ? AND r.id = ?"  # noqa: S608


CURRENT_VERSION = (
    "JOIN resource_version v ON v.tenant = r.tenant AND v.type = r.type AND v.id = r.id AND v.version = r.version"
    " WHERE r.tenant = ?"
)
READ: dict[Dialect, str] = {"sqlite": read_sql("sqlite"), "postgresql": read_sql("postgresql")}
READ_MANY = (
    "SELECT one.* FROM unnest(?::text[], ?::text[]) n (type, id) CROSS JOIN LATERAL ("  # noqa: S608
    f"SELECT {kept_columns('postgresql')} FROM resource r {CURRENT_VERSION} AND r.type = n.type AND r.id = n.id"
    " OFFSET 0) one"  # one after the other by the index, whatever the planner has heard of the tables
)
"""The current versions of several: types, ids, tenant. PostgreSQL only."""


class SqlTransaction:
    """Made by `SqlStore.begin`, which calls `finish` before the commit."""

    def __init__(
        self, session: Session, caller: Caller, *, clock: Clock, index: Index, watched: Watched | None = None
    ) -> None:
        self._session = session
        self._caller = caller
        self._clock = clock
        self._index = index
        self._notes: list[Note] = []
        self._owed: list[Owed] = []
        self._watched = watched
        self._changes: list[Change] = []
        self._locked = False

    def read(self, type: str, id: str) -> Kept | None:
        found = self._session.rows(READ[self._session.dialect], (self._caller.tenant, type, id))
        return kept(found[0]) if found else None

    def put(self, resource: Json, *, expected: int | None = None, posted: bool = False) -> Kept:
        self._guard(resource["resourceType"])
        for _ in range(1 if expected is not None else TRIES):
            before = self._current(resource["resourceType"], resource["id"])[0] if expected is None else expected
            at = self._now()
            whole = stamped(resource, version=before + 1, at=at)
            made = self._keep(whole, whole["resourceType"], whole["id"], before + 1, at, posted=posted)
            if made is not None:
                return made
        raise StaleVersion

    def delete(self, type: str, id: str, *, expected: int | None = None) -> Kept:
        self._guard(type)
        for _ in range(TRIES):
            version, deleted = self._current(type, id)
            if not version:
                raise NotFound
            if expected is not None and expected != version:
                raise StaleVersion
            if deleted:
                already = self.read(type, id)
                assert already is not None
                return already
            made = self._keep(None, type, id, version + 1, self._now())
            if made is not None:
                return made
        raise StaleVersion

    def search(self, query: Query) -> Page:
        """What the query finds now; on PostgreSQL two transactions with the same query take turns, so that two
        identical conditional creates make one resource."""
        from gateway.store.search import search

        self._session.lock([f"search {self._caller.tenant} {query!r}"])
        return search(query, tenant=self._caller.tenant, reader=self._session)

    def note(self, entry: AuditEntry) -> None:
        self._notes.append(audit.note(self._caller, entry, at=micros(self._clock())))

    def owe(self, messages: Iterable[Owed]) -> None:
        self._owed.extend(messages)

    def finish(self) -> None:
        """Write what was gathered: events, then messages (they take their lanes' locks), then the audit rows."""
        if self._changes and self._watched is not None:
            at = micros(self._clock())
            self._owed += self._watched.owed(self._session, self._changes, tenant=self._caller.tenant, at=at)
        if self._owed:
            outbox_rows.owe(self._session, self._owed, tenant=self._caller.tenant, at=micros(self._clock()))
            step("outbox kept")
        self._session.append(self._notes)

    def _guard(self, type: str) -> None:
        """Hold the tenant's subscriptions still: alone to change one, shared with others to change anything else."""
        name = lock_of(self._caller.tenant)
        if type == "Subscription":
            self._session.lock([name])
        elif not self._locked and self._watched is not None:
            self._session.share(name)
        self._locked = True

    def _now(self) -> datetime:
        now = self._clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _current(self, type: str, id: str) -> tuple[int, bool]:
        lock = " FOR UPDATE" if self._session.dialect == "postgresql" else ""
        found = self._session.rows(CURRENT + lock, (self._caller.tenant, type, id))
        return (found[0][0], bool(found[0][1])) if found else (0, False)

    def _keep(
        self, whole: Json | None, type: str, id: str, version: int, at: datetime, *, posted: bool = False
    ) -> Kept | None:
        body = codec.write(whole) if whole is not None else b""
        new = Version(
            tenant=self._caller.tenant,
            type=type,
            id=id,
            version=version,
            at=micros(at),
            deleted=whole is None,
            body=body.decode(),
            entries=tuple(self._index(whole)) if whole is not None else (),
            posted=posted,
        )
        if not self._session.keep(new):
            return None
        if type == "Subscription":
            self._owed += moved(self._session, new, principal=self._caller.principal, at=new.at)
        else:
            method: Literal["POST", "PUT", "DELETE"] = "DELETE" if new.deleted else "POST" if version == 1 else "PUT"
            self._changes.append(Change(method, type, id, version, at, new.entries))
        return Kept(type, id, version, at, body, deleted=whole is None, posted=posted)
