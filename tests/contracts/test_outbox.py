"""What every Outbox does, on each engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.ports import AuditEntry, Delivery
from gateway.store import SqlStore
from tests.databases import CALLER, NOW_UTC, OTHER, owe, owed

LATER = NOW_UTC + timedelta(hours=1)


def claim(store: SqlStore, *, now: datetime = NOW_UTC, limit: int = 10, lease: float = 30) -> list[Delivery]:
    return list(store.outbox.claim("w1", now=now, limit=limit, lease_seconds=lease))


def versions(deliveries: list[Delivery]) -> list[int]:
    return [d.owed.version for d in deliveries]


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


def test_urgent_goes_first_but_never_before_its_own_front(store: SqlStore) -> None:
    owe(store, owed(1, member="a"), owed(2, member="a", urgent=True), owed(3, member="b", urgent=True))
    assert versions(claim(store)) == [3, 1]


def test_partners_take_turns(store: SqlStore) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="big") for n in range(1, 20)))
    owe(store, *(owed(n, member=f"m{n}", partner="small") for n in range(1, 3)))
    partners = [d.owed.partner for d in claim(store, limit=6)]
    assert sorted(partners[:4]) == ["big", "big", "small", "small"]


def test_partners_take_turns_even_one_at_a_time(store: SqlStore) -> None:
    for partner in ("a", "b", "c"):
        owe(store, *(owed(n, member=f"m{n}", partner=partner) for n in range(1, 4)))
    assert [claim(store, limit=1)[0].owed.partner for _ in range(6)] == ["a", "b", "c"] * 2


def test_partners_can_be_left_out(store: SqlStore) -> None:
    owe(store, owed(1, partner="down", urgent=True), owed(2, partner="up"))
    taken = store.outbox.claim("w1", now=NOW_UTC, limit=10, lease_seconds=30, without={"down"})
    assert [d.owed.partner for d in taken] == ["up"]
    assert [d.owed.partner for d in claim(store)] == ["down"]


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


def test_a_parked_front_holds_its_lane_until_it_is_dropped(store: SqlStore) -> None:
    owe(store, owed(1), owed(1, type="Task", id="t1"))
    (front,) = claim(store)
    assert store.outbox.park(front, now=NOW_UTC, reason="http-422")
    assert claim(store, now=LATER) == []
    (parked,) = store.outbox.list(CALLER, state="parked")
    assert (parked.id, parked.reason, parked.settled_at) == (front.id, "http-422", None)
    assert store.outbox.drop(CALLER, front.id, now=LATER, reason="partner has it by fax")
    assert [d.owed.type for d in claim(store, now=LATER)] == ["Task"]
    shown = store.outbox.show(CALLER, front.id)
    assert shown is not None
    assert (shown.state, shown.reason, shown.settled_at) == ("dropped", "partner has it by fax", LATER)


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


def test_a_parked_delivery_that_is_released_goes_before_what_waited(store: SqlStore) -> None:
    owe(store, owed(1), owed(1, type="Task", id="t1"))
    (front,) = claim(store)
    store.outbox.park(front, now=NOW_UTC, reason="http-422")
    assert store.outbox.release(CALLER, front.id, now=NOW_UTC)
    (again,) = claim(store)
    assert (again.id, again.attempts, again.fence) == (front.id, 1, 2)


def test_a_newer_version_of_the_same_resource_supersedes_a_parked_one(store: SqlStore) -> None:
    owe(store, owed(1), owed(1, type="Task", id="t1"))
    (front,) = claim(store)
    store.outbox.park(front, now=NOW_UTC, reason="http-422")
    owe(store, owed(2))
    shown = store.outbox.show(CALLER, front.id)
    assert shown is not None
    assert (shown.state, shown.reason) == ("dropped", "superseded by a newer version")
    order = []
    while taken := claim(store):
        order += [(d.owed.type, d.owed.version) for d in taken]
        for d in taken:
            store.outbox.delivered(d, now=NOW_UTC)
    assert order == [("Task", 1), ("Patient", 2)]
    assert not store.outbox.release(CALLER, front.id, now=LATER), "an older version never follows a newer one"


def test_parking_what_a_newer_version_waits_behind_drops_it_as_superseded(store: SqlStore) -> None:
    owe(store, owed(1), owed(2))
    (front,) = claim(store)
    assert store.outbox.park(front, now=NOW_UTC, reason="http-422")
    shown = store.outbox.show(CALLER, front.id)
    assert shown is not None
    assert (shown.state, shown.reason) == ("dropped", "superseded by a newer version: http-422")
    assert versions(claim(store)) == [2]


@pytest.mark.parametrize("change", [{"kind": "status"}, {"id": "p9"}, {"partner": "plan"}, {"member": "x"}])
def test_a_parked_delivery_is_superseded_by_nothing_else(store: SqlStore, change: dict[str, str]) -> None:
    owe(store, owed(1))
    (front,) = claim(store)
    store.outbox.park(front, now=NOW_UTC, reason="http-422")
    owe(store, owed(2, **change))
    assert [d.id for d in store.outbox.list(CALLER, state="parked")] == [front.id]


def test_only_parked_deliveries_are_released_or_dropped_and_only_by_their_tenant(store: SqlStore) -> None:
    owe(store, owed())
    (taken,) = claim(store)
    assert not store.outbox.release(CALLER, taken.id, now=NOW_UTC)
    assert not store.outbox.drop(CALLER, taken.id, now=NOW_UTC, reason="x")
    store.outbox.park(taken, now=NOW_UTC, reason="http-422")
    assert not store.outbox.release(OTHER, taken.id, now=NOW_UTC)
    assert not store.outbox.drop(OTHER, taken.id, now=NOW_UTC, reason="x")
    assert store.outbox.show(OTHER, taken.id) is None
    assert store.outbox.list(OTHER) == []
    assert not store.outbox.release(CALLER, "no-such-id", now=NOW_UTC)


def test_a_decision_is_audited_with_who_decided_and_only_when_it_was_made(store: SqlStore) -> None:
    owe(store, owed())
    (taken,) = claim(store)
    store.outbox.drop(CALLER, taken.id, now=NOW_UTC, reason="not parked yet")
    store.outbox.park(taken, now=NOW_UTC, reason="http-422")
    store.outbox.release(CALLER, taken.id, now=NOW_UTC)
    (again,) = claim(store)
    store.outbox.park(again, now=NOW_UTC, reason="http-422")
    store.outbox.drop(CALLER, taken.id, now=NOW_UTC, reason="sent by fax")
    said = [(row["principal"], row["event"], row["entities"], row["recipient"]) for row in store.audit(CALLER)]
    entities = (f"Delivery/{taken.id}",)
    assert said == [("tester", "outbox.release", entities, "ehr"), ("tester", "outbox.drop", entities, "ehr")]


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


def test_a_large_backlog_is_taken_in_order_whatever_the_batch(store: SqlStore) -> None:
    for member in range(20):
        owe(store, *(owed(n, member=f"m{member}", partner=f"p{member % 3}") for n in range(1, 6)))
    order: dict[str, list[int]] = {}
    while taken := claim(store, limit=7):
        for d in taken:
            order.setdefault(d.owed.member, []).append(d.owed.version)
            assert store.outbox.delivered(d, now=NOW_UTC)
    assert order == {f"m{member}": [1, 2, 3, 4, 5] for member in range(20)}


def test_a_partner_or_a_kind_of_partners_can_be_left_out(store: SqlStore) -> None:
    owe(
        store, *(owed(n, partner=name) for n, name in enumerate(("ehr", "plan", "subscription:a", "subscription:b"), 1))
    )
    without = [
        store.outbox.claim("w", now=NOW_UTC, limit=9, lease_seconds=0, without=[one])
        for one in ("plan", "subscription:")
    ]
    assert [sorted(one.owed.partner for one in taken) for taken in without] == [
        ["ehr", "subscription:a", "subscription:b"],
        ["ehr", "plan"],
    ]


@pytest.mark.parametrize("urgent", [False, True])
def test_many_partners_take_turns_whatever_one_of_them_is_owed(store: SqlStore, urgent: bool) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="p20", urgent=urgent) for n in range(1, 100)))
    owe(store, *(owed(n, partner=f"p{n:02}", urgent=urgent) for n in range(40) if n != 20))
    served = [one.owed.partner for _ in range(5) for one in claim(store, limit=8)]
    assert sorted(served) == [f"p{n:02}" for n in range(40)]
    assert [one.owed.partner for one in claim(store, limit=8)] == ["p20"] * 8


@pytest.mark.parametrize("urgent", [False, True])
def test_a_partner_gets_no_more_than_there_is_room_for(store: SqlStore, urgent: bool) -> None:
    owe(store, *(owed(n, member=f"m{n}", partner="big", urgent=urgent and n % 2 == 0) for n in range(1, 20)))
    owe(store, *(owed(n, member=f"m{n}", partner="small") for n in range(1, 4)), owed(1, partner="full"))

    def take(limit: int, **rooms: int) -> list[str]:
        taken = store.outbox.claim("w", now=NOW_UTC, limit=limit, lease_seconds=30, rooms=rooms)
        return sorted(one.owed.partner for one in taken)

    assert take(10, big=2, full=0) == ["big"] * 2 + ["small"] * 3
    assert take(10, big=0, full=0) == []
    assert take(3, big=3) == (["big"] * 3 if urgent else ["big", "big", "full"])


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


def test_kinds_of_partners_that_are_left_out_cost_nothing_and_the_turn_goes_round(store: SqlStore) -> None:
    names = ["a", "subscription:x", "subscription:y", "t", "z"]
    for name in names:
        owe(store, *(owed(n, member=f"m{n}", partner=name) for n in range(1, 4)))

    def one(without: str) -> str:
        (taken,) = store.outbox.claim("w", now=NOW_UTC, limit=1, lease_seconds=30, without=[without])
        return taken.owed.partner

    assert [one("subscription:") for _ in range(7)] == ["a", "t", "z"] * 2 + ["a"]
    assert [one("t") for _ in range(4)] == ["subscription:x", "subscription:y", "z", "subscription:x"]
