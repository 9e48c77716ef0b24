"""What every Outbox does, on each engine: each lane in order, one at a time, settled once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.ports import AuditEntry
from gateway.store import SqlStore
from tests.contracts.outbox.conftest import LATER, claim, versions
from tests.databases import CALLER, NOW_UTC, OTHER, owe, owed


def test_what_is_owed_can_be_claimed_and_settled_once(store: SqlStore) -> None:
    owe(store, owed(urgent=True))
    (taken,) = claim(store)
    assert taken.owed == owed(urgent=True)
    assert (taken.state, taken.attempts, taken.fence, taken.tenant) == ("sending", 1, 1, "plan-a")
    assert claim(store) == [], "a claimed delivery is not claimed again while its lease runs"
    assert store.outbox.delivered(taken, now=LATER)
    shown = store.outbox.show(CALLER, taken.id)
    assert shown is not None
    assert (shown.state, shown.settled_at) == ("delivered", LATER)
    assert not store.outbox.delivered(taken, now=LATER)
    assert claim(store, now=LATER) == []


def test_one_lane_is_delivered_in_order_one_at_a_time(store: SqlStore) -> None:
    owe(store, owed(1), owed(2))
    owe(store, owed(3))
    seen = []
    for _ in range(3):
        (taken,) = claim(store)
        assert claim(store) == []
        seen.append(taken.owed.version)
        store.outbox.delivered(taken, now=NOW_UTC)
    assert seen == [1, 2, 3]


def test_a_retried_front_holds_its_lane_and_no_other(store: SqlStore) -> None:
    owe(store, owed(1), owed(2), owed(9, member="Patient/p2"), owed(8, partner="plan"))
    front, *others = sorted(claim(store), key=lambda d: d.owed.version)
    assert versions(others) == [8, 9]
    assert all(store.outbox.delivered(d, now=NOW_UTC) for d in others)
    assert store.outbox.retry(front, due=LATER, reason="http-503")
    assert claim(store) == [], "the front is not due, and what waits behind it is not taken"
    shown = store.outbox.show(CALLER, front.id)
    assert shown is not None
    assert (shown.state, shown.due, shown.reason, shown.attempts) == ("waiting", LATER, "http-503", 1)
    (again,) = claim(store, now=LATER)
    assert (again.id, again.attempts, again.fence) == (front.id, 2, 2)


def test_a_lease_that_ran_out_is_taken_over_and_the_old_worker_is_refused(store: SqlStore) -> None:
    owe(store, owed(1), owed(2))
    (stale,) = claim(store, lease=30)
    assert claim(store, now=NOW_UTC + timedelta(seconds=29)) == []
    (fresh,) = claim(store, now=NOW_UTC + timedelta(seconds=31))
    assert (fresh.id, fresh.fence) == (stale.id, stale.fence + 1)
    assert not store.outbox.delivered(stale, now=LATER)
    assert not store.outbox.retry(stale, due=LATER, reason="late")
    assert not store.outbox.park(stale, now=LATER, reason="late")
    shown = store.outbox.show(CALLER, stale.id)
    assert shown is not None
    assert (shown.state, shown.fence) == ("sending", 2)
    assert store.outbox.delivered(fresh, now=LATER)


def test_a_slow_worker_that_nobody_overtook_may_still_settle(store: SqlStore) -> None:
    owe(store, owed())
    (slow,) = claim(store, lease=1)
    assert store.outbox.delivered(slow, now=LATER)


def test_what_a_partner_may_not_have_is_dropped_with_its_reason_and_holds_nothing_up(store: SqlStore) -> None:
    owe(store, owed(1), owed(1, type="Task", id="t1"))
    (front,) = claim(store)
    assert store.outbox.refuse(front, now=LATER, reason="refused: no standing")
    shown = store.outbox.show(CALLER, front.id)
    assert shown is not None
    assert (shown.state, shown.reason, shown.settled_at) == ("dropped", "refused: no standing", LATER)
    assert [d.owed.type for d in claim(store, now=LATER)] == ["Task"]
    assert not store.outbox.refuse(front, now=LATER, reason="twice")
    assert not store.outbox.release(CALLER, front.id, now=LATER)


def test_what_waits_for_a_partner_that_is_back_is_woken_and_nothing_else(store: SqlStore) -> None:
    owe(store, owed(1), owed(2), owed(7, member="Patient/p2"), owed(8, partner="plan"), owed(9, member="Patient/p3"))
    taken = claim(store)
    sending = next(d for d in taken if d.owed.member == "Patient/p3")
    parked = next(d for d in taken if d.owed.member == "Patient/p2")
    for one in taken:
        if one is parked:
            store.outbox.park(one, now=NOW_UTC, reason="refused")
        elif one is not sending:
            store.outbox.retry(one, due=LATER, reason="http 503")
    assert store.outbox.wake(sending.owed.partner, now=NOW_UTC) == 1
    (again,) = claim(store)
    assert (again.owed.version, again.owed.partner, again.attempts) == (1, sending.owed.partner, 2)
    assert store.outbox.delivered(sending, now=NOW_UTC), "what is under way is left alone"


def test_the_same_message_owed_twice_is_one_delivery_with_one_id(store: SqlStore) -> None:
    owe(store, owed())
    owe(store, owed())
    assert len(store.outbox.list(CALLER)) == 1
    (taken,) = claim(store, lease=0)
    (again,) = claim(store, now=LATER)
    assert taken.id == again.id
    owe(store, owed(), caller=OTHER)
    assert store.outbox.list(OTHER)[0].id != taken.id


def test_counts_are_by_partner_and_state(store: SqlStore) -> None:
    owe(store, owed(1), owed(2), owed(1, partner="plan"))
    for d in claim(store):
        if d.owed.partner == "plan":
            store.outbox.park(d, now=NOW_UTC, reason="x")
    assert store.outbox.counts() == {("ehr", "sending"): 1, ("ehr", "waiting"): 1, ("plan", "parked"): 1}


def test_what_is_noted_with_a_settlement_is_audited_stale_or_not(store: SqlStore) -> None:
    owe(store, owed(1), owed(2))
    (stale,) = claim(store, lease=0)
    (fresh,) = claim(store, now=LATER)
    entry = AuditEntry("E", "deliver.attempt", ("Patient/p1/_history/1",), "success", "ehr")
    assert not store.outbox.delivered(stale, now=LATER, noted=(CALLER, entry, LATER))
    assert claim(store, now=LATER) == [], "a stale settlement lets nothing overtake"
    assert store.outbox.retry(fresh, due=LATER, reason="x", noted=(CALLER, replace(entry, outcome="failed"), LATER))
    said = [(row["event"], row["outcome"], row["recipient"], row["at"]) for row in store.audit(CALLER)]
    assert said == [("deliver.attempt", "success", "ehr", LATER), ("deliver.attempt", "failed", "ehr", LATER)]
    assert isinstance(store, SqlStore)
    assert store.broken_audit(CALLER) == []
