"""Numbers have no gap: whatever is undone, however many write at once, wherever a process is cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

import gateway.store
from gateway.ports import Caller, Change
from gateway.store import SqlStore, sql
from tests.databases import NOW_UTC

CALLER = Caller("client", tenant="plan-a")
SUBSCRIPTION = {"resourceType": "Subscription", "id": "s1", "status": "active", "criteria": "x", "channel": {}}


def watch(subscription: dict[str, Any], principal: str, tenant: str) -> Callable[[Change], bool]:
    return lambda change: change.type == "Task" and any(entry.value == "order" for entry in change.entries)


def index(resource: dict[str, Any]) -> list[Any]:
    return [SimpleNamespace(param="intent", system=None, value=resource.get("intent"), low=None, high=None)]


def opened(url: str, clock: Callable[[], datetime] = lambda: NOW_UTC) -> SqlStore:
    return gateway.store.open(url, clock=clock, index=index, watch=watch, wait_seconds=60)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    made = opened(url)
    yield made
    made.close()


def task(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Task", "id": id, "intent": "order", **more}


def numbers(store: SqlStore, id: str = "s1") -> list[int]:
    return [event.number for event in store.subscriptions.events(CALLER, id, first=1, last=10**9, limit=10**6)]


def put(store: SqlStore, *resources: dict[str, Any]) -> None:
    with store.begin(CALLER) as tx:
        for resource in resources:
            tx.put(resource)


def test_what_is_undone_takes_no_number(store: SqlStore) -> None:
    put(store, SUBSCRIPTION)
    put(store, task("t1"))
    with contextlib.suppress(ZeroDivisionError), store.begin(CALLER) as tx:
        tx.put(task("t2"))
        raise ZeroDivisionError
    put(store, task("t3"), task("t4", intent="plan"), task("t5"))
    assert numbers(store) == [1, 2, 3]
    standing = store.subscriptions.standing(CALLER, "s1")
    assert standing is not None
    assert (standing.events, standing.owed) == (3, 3)
    owed = store.outbox.list(CALLER)
    assert [(one.owed.partner, one.owed.kind) for one in owed] == [("subscription:s1", f"event:{n}") for n in (1, 2, 3)]


def test_another_tenant_hears_nothing(store: SqlStore) -> None:
    put(store, SUBSCRIPTION)
    with store.begin(Caller("client", tenant="plan-b")) as tx:
        tx.put(task("t1"))
    assert numbers(store) == []


def test_concurrent_writers_leave_no_gap_and_keep_the_order(store: SqlStore) -> None:
    put(store, SUBSCRIPTION)
    put(store, {**SUBSCRIPTION, "id": "s2"})

    def write(worker: int) -> None:
        for turn in range(15):
            try:
                with store.begin(CALLER) as tx:
                    tx.put(task(f"t{worker}"))
                    tx.put(task(f"u{worker}"))
                    if turn % 5 == 4:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    wanted = list(range(1, 6 * 12 * 2 + 1))
    assert numbers(store) == numbers(store, "s2") == wanted
    for id in ("s1", "s2"):
        events = store.subscriptions.events(CALLER, id, first=1, last=10**9)
        for worker in range(6):
            versions = [event.version for event in events if event.id == f"t{worker}"]
            assert versions == sorted(versions)
        lane = [one.owed.kind for one in store.outbox.list(CALLER, limit=1000) if one.owed.partner.endswith(id)]
        assert lane == [f"event:{n}" for n in wanted]


def test_changing_subscriptions_while_others_write_loses_nothing(store: SqlStore) -> None:
    put(store, SUBSCRIPTION)

    def write(worker: int) -> None:
        for _ in range(20):
            put(store, task(f"t{worker}"))

    def change() -> None:
        for turn in range(10):
            put(store, {**SUBSCRIPTION, "status": "error" if turn % 2 == 0 else "active"})

    with ThreadPoolExecutor(5) as threads:
        writing = [threads.submit(write, n) for n in range(4)]
        changing = threads.submit(change)
        for one in (*writing, changing):
            one.result()
    put(store, {**SUBSCRIPTION, "status": "active"})
    assert numbers(store) == list(range(1, 81))
    kinds = [one.owed.kind for one in store.outbox.list(CALLER, limit=1000)]
    assert kinds == [f"event:{n}" for n in range(1, 81)]


def test_a_store_elsewhere_learns_of_a_subscription_at_once(store: SqlStore, url: str) -> None:
    other = opened(url)
    try:
        put(other, task("t0"))
        put(store, SUBSCRIPTION)
        put(other, task("t1"))
        put(store, {**SUBSCRIPTION, "id": "s2"})
        put(other, task("t2"))
        put(store, {**SUBSCRIPTION, "status": "off"})
        put(other, task("t3"))
    finally:
        other.close()
    assert (numbers(store), numbers(store, "s2")) == ([1, 2], [1, 2])


def test_a_subscription_waits_for_the_changes_under_way(store: SqlStore) -> None:
    started, go_on = threading.Event(), threading.Event()

    def change() -> None:
        with store.begin(CALLER) as tx:
            tx.put(task("t1"))
            started.set()
            go_on.wait(60)

    with ThreadPoolExecutor(2) as threads:
        changing = threads.submit(change)
        assert started.wait(60)
        subscribing = threads.submit(put, store, SUBSCRIPTION)
        time.sleep(0.3)
        assert not subscribing.done()
        go_on.set()
        changing.result()
        subscribing.result()
    put(store, task("t1"))
    assert numbers(store) == [1]


def test_parked_and_missed_follow_when_it_is_active_again(store: SqlStore) -> None:
    put(store, SUBSCRIPTION)
    put(store, task("t1"))
    claimed = store.outbox.claim("w", now=NOW_UTC, limit=5, lease_seconds=60)
    put(store, {**SUBSCRIPTION, "status": "error"})
    assert store.outbox.park(claimed[0], now=NOW_UTC, reason="http 410")
    put(store, task("t1"))
    assert store.outbox.claim("w", now=NOW_UTC, limit=5, lease_seconds=60) == []
    put(store, {**SUBSCRIPTION, "status": "active"})
    for number in (1, 2):
        (one,) = store.outbox.claim("w", now=NOW_UTC, limit=5, lease_seconds=60)
        assert one.owed.kind == f"event:{number}"
        assert store.outbox.delivered(one, now=NOW_UTC)


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {root!r})
    import gateway.store.sql
    from tests.subscriptions.test_numbers import SUBSCRIPTION, opened, put, task
    store = opened({url!r})
    put(store, task("t1"))
    def hook(name):
        if name == {step!r}:
            os.kill(os.getpid(), signal.SIGKILL)
    gateway.store.sql.hook = hook
    put(store, task("t2"))
"""


