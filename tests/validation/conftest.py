"""A validator with US Core 6.1.0, and resources to break."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator

Json = dict[str, Any]
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>A referral</p></div>'}

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": [US_CORE + "us-core-patient"]},
    "text": NARRATIVE,
    "extension": [
        {
            "url": US_CORE + "us-core-race",
            "extension": [{"url": "text", "valueString": "Declined"}],
        }
    ],
    "identifier": [{"system": "https://plan.example/members", "value": "91234567A"}],
    "name": [{"use": "official", "family": "Zanzibarovna", "given": ["Ada", "M"]}],
    "gender": "female",
    "birthDate": "1980-02-29",
    "_birthDate": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": "1980-02-29T10:00:00Z",
            }
        ]
    },
    "contact": [{"name": {"text": "A friend"}}],
}
SERVICE_REQUEST: Json = {
    "resourceType": "ServiceRequest",
    "id": "s1",
    "meta": {"profile": [US_CORE + "us-core-servicerequest"]},
    "text": NARRATIVE,
    "contained": [
        {
            "resourceType": "Practitioner",
            "id": "dr",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
            "name": [{"family": "Zanzibarovna"}],
        }
    ],
    "status": "active",
    "intent": "order",
    "code": {"text": "Enhanced Care Management"},
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2026-03-02T09:30:00-08:00",
    "requester": {"reference": "#dr"},
}


@pytest.fixture(scope="session")
def validator() -> Validator:
    return Validator.load(["hl7.fhir.us.core#6.1.0"])


@pytest.fixture
def patient() -> Json:
    return copy.deepcopy(PATIENT)


@pytest.fixture
def service_request() -> Json:
    return copy.deepcopy(SERVICE_REQUEST)


@pytest.fixture
def faults(validator: Validator) -> Callable[..., list[tuple[str | None, str | None]]]:
    """The errors of a resource as (rule, place); the fast ways must say the same of it."""

    def find(resource: Any, *profiles: str) -> list[tuple[str | None, str | None]]:
        found = [(i.rule, i.expression) for i in validator.check(resource, profiles=profiles) if i.is_error]
        assert validator.is_valid(resource, profiles) == (not found)
        assert [(i.rule, i.expression) for i in validator.check(resource, profiles=profiles) if i.is_error] == found
        return found

    return find


def profile(type: str, elements: list[Json], **more: Any) -> Json:
    """A StructureDefinition with just a differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": f"https://ecm-gateway.example/fhir/StructureDefinition/{more.pop('name', 'p')}",
        "name": "P",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type, "path": type}, *elements]},
        **more,
    }
