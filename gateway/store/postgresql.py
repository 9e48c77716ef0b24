"""PostgreSQL through psycopg 3: a pool of connections in autocommit, each transaction in as few round trips as it can.

Statements that need no answer are queued and travel with the next one that does, BEGIN first and COMMIT last
(https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html). A put is one statement.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from gateway.errors import StoreUnavailable
from gateway.store import audit
from gateway.store.audit import Strand
from gateway.store.sql import Changed, Dialect, Note, Row, Version, defect, step, unavailable

VERSION = (
    " kept AS (INSERT INTO resource_version (tenant, type, id, version, at, deleted, body, posted)"
    " SELECT %(tenant)s, %(type)s, %(id)s, %(version)s, %(at)s, %(deleted)s, %(body)s, %(posted)s FROM head),"
    " found AS (INSERT INTO search_entry (key, tenant, type, param, system, value, low, high)"
    " SELECT head.key, %(tenant)s, %(type)s, e.* FROM head, unnest(%(params)s::text[], %(systems)s::text[],"
    " %(values)s::text[], %(lows)s::bigint[], %(highs)s::bigint[]) AS e)"
    " SELECT key, (SELECT max(revision) FROM subscription WHERE tenant = %(tenant)s) FROM head"
)
NEW = (
    "WITH head AS (INSERT INTO resource (tenant, type, id, version, at, deleted)"
    " VALUES (%(tenant)s, %(type)s, %(id)s, 1, %(at)s, %(deleted)s)"
    " ON CONFLICT (tenant, type, id) DO NOTHING RETURNING key),"
)
NEXT = (
    "WITH head AS (UPDATE resource SET version = version + 1, at = %(at)s, deleted = %(deleted)s WHERE"
    " tenant = %(tenant)s AND type = %(type)s AND id = %(id)s AND version = %(version)s - 1 RETURNING key),"
    " old AS (DELETE FROM search_entry USING head WHERE search_entry.key = head.key),"
)
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
SHARE = "SELECT pg_advisory_xact_lock_shared(hashtextextended(?, 0))"
LIMITS = "-c lock_timeout={wait} -c statement_timeout={long} -c idle_in_transaction_session_timeout={long} -c jit=off"
"""A statement that waits, or a process that was paused in a transaction, must not hold up everyone else. All are small:
compiling one takes far longer than running it."""
TRIES = 3
"""How often a read is tried anew after its connection was lost."""

for _name in ("psycopg", "psycopg.pool"):  # only the gateway's own, allow-listed lines are logged
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


@lru_cache(maxsize=1024)
def _driver(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


_Queued = tuple[bytes, Any, Changed]


class _Connection(psycopg.Connection[Row]):
    """A connection and the audit strand it writes."""

    strand: Strand


class PostgresSession:
    """One transaction on one connection of the pool."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._queued: list[_Queued] = [(b"BEGIN", None, Changed())]
        self._ended = False
        self._revision = 0

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self._execute(_driver(sql), parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._execute(_driver(sql), parameters).rowcount

    def later(self, sql: str, parameters: Sequence[object] = ()) -> Changed:
        changed = Changed()
        self._queued.append((_driver(sql), parameters, changed))
        return changed

    def last(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        cursor = self._end((_driver(sql), parameters))
        assert cursor is not None
        return cursor.fetchall()

    def keep(self, version: Version) -> bool:
        new = version
        values = {
            "tenant": new.tenant,
            "type": new.type,
            "id": new.id,
            "version": new.version,
            "at": new.at,
            "deleted": int(new.deleted),
            "posted": int(new.posted),
            "body": new.body,
            "params": [e.param for e in new.entries],
            "systems": [e.system for e in new.entries],
            "values": [e.value for e in new.entries],
            "lows": [e.low for e in new.entries],
            "highs": [e.high for e in new.entries],
        }
        kept = self._execute(((NEW if new.version == 1 else NEXT) + VERSION).encode(), values).fetchall()
        step("version kept")
        if kept:
            self._revision = max(self._revision, kept[0][1] or 0)
        return bool(kept)

    def append(self, notes: Sequence[Note]) -> None:
        for row in self._connection.strand.chain(notes, newest=self._newest):
            self.later(audit.INSERT, row)

    def lock(self, names: Iterable[str]) -> None:
        for name in sorted(set(names)):
            self.later(LOCK, (name,))

    def share(self, name: str) -> None:
        self.later(SHARE, (name,))

    def revision(self, tenant: str) -> int:
        """As the last `keep` saw it, in its own round trip."""
        return self._revision

    def commit(self) -> None:
        """Send what is queued, and COMMIT; nothing at all if there was nothing."""
        if not self._ended and not (len(self._queued) == 1 and self._queued[0][0] == b"BEGIN"):
            self._end()

    def _end(self, *last: tuple[bytes, Any]) -> psycopg.Cursor[Row] | None:
        """Send what is queued, the last statement if there is one, and COMMIT in one round trip."""
        step("before commit")
        *cursors, ended = self._send(*last, (b"COMMIT", None))
        self._ended = True
        if ended.statusmessage != "COMMIT":
            raise StoreUnavailable("The database undid the transaction: nothing was kept, repeat later.")
        step("after commit")
        return cursors[-1] if cursors else None

    def _execute(self, sql: bytes, parameters: Any) -> psycopg.Cursor[Row]:
        return self._send((sql, parameters))[-1]

    def _send(self, *statements: tuple[bytes, Any]) -> list[psycopg.Cursor[Row]]:
        """Run what is queued, then `statements`, in one round trip; the cursors of the latter."""
        queued, self._queued = self._queued, []
        execute = self._connection.execute
        if not queued and len(statements) == 1:
            return [execute(*statements[0])]
        with self._connection.pipeline():
            before = [(execute(sql, values), changed) for sql, values, changed in queued]
            cursors = [execute(*statement) for statement in statements]
        for cursor, changed in before:
            changed.number = cursor.rowcount
        return cursors

    def _newest(self, tenant: str) -> bytes:
        found = self.rows(audit.NEWEST, (tenant,))
        return bytes(found[0][0]) if found else b""


class PostgresEngine:
    """A database server."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, *, wait: float, connections: int) -> None:
        limits = LIMITS.format(wait=int(wait * 1000), long=int(wait * 4000))
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            connection_class=_Connection,
            kwargs={"autocommit": True, "connect_timeout": max(2, int(wait)), "options": limits},
            min_size=1,
            max_size=connections,
            timeout=wait,
            configure=_configure,
            open=True,
        )

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        for attempt in range(TRIES):
            try:
                connection = self._take()
                try:
                    return connection.execute(_driver(sql), parameters).fetchall()
                finally:
                    self._pool.putconn(connection)
            except psycopg.OperationalError as error:
                if attempt + 1 == TRIES or isinstance(error, (PoolTimeout, psycopg.errors.QueryCanceled)):
                    raise unavailable(error) from error
            except psycopg.Error as error:
                raise defect(error) from error
        raise AssertionError

    @contextmanager
    def writing(self) -> Iterator[PostgresSession]:
        try:
            connection = self._take()
        except psycopg.Error as error:
            raise unavailable(error) from error
        done = False
        try:
            session = PostgresSession(connection)
            yield session
            session.commit()
            done = True
        except psycopg.OperationalError as error:
            raise unavailable(error) from error
        except psycopg.Error as error:
            raise defect(error) from error
        finally:
            if not done:
                _undo(connection)
            self._pool.putconn(connection)

    def close(self) -> None:
        self._pool.close()

    def _take(self) -> _Connection:
        """A connection that the server has not closed meanwhile (the pool's own check waits a second after each)."""
        while True:
            connection = self._pool.getconn()
            if not _lost(connection):
                return connection
            connection.close()
            self._pool.putconn(connection)  # which replaces it


def _undo(connection: _Connection) -> None:
    connection.strand = Strand()
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()  # the pool replaces a closed connection


def _configure(connection: _Connection) -> None:
    connection.strand = Strand()


def _lost(connection: _Connection) -> bool:
    """Whether the server has closed it: an idle connection has nothing to say, so data to read means its end."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
