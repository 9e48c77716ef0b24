"""A referral goes to a community platform and its story comes back: twice, backwards, with words nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.partners.findhelp import Findhelp
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller
from gateway.simulators.findhelp import FindhelpMemory
from gateway.simulators.server import Simulator
from gateway.usecases.apply_inbox import Applying, apply_inbox
from gateway.usecases.deliver import Delivering, deliver
from gateway.usecases.receive_referral import receive_referral
from gateway.usecases.services import Hook, Services, Subscriber
from tests.web.conftest import a_referral

BASE = "https://gateway.example/fhir"
CALLER = Caller("tester")


class Loop:
    """A gateway that refers to a platform, over one store."""

    def __init__(self, services: Services, platform: Simulator) -> None:
        hooks = {"findhelp": Hook("findhelp")}
        self.services = replace(
            services, hooks=hooks, subscribers=(Subscriber("findhelp", frozenset(["Task"]), everyone=True),)
        )
        self.platform = platform
        self.reasons: list[tuple[str, str]] = []
        self.count = 0

    def refer(self, id: str) -> dict[str, Any]:
        self.count += 1
        cin = f"9{self.count:07d}A"
        referral = a_referral() | {"key": {"source": "harbor-clinic", "id": id}}
        referral["member"] = referral["member"] | {"cin": cin}
        receive_referral(referral, CALLER, source=codec.write(referral), services=self.services, base=BASE)
        (task,) = [one for one in self.tasks() if one["id"] not in getattr(self, "known", set())]
        self.known = {one["id"] for one in self.tasks()}
        return task

    def tasks(self) -> list[dict[str, Any]]:
        query = self.services.search.parse("Task", [("_count", "100")])
        return [codec.read(kept.body) for kept in self.services.store.search(CALLER, query).matches]

    def task(self, id: str) -> dict[str, Any]:
        kept = self.services.store.read(CALLER, "Task", id)
        assert kept is not None
        found: dict[str, Any] = codec.read(kept.body)
        return found

    def told(self, *bodies: bytes) -> list[tuple[str, str]]:
        """What comes of these events."""
        now, store = self.services.clock, self.services.store
        for body in bodies:
            event = codec.read(body)["id"]
            keep = store.inbox.keep
            keep(CALLER, partner="findhelp", key=event, content_type="application/json", body=body, now=now())
        self.reasons.clear()
        applying = Applying(
            services=lambda: self.services, source=None, clock=now, base=BASE,  # type: ignore[arg-type]
            tell=lambda message, ending, reason: self.reasons.append((ending, reason)),
        )  # fmt: skip
        while apply_inbox(applying, inbox=lambda: store.inbox.claim(now=now(), lease_seconds=60)):
            pass
        return list(self.reasons)

    def events(self, task: dict[str, Any], *states: str) -> list[bytes]:
        began = self.services.clock() - timedelta(hours=1)
        return [
            self.platform.memory.event("la-care", f"Task/{task['id']}", state, at=began + timedelta(minutes=number))
            for number, state in enumerate(states)
        ]


@pytest.fixture
def loop(services: Services) -> Iterator[Loop]:
    with Simulator(memory=FindhelpMemory()) as platform:
        yield Loop(services, platform)


def test_a_referral_goes_out_and_services_received_comes_back(loop: Loop) -> None:
    task = loop.refer("R-1")
    outbox, clock = loop.services.store.outbox, loop.services.clock
    sender = Findhelp(PartnerSettings("findhelp", "findhelp", loop.platform.url, tenant="la-care", seconds=60))
    using = Delivering(loop.services.store, outbox, clock, BASE, loop.services.subscribers)
    for delivery in outbox.claim("w", now=clock(), limit=10, lease_seconds=60):
        assert deliver(delivery, partner=sender, using=using).ending == "delivered"
    sender.close()
    sent = codec.read(loop.platform.recorded[0].body)
    assert (sent["referral"]["reference"], sent["person"]["name"]) == (f"Task/{task['id']}", "Ljuba Zanzibarovna")
    story = loop.events(task, "accepted", "in progress", "got help")
    assert {ending for ending, _ in loop.told(*story)} == {"applied"}
    assert loop.task(task["id"])["status"] == "completed"


def test_every_order_of_the_story_told_twice_ends_the_same(loop: Loop) -> None:
    for number, order in enumerate(permutations(range(3))):
        task = loop.refer(f"R-{number}")
        story = loop.events(task, "accepted", "in progress", "got help")
        for at in (*order, *order):
            loop.told(story[at])
        assert loop.task(task["id"])["status"] == "completed", order


def test_a_word_that_nobody_knows_is_parked_and_moves_nothing(loop: Loop) -> None:
    task = loop.refer("R-1")
    ((ending, reason),) = loop.told(*loop.events(task, "sort of helped"))
    assert (ending, "loop-word" in reason) == ("parked", True)
    assert loop.task(task["id"])["status"] == task["status"]
