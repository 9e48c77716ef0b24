"""A store with people, referrals and what is around them, and how they are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import gateway.store
from gateway.packages.definitions import Definitions
from gateway.ports import Caller, Page
from gateway.search.parameters import Parameters
from gateway.search.rules import Search
from gateway.store import SqlStore
from tests.databases import CALLER, OTHER

Find = Callable[..., Page]
TYPES = ("Patient", "ServiceRequest", "Task", "CareTeam", "Provenance", "Practitioner", "Goal", "Observation")
PACKAGES = ("hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")


@pytest.fixture(scope="module")
def rules() -> Search:
    clock = lambda: datetime.fromisoformat("2026-03-02T09:30:00-08:00")  # noqa: E731
    return Search(Parameters(Definitions.load(PACKAGES)), types=TYPES, clock=clock, base="https://gateway.example/fhir")


@pytest.fixture
def store(url: str, rules: Search, now: datetime) -> Iterator[SqlStore]:
    ticks = iter(range(1_000_000))
    opened = gateway.store.open(
        url, clock=lambda: now + timedelta(seconds=next(ticks)), index=rules.entries, wait_seconds=2
    )
    keep(opened, *PEOPLE, *REFERRALS, *AROUND)
    keep(opened, {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}]}, caller=OTHER)
    yield opened
    opened.close()


@pytest.fixture
def find(store: SqlStore, rules: Search) -> Find:
    def find(type: str, *pairs: tuple[str, str], caller: Caller = CALLER) -> Page:
        return store.search(caller, rules.parse(type, pairs))

    return find


def keep(store: SqlStore, *resources: dict[str, Any], caller: Caller = CALLER) -> None:
    with store.begin(caller) as tx:
        for resource in resources:
            tx.put(resource)


def ids(page: Page) -> list[str]:
    return [kept.id for kept in page.matches]


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


PEOPLE: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17", "gender": "female",
     "identifier": [{"system": "urn:cin", "value": "91234567A"}],
     "name": [{"family": "Zanzibarovna", "given": ["Ana"]}]},
    {"resourceType": "Patient", "id": "p2", "birthDate": "1980-06", "gender": "male",
     "identifier": [{"system": "urn:other", "value": "91234567A"}],
     "name": [{"family": "Žanzibarović-100%_[a-z]"}]},
    {"resourceType": "Patient", "id": "p3", "gender": "female", "name": [{"family": "De la Zanzibarovna"}]},
]  # fmt: skip
REFERRALS: list[dict[str, Any]] = [
    {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order", "subject": ref("Patient/p1"),
     "code": {"coding": [{"system": "urn:c", "code": "ecm"}]}, "authoredOn": "2026-02-01T08:00:00-08:00",
     "category": [{"coding": [{"system": "urn:k", "code": "social"}, {"code": "local"}]}],
     "requester": ref("Practitioner/d1")},
    {"resourceType": "ServiceRequest", "id": "s2", "status": "draft", "intent": "order", "subject": ref("Patient/p1"),
     "authoredOn": "2026-02-01", "category": [{"coding": [{"system": "urn:x", "code": "social"}]}]},
    {"resourceType": "ServiceRequest", "id": "s3", "status": "active", "intent": "plan", "subject": ref("Patient/p2"),
     "authoredOn": "2026-02", "requester": ref("https://elsewhere.example/fhir/Practitioner/d1")},
]  # fmt: skip
AROUND: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Zanzibarovna"}]},
    {"resourceType": "Task", "id": "t1", "status": "requested", "focus": ref("ServiceRequest/s1"),
     "for": ref("Patient/p1"), "owner": ref("Organization/o1")},
    {"resourceType": "Task", "id": "t2", "status": "accepted", "focus": ref("ServiceRequest/s3"),
     "for": ref("Patient/p2"), "partOf": [ref("Task/t1")]},
    {"resourceType": "Provenance", "id": "v1", "target": [ref("ServiceRequest/s1"), ref("Task/t1")]},
    {"resourceType": "CareTeam", "id": "c1", "status": "active", "subject": ref("Patient/p1"), "participant": [
        {"role": [{"coding": [{"system": "urn:r", "code": "lead"}]}], "member": ref("Practitioner/d1")},
        {"member": ref("Patient/p1")}]},
    {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "walk"},
     "subject": ref("Patient/p1"), "target": [{"dueDate": "2026-06-01"}]},
]  # fmt: skip
