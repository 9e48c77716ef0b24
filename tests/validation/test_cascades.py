"""One issue per fault: nothing that only follows from a value that is missing, malformed or no code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.validation.conftest import NARRATIVE, Json

Faults = Callable[..., list[tuple[str | None, str | None]]]
UCUM = "http://unitsofmeasure.org"
MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"


def observed(quantity: Json) -> Json:
    return {"resourceType": "Observation", "text": NARRATIVE, "status": "final", "code": {"text": "x"},
            "valueQuantity": quantity}  # fmt: skip


def patient(**members: Any) -> Json:
    return {"resourceType": "Patient", "text": NARRATIVE, **members}


def parameter(**members: Any) -> Json:
    made = {"resourceType": "SearchParameter", "text": NARRATIVE, "url": "https://a.example/SearchParameter/x",
            "name": "X", "status": "draft", "description": "x", "code": "x", "base": ["Patient"], "type": "reference",
            "expression": "Patient.link.other", "chain": ["name"]}  # fmt: skip
    return {**made, **members}


ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


@pytest.mark.parametrize(
    ("resource", "rule", "place"),
    [
        ({"resourceType": "Bundle"}, "card-min", "Bundle"),
        ({"resourceType": "Bundle", "_type": ABSENT}, "binding-no-code", "Bundle.type"),
        ({"resourceType": "Bundle", "type": "zebra"}, "binding-required", "Bundle.type"),
        ({"resourceType": "Group", "text": NARRATIVE, "type": "person",
          "member": [{"entity": {"reference": "Patient/1"}}]}, "card-min", "Group"),
        ({"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft",
          "item": [{"linkId": "1", "required": True}]}, "card-min", "Questionnaire.item[0]"),
        (parameter(type="zebra"), "binding-required", "SearchParameter.type"),
        (parameter(expression=" "), "type-string", "SearchParameter.expression"),
        (observed({"value": 1, "system": UCUM, "code": " mg"}), "type-code",
         "Observation.value.ofType(Quantity).code"),
        (observed({"value": 1, "system": "a b", "code": "mg"}), "type-uri",
         "Observation.value.ofType(Quantity).system"),
        (patient(managingOrganization={"display": "x", "type": "a b"}), "type-uri",
         "Patient.managingOrganization.type"),
        (patient(maritalStatus={"coding": [{"system": MARITAL, "code": "M", "display": ""}]}), "type-string",
         "Patient.maritalStatus.coding[0].display"),
        (patient(photo=[{"contentType": "text/plain", "data": "YQ==", "size": -1}]), "type-unsignedInt",
         "Patient.photo[0].size"),
        ({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "", "resource": {"resourceType": "Parameters"}}]}, "type-uri", "Bundle.entry[0].fullUrl"),
    ],
)  # fmt: skip
def test_one_fault_is_one_issue(faults: Faults, resource: Json, rule: str, place: str) -> None:
    assert faults(resource) == [(rule, place)]


def test_two_faults_are_two_issues(faults: Faults) -> None:
    resource = observed({"value": 1, "code": "mg"}) | {"dataAbsentReason": {"text": "x"}, "status": "zebra"}
    assert {rule for rule, _ in faults(resource)} == {"binding-required", "obs-6", "qty-3"}
