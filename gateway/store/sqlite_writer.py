"""The one writer of a process on SQLite: callers take turns on one connection and share commits.

A transaction that ends while others wait hands the open database transaction on instead of committing; the last one
commits for all of them, so that a disk that takes milliseconds to sync is paid once for many. Each sits in a savepoint
of its own: when one raises, the others are kept. Between processes two lock files decide (SQLite's own waiting sleeps):
whoever waits for the lock holds the gate before it, so that a busy process cannot take the lock again and again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import StoreUnavailable
from gateway.store.audit import Strand
from gateway.store.sql import step, unavailable

SHARE = 32
"""Most transactions that share one commit."""
AGE = 0.02
"""Seconds after which an open group commits even if others wait."""
POLL = 0.0002
"""Seconds between looks at another process's lock."""


class _Place:
    """A caller's place: first in the queue for the turn, then among those who wait for the commit."""

    __slots__ = ("error", "granted", "signal")

    def __init__(self) -> None:
        self.signal = threading.Lock()
        self.signal.acquire()
        self.granted = False
        self.error: BaseException | None = None


class Writer:
    """Turns on `connection`, which must be in autocommit mode and used by nobody else."""

    def __init__(self, connection: sqlite3.Connection, *, lock: Path, wait: float) -> None:
        self.connection = connection
        self.strand = Strand()
        self._wait = wait
        self._lock, self._gate = (
            os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            for file in (lock, lock.with_name(lock.name + ".gate"))
        )
        self._mutex = threading.Lock()
        self._queue: deque[_Place] = deque()
        self._busy = False
        self._owner: int | None = None
        self._group: list[_Place] = []
        self._opened = 0.0

    @contextmanager
    def turn(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction of one's own; durable when the block has ended."""
        self._enter()
        try:
            yield self.connection
        except BaseException as error:
            self._leave(undo=True)
            if isinstance(error, sqlite3.Error):
                raise unavailable(error) from error
            raise
        place = self._leave(undo=False)
        if place is not None:
            place.signal.acquire()
            if place.error is not None:
                raise unavailable(place.error) from place.error

    def close(self) -> None:
        self.connection.close()
        os.close(self._lock)
        os.close(self._gate)

    def _enter(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("a transaction is open on this thread: write through it")
        place = None
        with self._mutex:
            if self._busy:
                place = _Place()
                self._queue.append(place)
            else:
                self._busy = True
        if place is not None and not place.signal.acquire(timeout=self._wait):
            with self._mutex:
                if not place.granted:
                    self._queue.remove(place)
                    raise StoreUnavailable("The database is busy: nothing was kept, repeat later.")
        try:
            if self.connection.in_transaction:
                self.connection.execute("SAVEPOINT turn")
            else:
                self._take_lock()
                self.connection.execute("BEGIN IMMEDIATE")
                self._opened = time.monotonic()
        except sqlite3.Error as error:
            self._finish(error)
            raise unavailable(error) from error
        except BaseException:
            self._pass_on()
            raise
        self._owner = threading.get_ident()

    def _leave(self, *, undo: bool) -> _Place | None:
        """End the turn: hand the open transaction on, or commit it. The place to wait at, when something was kept."""
        self._owner = None
        place = None
        try:
            if not self.connection.in_transaction:  # a full disk or an I/O error made SQLite undo everything
                raise sqlite3.OperationalError("transaction lost")
            if not undo:
                place = _Place()
                if self._group:
                    self.connection.execute("RELEASE turn")
                self._group.append(place)
            elif self._group:
                self.connection.execute("ROLLBACK TO turn")
                self.connection.execute("RELEASE turn")
                self.strand = Strand()
            else:
                self.strand = Strand()
                self.connection.execute("ROLLBACK")
                self._finish(None)
                return None
            if len(self._group) < SHARE and time.monotonic() - self._opened < AGE and self._hand_over():
                return place
            step("before commit")
            self.connection.execute("COMMIT")
            step("after commit")
        except BaseException as error:
            if place is not None and place not in self._group:
                self._group.append(place)
            self._finish(error)
            if not isinstance(error, sqlite3.Error):
                raise
            if place is None and not undo:
                raise unavailable(error) from error
            return place
        self._finish(None)
        return place

    def _hand_over(self) -> bool:
        with self._mutex:
            if not self._queue:
                return False
            heir = self._queue.popleft()
            heir.granted = True
        heir.signal.release()
        return True

    def _finish(self, error: BaseException | None) -> None:
        """The group's transaction is over: tell its members, let other processes and the next caller in."""
        if error is not None:
            self.strand = Strand()
            if self.connection.in_transaction:
                try:
                    self.connection.execute("ROLLBACK")
                except sqlite3.Error:
                    step("rollback failed")
        group, self._group = self._group, []
        self._pass_on()
        for place in group:
            place.error = error
            place.signal.release()

    def _pass_on(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        while not self._hand_over():
            with self._mutex:
                if not self._queue:
                    self._busy = False
                    return

    def _take_lock(self) -> None:
        until = time.monotonic() + self._wait
        _take(self._gate, until=until)
        try:
            _take(self._lock, until=until)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)


def _take(lock: int, *, until: float) -> None:
    """Take another process's lock as soon as it is free; StoreUnavailable after `until` (of the monotonic clock)."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise StoreUnavailable("The database is busy: nothing was kept, repeat later.") from None
            time.sleep(POLL)
