"""What is done goes when it is old, on each engine; what is owed to anybody stays."""

from __future__ import annotations

from collections import Counter

from gateway.store import SqlStore
from gateway.usecases.prune import Days
from tests.contracts.retention.conftest import (
    SUBSCRIPTION,
    Clock,
    apply,
    days_on,
    deliver,
    happen,
    numbers,
    receive,
    run,
    standing,
    states,
)
from tests.databases import CALLER, NOW_UTC, owe, owed


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
