"""How a pass goes: counted before, in small steps, once a day, and to its end."""

from __future__ import annotations

from gateway.ports import START, AuditEntry, Caller, Place
from gateway.store import SqlStore
from gateway.usecases.prune import Pruning
from tests.contracts.retention.conftest import (
    DAYS,
    SUBSCRIPTION,
    Clock,
    apply,
    counted,
    days_on,
    deliver,
    happen,
    numbers,
    receive,
    run,
    standing,
    told,
)
from tests.databases import CALLER, NOW_UTC, owe, owed


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
