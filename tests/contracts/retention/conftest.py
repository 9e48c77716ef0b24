"""A store in which things are done and grow old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import gateway.store
from gateway.ports import Change, Old, Standing
from gateway.store import SqlStore
from gateway.usecases.prune import Days, prune
from tests.databases import CALLER, NOW_UTC

DAYS = Days(deliveries=90, events=90, bodies=90, keys=400)
SUBSCRIPTION = {"resourceType": "Subscription", "id": "s1", "status": "active", "criteria": "x", "channel": {}}


def days_on(number: float) -> datetime:
    return NOW_UTC + timedelta(days=number)


class Clock:
    def __init__(self) -> None:
        self.now = NOW_UTC

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, time: Clock) -> Iterator[SqlStore]:
    def watch(subscription: dict[str, Any], principal: str, tenant: str) -> Callable[[Change], bool]:
        return lambda change: change.type == "Task"

    opened = gateway.store.open(url, clock=time, watch=watch, wait_seconds=10)
    yield opened
    opened.close()


def run(store: SqlStore, *, now: datetime, days: Days = DAYS, dry: bool = False) -> Counter[Old]:
    removed: Counter[Old] = Counter()
    for old, number in prune(days, store=store, now=now, dry=dry):
        removed[old] += number
    return removed


def counted(store: SqlStore, table: str) -> int:
    number: int = store.engine.rows(f"SELECT count(*) FROM {table}")[0][0]
    return number


def deliver(store: SqlStore, *, now: datetime = NOW_UTC) -> None:
    for one in store.outbox.claim("w", now=now, limit=1000, lease_seconds=60):
        assert store.outbox.delivered(one, now=now)


def states(store: SqlStore) -> Counter[str]:
    return Counter(one.state for one in store.outbox.list(CALLER, limit=100_000))


def happen(store: SqlStore, number: int) -> None:
    for n in range(number):
        with store.begin(CALLER) as tx:
            tx.put({"resourceType": "Task", "id": f"t{n}"})


def numbers(store: SqlStore) -> list[int]:
    return [one.number for one in store.subscriptions.events(CALLER, "s1", first=1, last=10**9)]


def standing(store: SqlStore) -> Standing:
    found = store.subscriptions.standing(CALLER, "s1")
    assert found is not None
    return found


def receive(store: SqlStore, key: str, *, now: datetime = NOW_UTC) -> bool:
    return store.inbox.keep(CALLER, partner="ehr", key=key, content_type="application/json", body=b"{}", now=now)


def apply(store: SqlStore, state: str = "applied", *, now: datetime = NOW_UTC) -> None:
    message = store.inbox.claim(now=now, lease_seconds=60)
    assert message is not None
    assert store.inbox.settle(message, state=state, now=now)  # type: ignore[arg-type]


def told(store: SqlStore) -> list[str]:
    return [row["basis"] for row in store.audit(CALLER, limit=1000) if row["event"] == "retention"]
