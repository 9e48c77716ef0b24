"""The worker: everything due goes out, no partner at the cost of the others, and it stops when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

import gateway.store
from gateway.errors import StoreUnavailable
from gateway.ports import Message, Owed, Receipt
from gateway.store import SqlStore
from gateway.usecases.courier import Courier, Pace
from gateway.usecases.deliver import Attempt, Delivering
from gateway.usecases.partner_health import LIMIT, Health
from gateway.usecases.services import Subscriber
from tests.databases import CALLER

ENOUGH = 120.0
"""Seconds after which a test gives up: no claim about time."""


def until(true: Callable[[], bool]) -> None:
    """Wait until it is so, or long enough to know that it will not be."""
    end = time.monotonic() + ENOUGH
    while not true() and time.monotonic() < end:
        time.sleep(0.02)


class Recipient:
    """A partner that answers as told, and remembers."""

    def __init__(self, name: str, *, answer: Callable[[], Receipt] = lambda: Receipt(True)) -> None:
        self.name = name
        self.answer = answer
        self.got: list[str] = []
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def send(self, message: Message) -> Receipt:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            receipt = self.answer()
        finally:
            with self._lock:
                self.at_once -= 1
                self.got.append(message.reference)
        return receipt


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = gateway.store.open(url, clock=lambda: datetime.now(UTC), wait_seconds=30)
    yield opened
    opened.close()


def owe(store: SqlStore, *names: str, members: int = 10, versions: int = 2) -> None:
    for version in range(versions):
        with store.begin(CALLER) as tx:
            for number in range(members):
                kept = tx.put({"resourceType": "Patient", "id": f"p{number}", "active": version % 2 == 0})
                tx.owe(Owed(name, kept.reference, "changed", kept.type, kept.id, kept.version) for name in names)


class Told:
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.alerts: list[tuple[str, str, str]] = []
        self.trouble: list[Exception] = []


def courier(store: SqlStore, *partners: Recipient, told: Told, scale: float = 1.0, hands: int = 4) -> Courier:
    clock = lambda: datetime.now(UTC)  # noqa: E731
    told_of = tuple(Subscriber(partner.name, everyone=True) for partner in partners)
    return Courier(
        "w1",
        partners={partner.name: partner for partner in partners},
        using=Delivering(store, store.outbox, clock, "https://gateway.example/fhir", told_of, scale=scale),
        health=Health(alert=lambda *alert: told.alerts.append(alert), scale=scale),
        tell=told.attempts.append,
        trouble=told.trouble.append,
        pace=Pace(hands=hands, idle=0.02),
    )


def test_once_delivers_all_in_order_and_ends(store: SqlStore) -> None:
    a, b, told = Recipient("a"), Recipient("b"), Told()
    owe(store, "a", "b")
    courier(store, a, b, told=told).run(threading.Event(), once=True)
    assert {attempt.ending for attempt in told.attempts} == {"delivered"}
    assert (len(a.got), len(b.got), told.trouble) == (20, 20, [])
    for number in range(10):
        mine = [got for got in a.got if got.startswith(f"Patient/p{number}/")]
        assert mine == [f"Patient/p{number}/_history/1", f"Patient/p{number}/_history/2"]


def test_a_partner_that_hangs_leaves_hands_to_the_others(store: SqlStore) -> None:
    stop, released = threading.Event(), threading.Event()
    hung = Recipient("hung", answer=lambda: Receipt(released.wait(ENOUGH)))
    well, told = Recipient("well"), Told()
    owe(store, "hung", "well", versions=1)
    running = threading.Thread(target=courier(store, hung, well, told=told).run, args=(stop,))
    running.start()
    until(lambda: len(well.got) == 10 and hung.at_once == 2)
    assert (len(well.got), hung.got, hung.most) == (10, [], 2)
    stop.set()
    released.set()
    running.join(ENOUGH)
    assert not running.is_alive()
    assert len(hung.got) == 2, "what was under way was finished, nothing new was begun"
    assert store.outbox.counts()["hung", "waiting"] == 8


def test_a_dead_partner_is_probed_until_it_is_back(store: SqlStore) -> None:
    told, stop = Told(), threading.Event()
    probes = iter(range(3))

    def answer() -> Receipt:
        """It is back after three more tries once it was taken for down."""
        if told.alerts and next(probes, None) is None:
            return Receipt(True)
        return Receipt(False, retry=True, reason="http 503")

    sick = Recipient("sick", answer=answer)
    owe(store, "sick", versions=1)
    running = threading.Thread(target=courier(store, sick, told=told, scale=0.005).run, args=(stop,))
    running.start()
    until(lambda: store.outbox.counts().get(("sick", "delivered"), 0) == 10)
    stop.set()
    running.join(ENOUGH)
    assert store.outbox.counts() == {("sick", "delivered"): 10}
    assert [state for _, state, _ in told.alerts] == ["down", "up"]


def test_when_a_partner_is_back_all_that_failed_is_tried_at_once(store: SqlStore) -> None:
    """Each lane's own next attempt may be an hour away."""
    owe(store, "sick", members=12, versions=1)
    for delivery in store.outbox.claim("w0", now=datetime.now(UTC), limit=12, lease_seconds=60):
        late = timedelta(hours=1) if delivery.owed.member != "Patient/p0" else timedelta()
        assert store.outbox.retry(delivery, due=datetime.now(UTC) + late, reason="http 503")
    sick, told, stop = Recipient("sick"), Told(), threading.Event()
    worker = courier(store, sick, told=told, scale=0.001)
    for _ in range(LIMIT):
        worker._health.told("sick", Receipt(False, retry=True), now=datetime.now(UTC))
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    deadline = time.monotonic() + 10
    while len(sick.got) < 12 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    running.join(20)
    assert (len(sick.got), [state for _, state, _ in told.alerts]) == (12, ["down", "up"])


