"""`ports.Store` over either engine: every statement names the caller's tenant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gateway.ports import AuditEntry, Caller, Clock, Cursors, Inbox, Kept, Name, Outbox, Page, Retention, Subscriptions
from gateway.store import audit
from gateway.store.audit import Gathering
from gateway.store.cursors import SqlCursors
from gateway.store.inbox import SqlInbox
from gateway.store.outbox import SqlOutbox
from gateway.store.retention import SqlRetention
from gateway.store.rows import kept, kept_columns, micros, moment
from gateway.store.sql import Engine, Index, Note, Row
from gateway.store.subscriptions import SqlSubscriptions, Watch, Watched
from gateway.store.transaction import READ, READ_MANY, SqlTransaction

if TYPE_CHECKING:
    from gateway.search.query import Query

AUDIT_ROWS = 10_000
"""Audit rows in memory at a time, while the trail is walked."""
PROBE = "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at"


class SqlStore:
    """Resources, versions, index, audit and outbox in one database. Made by `gateway.store.open`."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        index: Index,
        watch: Watch | None = None,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self.engine = engine
        self.outbox: Outbox = SqlOutbox(engine)
        self.subscriptions: Subscriptions = SqlSubscriptions(engine)
        self.inbox: Inbox = SqlInbox(engine)
        self.cursors: Cursors = SqlCursors(engine)
        self.retention: Retention = SqlRetention(engine)
        self._watched = Watched(watch) if watch is not None else None
        self._clock = clock
        self._index = index
        self._prepare = prepare
        self._read = READ[engine.dialect]
        columns = kept_columns(engine.dialect)
        self._versions = f"SELECT {columns} FROM resource_version v WHERE v.tenant = ? AND v.type = ? AND v.id = ?"  # noqa: S608
        self._local = threading.local()
        self._gathering = Gathering(self._append)

    @contextmanager
    def begin(self, caller: Caller) -> Iterator[SqlTransaction]:
        self._outside()
        self._prepare()
        self._local.inside = True
        try:
            with self.engine.writing() as session:
                transaction = SqlTransaction(
                    session, caller, clock=self._clock, index=self._index, watched=self._watched
                )
                yield transaction
                transaction.finish()
        finally:
            self._local.inside = False

    def read(self, caller: Caller, type: str, id: str, version: int | None = None) -> Kept | None:
        if version is None:
            found = self.engine.rows(self._read, (caller.tenant, type, id))
        else:
            found = self.engine.rows(self._versions + " AND v.version = ?", (caller.tenant, type, id, version))
        return kept(found[0]) if found else None

    def read_many(self, caller: Caller, names: Collection[Name]) -> Mapping[Name, Kept]:
        if self.engine.dialect == "sqlite" or len(names) < 2:  # no server to go to and fro
            found = (self.read(caller, type, id) for type, id in names)
            return {(one.type, one.id): one for one in found if one is not None}
        types, ids = zip(*names, strict=True)
        rows = self.engine.rows(READ_MANY, ([*types], [*ids], caller.tenant))
        return {(one.type, one.id): one for one in map(kept, rows)}

    def history(self, caller: Caller, type: str, id: str) -> Sequence[Kept]:
        rows = self.engine.rows(self._versions + " ORDER BY v.version DESC", (caller.tenant, type, id))
        return [kept(row) for row in rows]

    def search(self, caller: Caller, query: Query) -> Page:
        from gateway.store.search import search

        return search(query, tenant=caller.tenant, reader=self.engine)

    def note(self, caller: Caller, entry: AuditEntry) -> None:
        self._outside()
        self._gathering.add(audit.note(caller, entry, at=micros(self._clock())))

    def audit(self, caller: Caller, *, limit: int = 100, after: int = 0) -> Sequence[Mapping[str, Any]]:
        """Audit rows of the caller's tenant, oldest first, with `seq` > `after`; `at` is a datetime."""
        sql = f"{audit.SELECT} WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
        found = (
            dict(zip(audit.NAMES, row, strict=True)) for row in self.engine.rows(sql, (caller.tenant, after, limit))
        )
        return [{**row, "at": moment(row["at"]), "entities": tuple(row["entities"].split())} for row in found]

    def broken_audit(self, caller: Caller) -> Sequence[int]:
        """The `seq` of audit rows of the caller's tenant that were changed, or whose forerunner was removed."""
        return audit.broken(self._audited(caller.tenant))

    def _audited(self, tenant: str) -> Iterator[Row]:
        """All audit rows of a tenant, oldest first, some at a time."""
        sql, after = f"{audit.SELECT} WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?", 0
        while rows := self.engine.rows(sql, (tenant, after, AUDIT_ROWS)):
            yield from rows
            after = rows[-1][0]

    def ready(self) -> None:
        with self.engine.writing() as session:
            session.run(PROBE, (micros(self._clock()),))

    def close(self) -> None:
        self.engine.close()

    def _outside(self) -> None:
        if getattr(self._local, "inside", False):
            raise RuntimeError("a transaction is open on this thread: write through it")

    def _append(self, take: Callable[[], list[Note]]) -> None:
        with self.engine.writing() as session:
            session.append(take())
