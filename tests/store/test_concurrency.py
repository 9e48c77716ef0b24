"""Many writers at once, in threads and in processes: one wins, none is lost, none waits for ever."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import gateway.store
from gateway.errors import StaleVersion
from gateway.ports import AuditEntry, Delivery
from gateway.search.query import Is, Query, Text
from gateway.store import SqlStore, sqlite_writer
from tests.databases import CALLER, NOW_UTC, index, owe, owed, patient

SPAWN = multiprocessing.get_context("spawn")
READ = AuditEntry("R", "read", ("Patient/p1",))


def at_once(work: Callable[[int], object], number: int) -> list[object]:
    """`work(0..number-1)`, each on its own thread, begun together."""
    gate = threading.Barrier(number)

    def run(which: int) -> object:
        gate.wait()
        return work(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_two_identical_creates_at_once_make_one(store: SqlStore) -> None:
    def create(which: int) -> str:
        try:
            with store.begin(CALLER) as tx:
                tx.put(patient(), expected=0)
        except StaleVersion:
            return "stale"
        return "made"

    for _ in range(10):
        with store.engine.writing() as session:
            session.run("DELETE FROM resource")
            session.run("DELETE FROM resource_version")
        assert sorted(at_once(create, 4)) == ["made", "stale", "stale", "stale"]
        assert len(store.history(CALLER, "Patient", "p1")) == 1


def test_unconditional_puts_at_once_make_a_version_each(store: SqlStore) -> None:
    def put(which: int) -> int:
        with store.begin(CALLER) as tx:
            return tx.put(patient()).version

    found = [version for _ in range(5) for version in at_once(put, 4)]
    assert sorted(found) == list(range(1, 21))


def test_of_updates_that_expect_one_version_exactly_one_is_kept(store: SqlStore) -> None:
    def update(which: int, expected: int) -> bool:
        try:
            with store.begin(CALLER) as tx:
                tx.put(patient(multipleBirth=which), expected=expected)
        except StaleVersion:
            return False
        return True

    for version in range(10):
        assert sum(map(bool, at_once(partial(update, expected=version), 4))) == 1


def test_one_that_raises_among_many_loses_nothing_of_the_others(store: SqlStore) -> None:
    def write(which: int) -> None:
        for number in range(20):
            try:
                with store.begin(CALLER) as tx:
                    tx.put(patient(f"p{which}-{number}"), expected=0)
                    tx.note(READ)
                    if (which + number) % 3 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    at_once(write, 6)
    for which in range(6):
        for number in range(20):
            there = store.read(CALLER, "Patient", f"p{which}-{number}") is not None
            assert there == ((which + number) % 3 != 0)
    assert len(store.audit(CALLER, limit=1000)) == 80
    assert store.broken_audit(CALLER) == []


def test_audit_rows_of_many_threads_are_all_kept_and_chained(store: SqlStore) -> None:
    at_once(lambda which: [store.note(CALLER, READ) for _ in range(50)], 8)
    assert len(store.audit(CALLER, limit=1000)) == 400
    assert store.broken_audit(CALLER) == []


def _process(url: str, which: int, number: int) -> None:
    store = gateway.store.open(url, clock=lambda: datetime.now(UTC), index=index, wait_seconds=20)

    def work(thread: int) -> None:
        for each in range(number):
            store.note(CALLER, READ)
            with store.begin(CALLER) as tx:
                tx.put(patient("shared"))
                tx.put(patient(f"p{which}-{thread}-{each}"), expected=0)
                tx.note(READ)
                tx.owe([owed(each + 1, member=f"m{which}-{thread}")])

    at_once(work, 3)
    store.close()


def test_processes_share_one_database(store: SqlStore, url: str) -> None:
    processes = [SPAWN.Process(target=_process, args=(url, which, 15)) for which in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    shared = store.read(CALLER, "Patient", "shared")
    assert shared is not None
    assert shared.version == 3 * 3 * 15
    assert len(store.audit(CALLER, limit=1000)) == 3 * 3 * 15 * 2
    assert store.broken_audit(CALLER) == []
    assert len(store.outbox.list(CALLER, limit=1000)) == 3 * 3 * 15


def test_who_has_written_lets_another_process_in_first(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However seldom that one comes to look whether the lock is free. Two stores stand for two processes."""
    monkeypatch.setattr(sqlite_writer, "POLL", 0.1)
    busy, other = (
        gateway.store.open(sqlite_url, clock=lambda: datetime.now(UTC), index=index, wait_seconds=60) for _ in range(2)
    )
    order: list[str] = []

    def write(store: SqlStore, name: str) -> None:
        with store.begin(CALLER) as tx:
            tx.put(patient(name))
            order.append(name)

    with ThreadPoolExecutor(1) as pool:
        with busy.begin(CALLER) as tx:
            tx.put(patient("first"))
            waiting = pool.submit(write, other, "other")
            while not _taken(Path(sqlite_url.removeprefix("sqlite:///") + ".lock.gate")):
                time.sleep(0.01)
        write(busy, "again")
        waiting.result(timeout=60)
    assert order == ["other", "again"]
    busy.close()
    other.close()


