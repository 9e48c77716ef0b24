"""Search parameters that are derived, and those that a CapabilityStatement names."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

R4 = "http://hl7.org/fhir/SearchParameter/"
VALIDATOR = Validator.load()


def searched(**members: Any) -> Json:
    return {"resourceType": "SearchParameter", "text": NARRATIVE, "url": "https://ecm-gateway.example/fhir/x",
            "name": "X", "status": "draft", "description": "x", "code": "x", "base": ["Patient"], "type": "date",
            "expression": "Patient.birthDate", **members}  # fmt: skip


def served(**search: Any) -> Json:
    resource = {"type": "Patient", "searchParam": [{"name": "x", "type": "date", **search}]}
    return {"resourceType": "CapabilityStatement", "text": NARRATIVE, "status": "draft", "date": "2026",
            "format": ["json"], "kind": "requirements", "fhirVersion": "4.0.1", "description": "x",
            "rest": [{"mode": "server", "resource": [resource]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (searched(derivedFrom=R4 + "individual-birthdate"), []),
        (searched(derivedFrom=R4 + "individual-birthdate", type="string"), ["searchparameter-derived"]),
        (searched(derivedFrom=R4 + "individual-birthdate", base=["Observation"], expression="Observation.issued"),
         ["searchparameter-derived"]),
        (searched(derivedFrom=R4 + "Resource-lastUpdated", expression="Patient.meta.lastUpdated"), []),
        (searched(derivedFrom="https://a.example/unknown", type="string"), []),
        (served(definition=R4 + "individual-birthdate"), []),
        (served(definition=R4 + "individual-birthdate", type="string"), ["capability-search"]),
        (served(definition="https://a.example/unknown", type="string"), []),
    ],
)  # fmt: skip
def test_a_search_parameter_is_what_is_said_of_it(resource: Json, expected: list[str]) -> None:
    assert [one.rule for one in VALIDATOR.check(resource) if one.is_error] == expected
    assert VALIDATOR.is_valid(resource) is not bool(expected)


def test_an_expression_that_starts_elsewhere_is_warned_of() -> None:
    found = VALIDATOR.check(searched(expression="Observation.issued"))
    assert [(one.severity, one.rule) for one in found] == [("warning", "definition-path")]
