"""What every Cursors does, on each engine: one asks at a time, not before it is due, and late news moves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.ports import Caller, Cursor
from gateway.store import SqlStore
from tests.databases import CALLER, NOW_UTC, OTHER

MINUTE = timedelta(minutes=1)


def claim(store: SqlStore, *, now: datetime = NOW_UTC, name: str = "Task", caller: Caller = CALLER) -> Cursor | None:
    return store.cursors.claim(caller, partner="epic", name=name, now=now, lease_seconds=60)


def test_the_first_claim_has_no_past_and_keeps_others_away(store: SqlStore) -> None:
    first = claim(store)
    assert first is not None
    assert (first.through, first.fence) == (None, 1)
    assert claim(store) is None
    assert claim(store, name="ServiceRequest") is not None
    assert claim(store, caller=OTHER) is not None


def test_a_settled_cursor_is_asked_again_when_due_from_where_it_stands(store: SqlStore) -> None:
    first = claim(store)
    assert first is not None
    assert store.cursors.settle(first, through=NOW_UTC, due=NOW_UTC + 15 * MINUTE)
    assert claim(store, now=NOW_UTC + 14 * MINUTE) is None
    again = claim(store, now=NOW_UTC + 15 * MINUTE)
    assert again is not None
    assert again.through == NOW_UTC
    assert store.cursors.settle(again, through=None, due=NOW_UTC + 20 * MINUTE), "a failure leaves it where it was"
    third = claim(store, now=NOW_UTC + 20 * MINUTE)
    assert third is not None
    assert third.through == NOW_UTC


def test_a_worker_that_was_overtaken_moves_nothing(store: SqlStore) -> None:
    slow = claim(store)
    fast = claim(store, now=NOW_UTC + 2 * MINUTE)
    assert slow is not None
    assert fast is not None
    assert not store.cursors.settle(slow, through=NOW_UTC + MINUTE, due=NOW_UTC)
    assert store.cursors.settle(fast, through=None, due=NOW_UTC)
    again = claim(store)
    assert again is not None
    assert again.through is None


def test_a_person_makes_it_due(store: SqlStore) -> None:
    first = claim(store)
    assert first is not None
    store.cursors.settle(first, through=NOW_UTC, due=NOW_UTC + 15 * MINUTE)
    store.cursors.due(CALLER, partner="epic", name="Task", now=NOW_UTC)
    assert claim(store) is not None


def test_who_is_at_it_can_go_on_and_nobody_wants_it_sooner(store: SqlStore) -> None:
    slow = claim(store)
    assert slow is not None
    store.cursors.due(CALLER, partner="epic", name="Task", now=NOW_UTC)
    assert claim(store) is None, "a person's wish does not make two ask at once"
    assert store.cursors.renew(slow, now=NOW_UTC + MINUTE, lease_seconds=60)
    assert claim(store, now=NOW_UTC + timedelta(seconds=119)) is None
    fast = claim(store, now=NOW_UTC + 2 * MINUTE)
    assert fast is not None
    assert not store.cursors.renew(slow, now=NOW_UTC + 2 * MINUTE, lease_seconds=60)
    assert store.cursors.settle(fast, through=NOW_UTC, due=NOW_UTC + 15 * MINUTE)
    assert not store.cursors.settle(fast, through=NOW_UTC, due=NOW_UTC), "settled is settled"
    assert not store.cursors.renew(fast, now=NOW_UTC, lease_seconds=60)
