"""What every Retention does, on each engine: what is done goes, what is owed to anybody stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import gateway.store
from gateway.ports import START, AuditEntry, Caller, Change, Old, Place, Standing
from gateway.store import SqlStore
from gateway.usecases.prune import Days, Pruning, prune
from tests.databases import CALLER, NOW_UTC, owe, owed

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


def test_deliveries_that_were_heard_go_when_they_are_old(store: SqlStore) -> None:
    owe(store, owed(1), owed(2, member="b"))
    deliver(store)
    assert run(store, now=days_on(89)) == Counter(deliveries=0)
    assert run(store, now=days_on(91))["deliveries"] == 2
    assert store.outbox.list(CALLER) == []


def test_age_counts_from_when_it_was_heard_not_from_when_it_was_owed(store: SqlStore) -> None:
    owe(store, owed(1), owed(2, member="b"))
    (first, second) = store.outbox.claim("w", now=NOW_UTC, limit=2, lease_seconds=60)
    store.outbox.delivered(second, now=NOW_UTC)
    store.outbox.retry(first, due=days_on(50), reason="http-503")
    deliver(store, now=days_on(50))
    assert run(store, now=days_on(100))["deliveries"] == 1
    assert run(store, now=days_on(141))["deliveries"] == 1


def test_what_is_owed_parked_refused_or_dropped_by_a_person_stays(store: SqlStore) -> None:
    owe(store, *(owed(n, member=f"m{n}", id=f"p{n}") for n in range(1, 6)))
    parked, dropped, sending, *_ = store.outbox.claim("w", now=NOW_UTC, limit=3, lease_seconds=60)
    assert sending.state == "sending"
    store.outbox.park(parked, now=NOW_UTC, reason="http-422")
    store.outbox.park(dropped, now=NOW_UTC, reason="http-422")
    assert store.outbox.drop(CALLER, dropped.id, now=NOW_UTC, reason="sent by fax")
    assert run(store, now=days_on(4000)).total() == 0
    assert states(store) == {"parked": 1, "dropped": 1, "sending": 1, "waiting": 2}
    deliver(store, now=days_on(4000))
    assert states(store) == {"parked": 1, "dropped": 1, "delivered": 3}, "and it is still delivered"


def test_what_something_newer_replaced_goes(store: SqlStore) -> None:
    owe(store, owed(1))
    (first,) = store.outbox.claim("w", now=NOW_UTC, limit=1, lease_seconds=60)
    store.outbox.park(first, now=NOW_UTC, reason="http-422")
    owe(store, owed(2))
    assert states(store) == {"dropped": 1, "waiting": 1}
    assert run(store, now=days_on(91))["deliveries"] == 1
    assert states(store) == {"waiting": 1}


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


def test_events_go_once_they_are_taken_and_numbers_go_on(store: SqlStore, time: Clock) -> None:
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
    happen(store, 5)
    store.subscriptions.told(CALLER, "s1", through=3, now=NOW_UTC)
    time.now = days_on(60)
    happen(store, 1)
    assert run(store, now=days_on(91))["events"] == 3
    assert numbers(store) == [4, 5, 6], "4 and 5 are old, and were not taken"
    store.subscriptions.told(CALLER, "s1", through=6, now=days_on(91))
    assert run(store, now=days_on(92))["events"] == 2
    assert numbers(store) == [6]
    assert run(store, now=days_on(151))["events"] == 1
    happen(store, 2)
    assert numbers(store) == [7, 8], "numbers go on without a gap when all that was before is gone"
    assert (standing(store).events, standing(store).sent) == (8, 6)


def test_a_subscription_in_error_keeps_all_that_it_misses(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put({**SUBSCRIPTION, "status": "error"})
    happen(store, 4)
    assert run(store, now=days_on(4000))["events"] == 0
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
    assert [one.owed.kind for one in store.outbox.list(CALLER)] == [f"event:{n}" for n in range(1, 5)]


def test_a_subscription_that_is_off_misses_nothing(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
    happen(store, 4)
    with store.begin(CALLER) as tx:
        tx.put({**SUBSCRIPTION, "status": "off"})
    assert run(store, now=days_on(91)) == {"events": 4, "deliveries": 4, "bodies": 0, "keys": 0}
    assert standing(store).events == 4


def receive(store: SqlStore, key: str, *, now: datetime = NOW_UTC) -> bool:
    return store.inbox.keep(CALLER, partner="ehr", key=key, content_type="application/json", body=b"{}", now=now)


def apply(store: SqlStore, state: str = "applied", *, now: datetime = NOW_UTC) -> None:
    message = store.inbox.claim(now=now, lease_seconds=60)
    assert message is not None
    assert store.inbox.settle(message, state=state, now=now)  # type: ignore[arg-type]


def test_what_was_applied_loses_its_content_and_later_its_key(store: SqlStore) -> None:
    assert receive(store, "k1")
    apply(store)
    assert run(store, now=days_on(89)).total() == 0
    assert run(store, now=days_on(91)) == {"bodies": 1, "keys": 0, "deliveries": 0, "events": 0}
    assert run(store, now=days_on(92)).total() == 0, "it is done once"
    (left,) = store.inbox.list(CALLER)
    assert (left.body, left.state) == (b"", "applied")
    assert not receive(store, "k1", now=days_on(399)), "a replay is recognised for 400 days"
    assert run(store, now=days_on(401))["keys"] == 1
    assert store.inbox.list(CALLER) == []


def test_what_was_not_applied_stays_whole(store: SqlStore) -> None:
    for key, state in (("a", "parked"), ("b", "waiting")):
        assert receive(store, key)
        apply(store, state)
    assert run(store, now=days_on(4000)).total() == 0
    assert [(one.body, one.state) for one in store.inbox.list(CALLER)] == [(b"{}", "parked"), (b"{}", "waiting")]


def test_zero_days_keep_for_ever_and_keys_outlive_contents(store: SqlStore) -> None:
    assert Days(0, 0, 0, 0).before(now=NOW_UTC) == {}
    assert Days(0, 0, 0, 30).before(now=NOW_UTC) == {}, "the content of what has a row is kept for ever"
    assert Days(0, 0, 500, 400).before(now=NOW_UTC)["keys"] == days_on(-500)


def test_a_dry_run_only_counts(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
    happen(store, 7)
    store.subscriptions.told(CALLER, "s1", through=7, now=NOW_UTC)
    owe(store, owed(1))
    deliver(store)
    before = [counted(store, table) for table in ("outbox", "subscription_event")]
    assert run(store, now=days_on(91), dry=True) == {"deliveries": 2, "events": 7, "bodies": 0, "keys": 0}
    assert [counted(store, table) for table in ("outbox", "subscription_event")] == before


def test_a_step_removes_no_more_than_it_may_and_the_walk_ends(store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
        tx.put({**SUBSCRIPTION, "id": "s2"})
    happen(store, 10)
    for id in ("s1", "s2"):
        store.subscriptions.told(CALLER, id, through=9, now=NOW_UTC)
    owe(store, *(owed(n, member=f"m{n}") for n in range(1, 11)))
    deliver(store)
    for old, whole in (("deliveries", 12), ("events", 18)):
        for dry in (True, False):
            steps, after = [], START
            while after is not None:
                done = store.retention.prune(old, before=days_on(1), after=after, limit=4, dry=dry)  # type: ignore[arg-type]
                steps.append(done.number)
                after = _on(done.after, after)
            assert sum(steps) == whole
            assert max(steps) <= 4
    assert numbers(store) == [10]


def _on(after: Place | None, before: Place) -> Place | None:
    assert after is None or after > before, "a walk goes forward"
    return after


def test_a_filled_store_shrinks_and_loses_nothing_that_is_owed(store: SqlStore, time: Clock) -> None:
    """The bound: whatever has happened, after a pass there is no more than the young, and what somebody has to do."""
    with store.begin(CALLER) as tx:
        tx.put(SUBSCRIPTION)
        tx.note(AuditEntry("C", "audited"))
    for day in range(0, 200, 4):
        time.now = days_on(day)
        happen(store, 3)
        owe(store, *(owed(day * 10 + n, member=f"m{n}", id=f"p{day}-{n}") for n in range(20)))
        for n in range(5):
            receive(store, f"k{day}-{n}", now=time.now)
            apply(store, "parked" if n == 4 and day % 40 == 0 else "applied", now=time.now)
        for turn in range(20):
            for one in store.outbox.claim("w", now=time.now, limit=100, lease_seconds=60):
                if turn == 0 and day % 40 == 0 and one.owed.member == "m7":
                    store.outbox.park(one, now=time.now, reason="http-422")
                else:
                    store.outbox.delivered(one, now=time.now)
        store.subscriptions.told(CALLER, "s1", through=standing(store).events, now=time.now)
    undone = {one.id for one in store.outbox.list(CALLER, limit=100_000) if one.state != "delivered"}
    unapplied = {one.id for one in store.inbox.list(CALLER, limit=100_000) if one.state != "applied"}
    audited, resources = counted(store, "audit"), counted(store, "resource_version")
    run(store, now=days_on(200))
    left = store.outbox.list(CALLER, limit=100_000)
    assert {one.id for one in left} >= undone
    young = [one for one in left if one.settled_at is not None and one.settled_at >= days_on(110)]
    assert len(left) == len(young) + len(undone)
    assert len(left) < 600 < 50 * 23
    assert {one.id for one in store.inbox.list(CALLER, limit=100_000) if one.body} >= unapplied
    assert counted(store, "subscription_event") == 3 * 22
    assert (counted(store, "audit"), counted(store, "resource_version")) == (audited, resources)
    assert store.broken_audit(CALLER) == []
    held = store.outbox.list(CALLER, state="parked")
    assert all(store.outbox.release(CALLER, one.id, now=days_on(200)) for one in held)
    while taken := store.outbox.claim("w", now=days_on(200), limit=100, lease_seconds=60):
        assert all(store.outbox.delivered(one, now=days_on(200)) for one in taken)
    assert {one.id for one in store.outbox.list(CALLER, limit=100_000) if one.state == "delivered"} >= undone


def test_a_worker_prunes_once_a_day_a_little_at_a_time_and_says_so(store: SqlStore, time: Clock) -> None:
    caller = Caller("system:worker", tenant=CALLER.tenant)
    owe(store, owed(1), owed(2, member="b"))
    deliver(store)
    time.now = days_on(10)
    owe(store, owed(3))
    deliver(store, now=time.now)
    time.now = days_on(99.5)
    pruning = Pruning(DAYS, caller, store=store, clock=time)
    assert [pruning.step() for _ in range(20)] == [0] * 20, "there is never a hurry"
    assert len(store.outbox.list(CALLER)) == 1
    assert told(store) == ["deliveries 2"]
    time.now = days_on(100.4)
    for _ in range(20):
        pruning.step()
    assert len(store.outbox.list(CALLER)) == 1, "it is old enough, but the next pass is not due"
    time.now = days_on(100.5)
    for _ in range(20):
        pruning.step()
    assert store.outbox.list(CALLER) == []
    assert told(store) == ["deliveries 2", "deliveries 1"]


def told(store: SqlStore) -> list[str]:
    return [row["basis"] for row in store.audit(CALLER, limit=1000) if row["event"] == "retention"]
