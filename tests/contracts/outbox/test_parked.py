"""What is parked waits for a person, or for something newer that says all of it."""

from __future__ import annotations

import pytest

from gateway.store import SqlStore
from tests.contracts.outbox.conftest import LATER, claim, versions
from tests.databases import CALLER, NOW_UTC, OTHER, owe, owed


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
