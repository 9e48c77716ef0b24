"""SQLite: one file, WAL, synchronous FULL. Readers see a snapshot each and never wait; writers take turns.

https://sqlite.org/wal.html. Every thread reads on its own connection. Open the store after a process has forked.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import StoreUnavailable
from gateway.store import audit
from gateway.store.sql import REVISION, Changed, Dialect, Note, Row, Version, step, unavailable
from gateway.store.sqlite_writer import Writer

NEW = (
    "INSERT INTO resource (tenant, type, id, version, at, deleted) VALUES (?, ?, ?, 1, ?, ?)"
    " ON CONFLICT (tenant, type, id) DO NOTHING RETURNING key"
)
NEXT = (
    "UPDATE resource SET version = version + 1, at = ?, deleted = ?"
    " WHERE tenant = ? AND type = ? AND id = ? AND version = ? RETURNING key"
)
VERSION = (
    "INSERT INTO resource_version (tenant, type, id, version, at, deleted, body, posted)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
FORGET = "DELETE FROM search_entry WHERE key = ?"
_ENTRY = "INSERT INTO search_entry (key, tenant, type, param, system, value, low, high) VALUES "
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?)"
ENTRY = _ENTRY + _ROW


def connect(path: Path, *, wait: float, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the settings that durability rests on; the file is made readable by its owner alone."""
    if not path.exists() and not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = {-2000 if read_only else -8000}")  # KiB: there is a reader a thread
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        _write_ahead(connection, wait=wait)
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def _write_ahead(connection: sqlite3.Connection, *, wait: float) -> None:
    """Switch to the write-ahead log, for which SQLite itself does not wait while others look at a new file."""
    until = time.monotonic() + wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return


class _Mine:
    """One thread's connection; closed when its thread is gone or the engine is."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class SqliteSession:
    """One turn of the writer."""

    dialect: Dialect = "sqlite"

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._connection = writer.connection

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def later(self, sql: str, parameters: Sequence[object] = ()) -> Changed:
        return Changed(self._connection.execute(sql, parameters).rowcount)

    def last(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self.rows(sql, parameters)

    def keep(self, version: Version) -> bool:
        new = version
        run = self._connection.execute
        name = (new.tenant, new.type, new.id)
        if new.version == 1:
            found = run(NEW, (*name, new.at, new.deleted)).fetchall()
        else:
            found = run(NEXT, (new.at, new.deleted, *name, new.version - 1)).fetchall()
        if not found:
            return False
        step("pointer kept")
        key = found[0][0]
        if new.version > 1:
            run(FORGET, (key,))
        run(VERSION, (*name, new.version, new.at, new.deleted, new.body, new.posted))
        step("version kept")
        if new.entries:
            for start in range(0, len(new.entries), audit.TOGETHER):
                some = new.entries[start : start + audit.TOGETHER]
                values: list[object] = []
                for e in some:
                    values += (key, new.tenant, new.type, e.param, e.system, e.value, e.low, e.high)
                run(_ENTRY + ", ".join([_ROW] * len(some)), values)
        step("index kept")
        return True

    def append(self, notes: Sequence[Note]) -> None:
        if notes:
            for sql, values in audit.statements(self._writer.strand.chain(notes, newest=self._newest)):
                self._connection.execute(sql, values)
            step("audit kept")

    def lock(self, names: Iterable[str]) -> None:
        """Nothing to do: there is one writer."""

    def share(self, name: str) -> None:
        """Nothing to do: there is one writer."""

    def revision(self, tenant: str) -> int:
        return self._connection.execute(REVISION, (tenant,)).fetchall()[0][0] or 0

    def _newest(self, tenant: str) -> bytes:
        found = self.rows(audit.NEWEST, (tenant,))
        return bytes(found[0][0]) if found else b""


class SqliteEngine:
    """A database file."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, wait: float) -> None:
        self.path = path
        self._wait = wait
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Mine] = weakref.WeakSet()
        self._closed = False
        try:
            self._writer = Writer(connect(path, wait=wait), lock=path.with_name(path.name + ".lock"), wait=wait)
        except (sqlite3.Error, OSError) as error:
            raise unavailable(error) from error

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        try:
            mine: _Mine | None = getattr(self._local, "mine", None)
            if mine is None:
                mine = self._connect()
            return mine.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise unavailable(error) from error

    @contextmanager
    def writing(self) -> Iterator[SqliteSession]:
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        with self._writer.turn():
            yield SqliteSession(self._writer)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            for mine in list(self._readers):
                mine.connection.close()
            self._writer.close()

    def _connect(self) -> _Mine:
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        mine = self._local.mine = _Mine(connect(self.path, wait=self._wait, read_only=True))
        self._readers.add(mine)
        return mine
