"""A whole gateway with an empty database, spoken to from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import wiring
from gateway.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), database=f"sqlite:///{tmp_path / 'gateway.sqlite'}", partners=tmp_path / "partners.toml")


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """Bytes in, answers out: the WSGI application of a new gateway."""
    with ExitStack() as stack:
        yield stack.enter_context(wiring.running(settings)).test_client()


@pytest.fixture
def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "http://hospital.example/mrn", "value": "MRN-7"}],
        "name": [{"family": "Zanzibarovna", "given": ["Ljuba"]}],
        "gender": "female",
        "birthDate": "1984-05-06",
    }


@pytest.fixture
def service_request() -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Enhanced Care Management"},
        "subject": {"reference": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a01"},
    }


@pytest.fixture
def transaction(patient: dict[str, Any], service_request: dict[str, Any]) -> dict[str, Any]:
    """A patient and a referral of hers, by one transaction."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a01",
                "resource": patient,
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "fullUrl": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a02",
                "resource": service_request,
                "request": {"method": "POST", "url": "ServiceRequest"},
            },
        ],
    }


def a_referral() -> dict[str, Any]:
    """A referral in the gateway's own schema."""
    return {
        "key": {"source": "harbor-clinic", "id": "R-2026-0001"},
        "member": {
            "name": {"first": "Ljuba", "last": "Zanzibarovna"},
            "birth_date": "1984-05-06",
            "cin": "90000123A",
            "phones": [{"number": "+12135550123", "kind": "mobile"}],
            "spoken_language": "es",
        },
        "referrer": {
            "name": {"first": "Rosa", "last": "Zanzibarovna"},
            "npi": "1234567893",
            "organization": {"name": "Harbor Clinic"},
            "relationship": "medical-provider",
            "phones": [{"number": "+12135550199"}],
        },
        "populations": ["1a", "2"],
        "coverage": {"plan": "la-care", "county": "Los Angeles"},
        "criteria": [{"criterion": "1.H1", "answer": "yes"}, {"criterion": "2.A1", "answer": "no"}],
        "authored": "2026-03-01",
        "urgency": "expedited",
        "need": "Sleeps in her car; five visits to the emergency department.",
    }


@pytest.fixture
def referral() -> dict[str, Any]:
    return a_referral()
