"""A gateway that asks partners, over one store, and a partner to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller
from gateway.simulators.kinds import memory
from gateway.simulators.server import Simulator
from gateway.usecases.apply_inbox import Applying, apply_inbox
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import Polling, Recent, poll_partner
from gateway.usecases.services import Services, Subscriber

BASE = "https://gateway.example/fhir"
COMMUNITY = {"coding": [{"system": "urn:example:epic-task", "code": "community-resource"}]}
CALLER = Caller("system:poll")


def task(status: str = "requested", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": "et1",
        "status": status,
        "intent": "order",
        "code": COMMUNITY,
        "authoredOn": "2026-03-01T10:00:00-08:00",
        "focus": {"reference": "ServiceRequest/es1"},
        "for": {"reference": "Patient/ep1"},
        "requester": {"reference": "PractitionerRole/secret"},
        **more,
    }


REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "es1",
    "status": "active",
    "intent": "order",
    "code": {"text": "Enhanced Care Management"},
    "subject": {"reference": "Patient/ep1"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "ep1",
    "name": [{"family": "Zanzibarovna", "given": ["Mila"]}],
    "identifier": [{"system": "urn:example:cin", "value": "91234567A"}],
}


class Clock:
    """The time, as the test moves it."""

    def __init__(self) -> None:
        self.at = datetime.fromisoformat("2026-03-02T09:30:00-08:00")

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


class Gateway:
    """Polling and applying over one store."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self.services, self.clock = services, clock
        self.alerts: list[tuple[str, str]] = []
        self.health = Health(alert=lambda name, state, reason: self.alerts.append((name, state)))
        self.recent = Recent()
        self.endings: list[tuple[str, str]] = []
        self.applying = Applying(
            services=lambda: services, source=None, clock=clock, base=BASE,  # type: ignore[arg-type]
            tell=lambda message, ending, reason: self.endings.append((ending, reason)),
        )  # fmt: skip

    def poll(self, partner: FhirPolling, type: str = "Task", **how: Any) -> Polling | None:
        return poll_partner(
            partner, type, CALLER, services=self.services, health=self.health, recent=self.recent, **how
        )

    def apply(self) -> list[tuple[str, str]]:
        self.endings.clear()
        inbox = self.services.store.inbox
        while apply_inbox(self.applying, inbox=lambda: inbox.claim(now=self.clock(), lease_seconds=60)):
            pass
        return list(self.endings)

    def all(self, type: str) -> list[dict[str, Any]]:
        query = self.services.search.parse(type, [("_count", "50")])
        return [codec.read(kept.body) for kept in self.services.store.search(CALLER, query).matches]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(services: Services, clock: Clock) -> Gateway:
    subscribers = tuple(Subscriber(name, frozenset(["Task"]), everyone=True) for name in ("epic", "plan"))
    return Gateway(replace(services, clock=clock, subscribers=subscribers), clock)


@pytest.fixture
def epic() -> Iterator[tuple[Simulator, FhirPolling]]:
    with Simulator(memory=memory("epic")) as server:
        for one in (PATIENT, REQUEST, task()):
            server.memory.put(one)
        partner = FhirPolling(PartnerSettings("epic", "epic", server.url, seconds=60))
        yield server, partner
        partner.close()
