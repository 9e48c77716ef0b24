"""A model of R4 and a patient to ask."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gateway.fhirpath import Env, Model, compile
from gateway.packages.definitions import Definitions

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "extension": [
        {"url": "http://example.org/count", "valueInteger": 3},
        {"url": "http://example.org/when", "valueDateTime": "2020-05"},
    ],
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Clinic"}],
    "active": True,
    "name": [
        {"use": "official", "family": "Zanzibarovna", "given": ["Ada", None], "_given": [None, {"id": "g2"}]},
        {"use": "nickname", "given": ["Ad"]},
    ],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "_gender": {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#o1"},
    "generalPractitioner": [{"reference": "Practitioner/9"}, {"reference": "Organization/8"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "valueQuantity": {"value": Decimal("72.50"), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "effectiveDateTime": "2024-02-29T10:00:00Z",
    "component": [
        {"code": {"text": "a"}, "valueQuantity": {"value": 185, "code": "[lb_av]"}},
        {"code": {"text": "b"}, "valueString": "text"},
    ],
}
BY_TYPE = {"Patient": PATIENT, "Observation": OBSERVATION}


@pytest.fixture(scope="session")
def model() -> Model:
    return Model(Definitions.load([]))


Ask = Callable[..., list[Any]]


@pytest.fixture(scope="session")
def ask(model: Model) -> Ask:
    """`ask("name.given")`: the items on the patient; `type="Observation"` asks the observation."""

    def ask(expression: str, *, type: str = "Patient", **env: Any) -> list[Any]:
        resource = BY_TYPE[type]
        return compile(expression, model=model, type=type)(resource, Env(resource, **env))

    return ask
