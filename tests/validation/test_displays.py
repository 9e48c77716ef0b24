"""Displays of codes: one of the names that the code system (or a value set) has for the code."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
OWN = "https://plan.example/CodeSystem/own"
CORE = Validator.load()
US_CORE = Validator.load(["hl7.fhir.us.core#6.1.0"])


def patient(**coding: Any) -> Json:
    return {"resourceType": "Patient", "text": NARRATIVE, "maritalStatus": {"coding": [coding]}}


def own(content: str = "complete", **head: Any) -> Json:
    concepts = [{"code": "a", "display": "Alpha", "designation": [{"language": "de", "value": "Erster"}]}]
    return {"resourceType": "CodeSystem", "url": OWN, "status": "active", "content": content, "concept": concepts,
            **head}  # fmt: skip


def told(validator: Validator, resource: Json) -> list[str]:
    issues = validator.check(resource)
    assert issues == validator.explain(resource)
    assert validator.is_valid(resource) is not any(one.is_error for one in issues)
    return [one.severity for one in issues if one.rule == "display"]


@pytest.mark.parametrize("validator", [CORE, US_CORE], ids=["r4", "us-core"])
@pytest.mark.parametrize(
    ("display", "expected"),
    [
        (None, []), ("Married", []), ("married", []), ("Married ", []),
        ("Never Married", ["error"]), ("Divorced", ["error"]), ("x", ["error"]),
    ],
)  # fmt: skip
def test_a_display_is_one_of_the_codes_names(validator: Validator, display: str | None, expected: list[str]) -> None:
    coding = {"system": MARITAL, "code": "M"} | ({} if display is None else {"display": display})
    assert told(validator, patient(**coding)) == expected
    assert told(validator, patient(**coding)) == expected


def test_a_code_is_not_called_as_its_neighbour_is() -> None:
    status = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    found = [
        told(US_CORE, {"resourceType": "Condition", "text": NARRATIVE, "subject": {"reference": "Patient/1"},
                       "clinicalStatus": {"coding": [status | {"display": name}]}})
        for name in ("Active", "Resolved")
    ]  # fmt: skip
    assert found == [[], ["error"]]


def test_designations_of_any_language_and_supplements_are_names() -> None:
    more = {"resourceType": "CodeSystem", "url": OWN + "-more", "status": "active", "content": "supplement",
            "supplements": OWN, "concept": [{"code": "a", "display": "Aleph"}]}  # fmt: skip
    validator = Validator.load(resources=[own(), more])
    names = {"Alpha": [], "Erster": [], "Aleph": [], "Beta": ["error"]}
    assert {name: told(validator, patient(system=OWN, code="a", display=name)) for name in names} == names


def test_the_name_that_a_value_set_gives_will_do() -> None:
    unknown = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "asked-unknown"}
    assert told(CORE, patient(**unknown, display="Don't know")) == []
    assert told(CORE, patient(**unknown, display="No idea")) == ["error"]


def test_names_that_are_not_known_are_not_judged() -> None:
    validator = Validator.load(resources=[own(concept=[{"code": "a"}])])
    assert told(validator, patient(system=OWN, code="a", display="anything")) == []
    assert told(CORE, patient(system="http://loinc.org", code="1-8", display="anything")) == []


@pytest.mark.parametrize("content", ["fragment", "example"])
def test_of_a_code_system_known_in_part_it_is_a_warning(content: str) -> None:
    validator = Validator.load(resources=[own(content)])
    assert told(validator, patient(system=OWN, code="a", display="Beta")) == ["warning"]


@pytest.mark.parametrize(("language", "expected"), [("en-AU", "error"), ("de", "warning"), ("x-private", "warning")])
def test_in_a_resource_in_another_language_it_is_a_warning(language: str, expected: str) -> None:
    resource = {**patient(system=MARITAL, code="M", display="Verheiratet"), "language": language}
    assert told(CORE, resource) == [expected]
    bundle = {"resourceType": "Bundle", "type": "collection", "language": language, "entry": [
        {"fullUrl": "https://plan.example/fhir/Patient/1", "resource": {**resource, "id": "1"}}]}  # fmt: skip
    assert told(CORE, bundle) == [expected]


def test_a_gateway_that_carries_displays_may_only_warn() -> None:
    validator = Validator.load(displays="warning")
    assert told(validator, patient(system=MARITAL, code="M", display="x")) == ["warning"]
    assert told(validator, patient(system=MARITAL, code="?", display="x")) == []
    assert not validator.is_valid(patient(system=MARITAL, code="?"))