@pytest.mark.parametrize(
    ("step", "kept"), [("event kept", 1), ("outbox kept", 1), ("before commit", 1), ("after commit", 2)]
)
def test_a_killed_process_leaves_change_event_and_message_or_none(
    store: SqlStore, url: str, step: str, kept: int
) -> None:
    put(store, SUBSCRIPTION)
    code = textwrap.dedent(KILLED.format(root=os.getcwd(), url=url, step=step))
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert numbers(store) == list(range(1, kept + 1))
    assert len(store.outbox.list(CALLER)) == kept
    assert (store.read(CALLER, "Task", "t2") is not None) == (kept == 2)
    put(store, task("t3"))
    assert numbers(store) == list(range(1, kept + 2))


def test_without_a_watch_nothing_is_matched(url: str) -> None:
    with closing(gateway.store.open(url, clock=lambda: NOW_UTC)) as plain:
        put(plain, SUBSCRIPTION)
        put(plain, task("t1"))
        assert numbers(plain) == []


def test_what_was_compiled_for_a_transaction_that_was_undone_is_not_believed(url: str) -> None:
    """Its revision was never committed: the next Subscription must not be taken for it."""
    ticks = iter(range(10_000))
    store = opened(url, lambda: NOW_UTC + timedelta(milliseconds=next(ticks)))
    try:
        put(store, SUBSCRIPTION)

        def full_disk(name: str) -> None:
            if name == "before commit":
                raise RuntimeError

        sql.hook = full_disk
        try:
            with pytest.raises(RuntimeError):
                put(store, {**SUBSCRIPTION, "id": "undone"}, task("t1"))
        finally:
            sql.hook = None
        put(store, {**SUBSCRIPTION, "id": "s2"})
        put(store, task("t2"))
        assert (numbers(store), numbers(store, "s2"), numbers(store, "undone")) == ([1], [1], [])
    finally:
        store.close()
