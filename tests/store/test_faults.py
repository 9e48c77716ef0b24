"""A database that is locked, full, lost or killed: StoreUnavailable and nothing half kept."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import gateway.store
from gateway.errors import StoreUnavailable
from gateway.ports import AuditEntry
from gateway.store import SqlStore
from tests.databases import CALLER, index, owe, owed, patient

READ = AuditEntry("R", "read", ("Patient/p1",))
ROOT = Path(__file__).parents[2]


def put(store: SqlStore, id: str = "p1") -> None:
    with store.begin(CALLER) as tx:
        tx.put(patient(id))
        tx.note(READ)


def test_a_locked_file_is_unavailable_and_recovers(sqlite_url: str, clock) -> None:
    store = gateway.store.open(sqlite_url, clock=clock, wait_seconds=0.2)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for write in (lambda: put(store), lambda: store.note(CALLER, READ), store.ready, lambda: owe(store, owed())):
        with pytest.raises(StoreUnavailable):
            write()
    assert store.read(CALLER, "Patient", "p1") is None, "reading goes on"
    other.execute("ROLLBACK")
    put(store)
    store.ready()
    assert store.broken_audit(CALLER) == []
    other.close()
    store.close()


def test_another_process_that_holds_the_lock_file_is_waited_for_and_given_up(sqlite_url: str, clock) -> None:
    first = gateway.store.open(sqlite_url, clock=clock, wait_seconds=0.2)
    second = gateway.store.open(sqlite_url, clock=clock, wait_seconds=0.2)
    with first.begin(CALLER), pytest.raises(StoreUnavailable):
        second.engine.writing().__enter__()
    put(second)
    first.close()
    second.close()


def test_a_full_disk_keeps_nothing_of_the_write_that_failed_and_all_before(sqlite_url: str, clock) -> None:
    store = gateway.store.open(sqlite_url, clock=clock, index=index)
    pages = store.engine.rows("PRAGMA page_count")[0][0]
    store.engine._writer.connection.execute(f"PRAGMA max_page_count = {pages + 30}")
    kept: list[int] = []

    def fill() -> None:
        for number in range(10_000):
            with store.begin(CALLER) as tx:
                tx.put(patient(f"p{number}", text="x" * 5000))
                tx.note(READ)
            kept.append(number)

    with pytest.raises(StoreUnavailable):
        fill()
    assert kept
    assert len(store.audit(CALLER, limit=10_000)) == len(kept)
    assert all(store.read(CALLER, "Patient", f"p{number}") for number in kept)
    assert store.read(CALLER, "Patient", f"p{len(kept)}") is None
    store.engine._writer.connection.execute("PRAGMA max_page_count = 1000000")
    put(store, "after")
    assert store.broken_audit(CALLER) == []
    store.close()


@pytest.mark.postgres
def test_lost_connections_are_replaced_without_a_failed_request(postgres_url: str, clock) -> None:
    import psycopg

    store = gateway.store.open(postgres_url, clock=clock, index=index, connections=2)
    put(store)
    for _ in range(3):
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        time.sleep(0.05)
        assert store.read(CALLER, "Patient", "p1") is not None
        put(store)
    assert store.broken_audit(CALLER) == []
    store.close()


@pytest.mark.postgres
def test_a_connection_lost_inside_a_transaction_keeps_nothing(postgres_url: str, clock) -> None:
    store = gateway.store.open(postgres_url, clock=clock, index=index)

    def cut_off() -> None:
        with store.begin(CALLER) as tx:
            tx.put(patient())
            store.engine.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND state = 'idle in transaction'"
            )
            time.sleep(0.05)
            tx.put(patient("p2"))

    with pytest.raises(StoreUnavailable):
        cut_off()
    assert store.read(CALLER, "Patient", "p1") is None
    put(store)
    store.close()


@pytest.mark.postgres
def test_a_locked_table_is_unavailable(postgres_url: str, clock) -> None:
    import psycopg

    store = gateway.store.open(postgres_url, clock=clock, wait_seconds=0.3)
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE resource IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            put(store)
    put(store)
    store.close()


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_unavailable(clock, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        gateway.store.open(f"postgresql://x@/y?host={tmp_path}", clock=clock, wait_seconds=0.3)


def test_a_folder_that_cannot_be_written_is_unavailable(clock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        gateway.store.open(f"sqlite:///{tmp_path}/file/gateway.sqlite", clock=clock)


def test_errors_never_quote_the_database(store: SqlStore) -> None:
    store.close()
    with pytest.raises(StoreUnavailable) as caught:
        put(store)
    assert "anzibarovna" not in str(caught.value)


WRITER = """
import sys, threading
from datetime import UTC, datetime
import gateway.store
from tests.databases import CALLER, index, owed, patient
from gateway.ports import AuditEntry
store = gateway.store.open(sys.argv[1], clock=lambda: datetime.now(UTC), index=index)
def work(thread):
    for number in range(100000):
        id = f"{sys.argv[2]}-{thread}-{number}"
        with store.begin(CALLER) as tx:
            tx.put(patient(id), expected=0)
            tx.note(AuditEntry("C", "create", (f"Patient/{id}",)))
            tx.owe([owed(1, id=id, member=id)])
        sys.stdout.write(id + "\\n"); sys.stdout.flush()
for thread in range(3):
    threading.Thread(target=work, args=(thread,)).start()
"""


def test_a_killed_process_loses_nothing_that_it_acknowledged(store: SqlStore, url: str) -> None:
    acknowledged: list[str] = []
    for kill in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"k{kill}"], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdout is not None
        acknowledged += [child.stdout.readline().strip() for _ in range(12 + kill)]
        time.sleep(random.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait()
        child.stdout.close()
    assert len(acknowledged) > 30
    assert all(store.read(CALLER, "Patient", id) for id in acknowledged)
    counts = {
        store.engine.rows(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("resource", "resource_version", "audit", "outbox")
    }
    assert len(counts) == 1, "version, audit and outbox are kept together or not at all"
    assert store.engine.rows("SELECT count(*) FROM search_entry")[0][0] == 2 * counts.pop()
    assert store.broken_audit(CALLER) == []


def test_a_commit_that_fails_is_told_to_everyone_who_shared_it(sqlite_url: str, clock, monkeypatch) -> None:
    store = gateway.store.open(sqlite_url, clock=clock, index=index)
    commits = itertools.count()

    def every_third_fails(name: str) -> None:
        if name == "before commit" and next(commits) % 3 == 2:
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(gateway.store.sql, "hook", every_third_fails)
    told: dict[str, bool] = {}

    def work(which: int) -> None:
        for number in range(25):
            id = f"p{which}-{number}"
            try:
                put(store, id)
            except StoreUnavailable:
                told[id] = False
            else:
                told[id] = True

    threads = [threading.Thread(target=work, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    assert len(told) == 150
    assert 0 < sum(told.values()) < 150
    assert {id: store.read(CALLER, "Patient", id) is not None for id in told} == told
    assert len(store.audit(CALLER, limit=1000)) == sum(told.values())
    assert store.broken_audit(CALLER) == []
    store.close()