def test_trouble_with_the_store_is_told_and_survived(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    a, told, stop = Recipient("a"), Told(), threading.Event()
    owe(store, "a", members=1, versions=1)
    claim, failures = store.outbox.claim, [StoreUnavailable(), StoreUnavailable()]

    def sometimes(*args: object, **kwargs: object) -> object:
        if failures:
            raise failures.pop()
        stop.set()
        return claim(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(store.outbox, "claim", sometimes)
    courier(store, a, told=told).run(stop)
    assert len(told.trouble) == 2
    assert len(a.got) == 1


def test_a_defect_of_ours_goes_by_the_schedule_and_leaves_the_others_alone(store: SqlStore) -> None:
    def broken() -> Receipt:
        raise RuntimeError

    told, well = Told(), Recipient("well")
    owe(store, "broken", "well", members=3, versions=1)
    courier(store, Recipient("broken", answer=broken), well, told=told).run(threading.Event(), once=True)
    assert store.outbox.counts() == {("broken", "waiting"): 3, ("well", "delivered"): 3}
    reasons = {attempt.reason for attempt in told.attempts if attempt.ending == "retry"}
    assert reasons == {"a defect of this gateway: RuntimeError"}
    assert told.alerts == []


def test_a_message_that_can_never_be_made_is_parked(store: SqlStore) -> None:
    def broken() -> Receipt:
        raise RuntimeError

    told, stop = Told(), threading.Event()
    owe(store, "a", members=1, versions=1)
    working = courier(store, Recipient("a", answer=broken), told=told, scale=1e-6)
    running = threading.Thread(target=working.run, args=(stop,))
    running.start()
    until(lambda: bool(store.outbox.counts().get(("a", "parked"))))
    stop.set()
    running.join(ENOUGH)
    assert store.outbox.counts() == {("a", "parked"): 1}


def test_trouble_while_delivering_settles_nothing(store: SqlStore) -> None:
    def unlucky() -> Receipt:
        raise StoreUnavailable

    told = Told()
    owe(store, "a", members=1, versions=1)
    courier(store, Recipient("a", answer=unlucky), told=told).run(threading.Event(), once=True)
    assert [type(error) for error in told.trouble] == [StoreUnavailable]
    assert store.outbox.counts() == {("a", "sending"): 1}, "the claim runs out and it is tried again"
