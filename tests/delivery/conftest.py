from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import gateway.store
from gateway.partners import FhirServer
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller, Delivery, Owed
from gateway.simulators.server import Simulator
from gateway.store import SqlStore
from gateway.usecases.deliver import Attempt, Delivering, deliver
from gateway.usecases.services import Subscriber
from tests.conftest import NOW
from tests.databases import CALLER, postgres, postgres_url, sqlite_template, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_template", "sqlite_url", "url"]
PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}],
           "managingOrganization": {"reference": "Organization/o1"}}  # fmt: skip
ORGANIZATION = {"resourceType": "Organization", "id": "o1", "partOf": {"reference": "Organization/o1"}}
REFERRAL = {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "subject": {"reference": "Patient/p1"},
            "requester": {"reference": "Practitioner/nobody"}}  # fmt: skip
LEASE = 120.0
TOLD = (Subscriber("ehr", everyone=True),)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[SqlStore]:
    opened = gateway.store.open(url, clock=clock, wait_seconds=2)
    yield opened
    opened.close()


@pytest.fixture
def using(store: SqlStore, clock: Clock) -> Delivering:
    return Delivering(store, store.outbox, clock, "https://gateway.example/fhir", TOLD, jitter=lambda: 0.5)


@pytest.fixture
def script() -> list[str]:
    """Faults of the partner's next answers."""
    return []


@pytest.fixture
def server(script: list[str]) -> Iterator[Simulator]:
    with Simulator(faults=lambda: script.pop(0) if script else "ok") as running:
        yield running


@pytest.fixture
def partner(server: Simulator) -> Iterator[FhirServer]:
    adapter = FhirServer(PartnerSettings("ehr", "fhir_server", server.url, seconds=60))
    yield adapter
    adapter.close()


def keep_and_owe(
    store: SqlStore, *resources: dict[str, Any], caller: Caller = CALLER, member: str = "Patient/p1"
) -> None:
    """Keep all, and owe the last of them to the partner."""
    with store.begin(caller) as tx:
        kept = [tx.put(resource) for resource in resources][-1]
        tx.owe([Owed("ehr", member, "referral.received", kept.type, kept.id, kept.version)])


def claim(using: Delivering) -> Delivery | None:
    claimed = using.outbox.claim("worker", now=using.clock(), limit=1, lease_seconds=LEASE)
    return claimed[0] if claimed else None


def once(using: Delivering, partner: Any) -> Attempt:
    delivery = claim(using)
    assert delivery is not None
    return deliver(delivery, partner=partner, using=using)


def state(store: SqlStore, attempt: Attempt) -> Delivery:
    found = store.outbox.show(CALLER, attempt.delivery.id)
    assert found is not None
    return found
