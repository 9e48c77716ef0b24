"""Nobody waits for somebody else's backlog: subscribers, partners and senders are served in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import gateway.store
from gateway.ports import Caller, Change, Delivery, Message, Owed, Receipt
from gateway.store import SqlStore
from gateway.usecases.courier import Courier, Pace
from gateway.usecases.deliver import Attempt, Delivering
from gateway.usecases.partner_health import Health
from gateway.usecases.services import Subscriber
from tests.databases import CALLER

ENOUGH = 120.0
"""Seconds after which a test gives up: no claim about time."""


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """Each Task is an event of each Subscription that names its id, and of all that name none."""

    def watch(subscription: dict[str, Any], principal: str, tenant: str) -> Callable[[Change], bool]:
        return lambda change: change.type == "Task" and subscription["criteria"] in ("", change.id)

    opened = gateway.store.open(url, clock=lambda: datetime.now(UTC), watch=watch, wait_seconds=30)
    yield opened
    opened.close()


def subscribe(store: SqlStore, *ids: str, principal: str, criteria: str = "") -> None:
    with store.begin(Caller(principal, tenant=CALLER.tenant)) as tx:
        for id in ids:
            tx.put({"resourceType": "Subscription", "id": id, "status": "active", "criteria": criteria, "channel": {}})


def happen(store: SqlStore, *ids: str) -> None:
    with store.begin(CALLER) as tx:
        for id in ids:
            tx.put({"resourceType": "Task", "id": id})


class Notified:
    """Stands for all subscribers: those of `hung` principals hang until `released`."""

    def __init__(self, store: SqlStore, *, hung: Sequence[str] = ()) -> None:
        self._store, self._hung = store, hung
        self.released = threading.Event()
        self.order: list[str] = []
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, delivery: Delivery) -> Attempt:
        name = delivery.owed.partner.removeprefix("subscription:")
        if name.startswith(tuple(self._hung)):
            with self._lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            self.released.wait(ENOUGH)
            with self._lock:
                self.at_once -= 1
        with self._lock:
            self.order.append(name)
        assert self._store.outbox.delivered(delivery, now=datetime.now(UTC))
        return Attempt(delivery, "delivered")


class Recipient:
    name = "ehr"

    def send(self, message: Message) -> Receipt:
        return Receipt(True)


def courier(store: SqlStore, notified: Notified, told: Callable[[Attempt], None], *, hands: int = 8) -> Courier:
    clock = lambda: datetime.now(UTC)  # noqa: E731
    everyone = (Subscriber("ehr", everyone=True),)
    return Courier(
        "w",
        partners={"ehr": Recipient()},
        using=Delivering(store, store.outbox, clock, "https://gateway.example/fhir", everyone),
        health=Health(alert=lambda *_: None),
        tell=told,
        trouble=lambda error: pytest.fail(str(error)),
        pace=Pace(hands=hands, idle=0.01, lease_seconds=600),
        notify=notified,
    )


def test_a_backlog_of_one_subscription_delays_no_other(store: SqlStore) -> None:
    subscribe(store, "big", principal="a", criteria="t0")
    subscribe(store, "small", principal="b")
    for _ in range(60):
        happen(store, "t0")
    subscribe(store, "late", principal="c")
    happen(store, "t1", "t2")
    notified = Notified(store)
    courier(store, notified, lambda _: None, hands=1).run(threading.Event(), once=True)
    assert len(notified.order) == 60 + 62 + 2
    assert notified.order.index("late") <= 3
    assert [n for n in notified.order[:9] if n == "late"] == ["late"] * 2, "each has its turn until it has all"


def test_a_subscriber_that_hangs_on_many_subscriptions_leaves_hands_to_all_others(store: SqlStore) -> None:
    subscribe(store, *(f"hung{n}" for n in range(12)), principal="hung")
    subscribe(store, "well", principal="well")
    happen(store, "t1", "t2", "t3")
    with store.begin(CALLER) as tx:
        kept = tx.put({"resourceType": "Patient", "id": "p1"})
        tx.owe([Owed("ehr", "Patient/p1", "changed", "Patient", "p1", kept.version)])
    notified, stop, done = Notified(store, hung=["hung"]), threading.Event(), threading.Event()
    others: list[str] = []

    def told(attempt: Attempt) -> None:
        others.append(attempt.delivery.owed.partner)
        if sorted(others[:4]) == ["ehr", *["subscription:well"] * 3]:
            done.set()

    running = threading.Thread(target=courier(store, notified, told).run, args=(stop,))
    running.start()
    try:
        assert done.wait(ENOUGH), "the others were told while one hangs"
        assert notified.order == ["well"] * 3
        assert notified.most <= 2, "of eight hands, a quarter is the most for one subscriber"
    finally:
        stop.set()
        notified.released.set()
        running.join(ENOUGH)
    assert not running.is_alive()


def test_subscribers_that_all_hang_leave_half_of_the_hands_to_partners(store: SqlStore) -> None:
    for n in range(12):
        subscribe(store, f"hung{n}", principal=f"p{n}")
    happen(store, "t1")
    notified, stop, done = Notified(store, hung=["hung"]), threading.Event(), threading.Event()
    told = lambda attempt: done.set() if attempt.delivery.owed.partner == "ehr" else None  # noqa: E731
    running = threading.Thread(target=courier(store, notified, told).run, args=(stop,))
    running.start()
    try:
        until(lambda: notified.most == 4)
        with store.begin(CALLER) as tx:
            kept = tx.put({"resourceType": "Patient", "id": "p1"})
            tx.owe([Owed("ehr", "Patient/p1", "changed", "Patient", "p1", kept.version)])
        assert done.wait(ENOUGH)
        assert notified.most == 4
    finally:
        stop.set()
        notified.released.set()
        running.join(ENOUGH)


def until(true: Callable[[], bool]) -> None:
    ticking = threading.Event()
    for _ in range(int(ENOUGH / 0.01)):
        if true():
            return
        ticking.wait(0.01)
    pytest.fail("waited in vain")


def test_what_one_partner_sent_does_not_wait_for_the_backlog_of_another(store: SqlStore) -> None:
    now = datetime.now(UTC)

    def receive(partner: str, key: str, tenant: str = "plan-a") -> None:
        caller = Caller("x", tenant=tenant)
        assert store.inbox.keep(caller, partner=partner, key=key, content_type="application/json", body=b"{}", now=now)

    for n in range(30):
        receive("big", f"k{n}")
    for n in range(2):
        receive("small", f"k{n}")
        receive("small", f"k{n}", tenant="plan-b")
    served = []
    while message := store.inbox.claim(now=now, lease_seconds=60):
        served.append((message.tenant, message.partner, message.key))
        assert store.inbox.settle(message, state="applied", now=now)
    assert len(served) == 34
    assert served[:6] == [
        (tenant, partner, f"k{n}")
        for n in range(2)
        for tenant, partner in (("plan-a", "big"), ("plan-a", "small"), ("plan-b", "small"))
    ]
    assert [key for tenant, partner, key in served if partner == "big"] == [f"k{n}" for n in range(30)]


def test_a_subscription_that_fails_is_no_partner_that_is_down(store: SqlStore) -> None:
    """Its own status says how it is; a pager is not called for each of many subscribers."""
    subscribe(store, "s1", principal="a")
    for _ in range(8):
        happen(store, "t1")
    alerts: list[tuple[str, ...]] = []

    def fails(delivery: Delivery) -> Attempt:
        receipt = Receipt(False, retry=True, reason="http 503")
        assert store.outbox.retry(delivery, due=datetime.now(UTC), reason=receipt.reason)
        failed.append(delivery)
        if len(failed) == 8:
            stop.set()
        return Attempt(delivery, "retry", receipt.reason, receipt)

    failed: list[Delivery] = []
    stop = threading.Event()
    working = courier(store, fails, lambda _: None)  # type: ignore[arg-type]
    working._health = Health(alert=lambda *told: alerts.append(told))
    working.run(stop)
    assert len(failed) >= 8
    assert (alerts, len(working._health._partners)) == ([], 0)