def _taken(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_fresh_file_is_migrated_once_by_processes_that_open_it_at_once(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    processes = [SPAWN.Process(target=_process, args=(url, which, 1)) for which in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_workers_share_the_outbox_without_taking_anything_twice(store: SqlStore) -> None:
    owe(store, *(owed(n, member=f"m{n % 40}", partner=f"p{n % 4}") for n in range(1, 201)))
    seen: list[Delivery] = []

    def work(which: int) -> None:
        idle = 0
        while idle < 20:
            taken = store.outbox.claim(f"w{which}", now=NOW_UTC, limit=5, lease_seconds=60)
            idle = 0 if taken else idle + 1
            for delivery in taken:
                seen.append(delivery)
                assert store.outbox.delivered(delivery, now=NOW_UTC)

    at_once(work, 4)
    assert len(seen) == len({d.id for d in seen}) == 200
    lanes: dict[str, list[int]] = {}
    for delivery in seen:
        lanes.setdefault(delivery.owed.member, []).append(delivery.owed.version)
    assert all(order == sorted(order) for order in lanes.values())


def test_owing_while_a_front_settles_never_strands_a_lane(store: SqlStore) -> None:
    for turn in range(1, 30):
        owe(store, owed(turn * 2))
        (front,) = store.outbox.claim("w", now=NOW_UTC, limit=5, lease_seconds=60)
        at_once(
            lambda which: (
                store.outbox.delivered(front, now=NOW_UTC) if which else owe(store, owed(turn * 2 + 1))  # noqa: B023
            ),
            2,
        )
        (behind,) = store.outbox.claim("w", now=NOW_UTC, limit=5, lease_seconds=60)
        assert behind.owed.version == turn * 2 + 1
        store.outbox.delivered(behind, now=NOW_UTC)


def test_of_two_workers_that_settle_the_same_delivery_one_is_believed(store: SqlStore) -> None:
    for turn in range(1, 11):
        owe(store, owed(turn))
        (old,) = store.outbox.claim("old", now=NOW_UTC, limit=1, lease_seconds=0)
        late = NOW_UTC + timedelta(seconds=1)
        (new,) = store.outbox.claim("new", now=late, limit=1, lease_seconds=60)
        assert at_once(lambda which: store.outbox.delivered((old, new)[which], now=late), 2) == [False, True]  # noqa: B023


@pytest.mark.parametrize("failing", [0, 1])
def test_a_reader_is_not_held_up_by_a_writer(store: SqlStore, failing: int) -> None:
    with store.begin(CALLER) as tx:
        tx.put(patient())
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(store.read, CALLER, "Patient", "p1").result(timeout=60) is None


def test_two_identical_conditional_creates_at_once_make_one(store: SqlStore) -> None:
    def create(which: int, turn: int) -> bool:
        query = Query("Patient", where=(Is("family", (Text("zanzibarovna"),)),))
        with store.begin(CALLER) as tx:
            if tx.search(query).matches:
                return False
            tx.put(patient(f"{turn}-{which}"), expected=0)
            return True

    for turn in range(5):
        with store.engine.writing() as session:
            for table in ("resource", "resource_version", "search_entry"):
                session.run(f"DELETE FROM {table}")
        assert sum(map(bool, at_once(partial(create, turn=turn), 4))) == 1


def _worker(url: str, pipe: Connection) -> None:
    """Claim, tell, and settle when told to go on."""
    store = gateway.store.open(url, clock=lambda: datetime.now(UTC), index=index)
    (taken,) = store.outbox.claim("paused", now=datetime.now(UTC), limit=1, lease_seconds=0.2)
    pipe.send(taken.fence)
    pipe.recv()
    late = datetime.now(UTC)
    pipe.send(
        [
            store.outbox.delivered(taken, now=late),
            store.outbox.retry(taken, due=late, reason="late"),
            store.outbox.park(taken, now=late, reason="late"),
        ]
    )
    store.close()


def test_a_worker_process_that_was_paused_and_overtaken_cannot_settle(store: SqlStore, url: str) -> None:
    for version in range(1, 4):
        owe(store, owed(version))
        here, there = SPAWN.Pipe()
        process = SPAWN.Process(target=_worker, args=(url, there))
        process.start()
        fence = here.recv()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        later = datetime.now(UTC) + timedelta(seconds=1)
        (taken,) = store.outbox.claim("fresh", now=later, limit=1, lease_seconds=600)
        assert (taken.owed.version, taken.fence) == (version, fence + 1)
        os.kill(process.pid, signal.SIGCONT)
        here.send("go on")
        assert here.recv() == [False, False, False]
        process.join()
        assert store.outbox.delivered(taken, now=datetime.now(UTC))
