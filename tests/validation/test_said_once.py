"""One fault is one issue, though several rules have something to say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import US_CORE, Json, profile

CODED: Json = {"coding": [{"system": "http://a.example", "code": "a"}]}
VITAL: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "x"},
    "effectiveDateTime": "2020-01-01",
    "component": [{"code": CODED, "valueString": "x"}],
}
DEFINITION = profile("Observation", [
    {"id": "Observation.status", "path": "Observation.status", "fixedCode": "final"},
    {"id": "Observation.effective[x]", "path": "Observation.effective[x]", "min": 1},
    {"id": "Observation.component", "path": "Observation.component", "min": 1,
     "slicing": {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"}},
    {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a", "min": 1},
    {"id": "Observation.component:a.code", "path": "Observation.component.code", "patternCodeableConcept": CODED},
    {"id": "Observation.interpretation", "path": "Observation.interpretation",
     "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}},
    {"id": "Observation.interpretation.coding", "path": "Observation.interpretation.coding", "min": 1},
])  # fmt: skip
Change = Callable[[Json], Any]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda o: o.update(status="zebra"), [("fixed", "Observation.status")]),
        (lambda o: o.update(status="amended"), [("fixed", "Observation.status")]),
        (lambda o: o.update(effectiveString=o.pop("effectiveDateTime")), [("unknown-element", "Observation")]),
        (lambda o: o.pop("effectiveDateTime"), [("card-min", "Observation")]),
        (lambda o: o["component"][0].pop("code"), [("card-min", "Observation.component[0]")]),
        (lambda o: o.pop("component"), [("slice-min", "Observation")]),
        (lambda o: o.update(interpretation=[{"text": "x"}]), [("card-min", "Observation.interpretation[0]")]),
    ],
)
def test_one_fault_is_told_once(change: Change, told: list[tuple[str, str]]) -> None:
    validator = Validator.load([], resources=[DEFINITION])
    resource = {**VITAL, "component": [dict(one) for one in VITAL["component"]]}
    named = [DEFINITION["url"]]
    assert not [i for i in validator.check(resource, named) if i.is_error]
    change(resource)
    assert [(i.rule, i.expression) for i in validator.explain(resource, named) if i.is_error] == told
    for _ in range(3):
        assert [(i.rule, i.expression) for i in validator.check(resource, named) if i.is_error] == told


def test_a_code_outside_the_sets_of_type_and_profile_is_told_once(validator: Validator) -> None:
    resource = {**VITAL, "status": "zebra"}
    found = validator.check(resource, [US_CORE + "us-core-observation-lab"])
    assert [i.rule for i in found if i.expression == "Observation.status"] == ["binding-required"]


def test_two_faults_of_one_kind_are_two_issues() -> None:
    validator = Validator.load([], resources=[DEFINITION])
    resource = {**VITAL, "status": "zebra", "component": [{"valueString": "x"}, {"code": CODED}, {"valueString": "y"}]}
    told = [(i.rule, i.expression) for i in validator.check(resource, [DEFINITION["url"]]) if i.is_error]
    assert sorted(map(str, told)) == sorted(map(str, [
        ("fixed", "Observation.status"),
        ("card-min", "Observation.component[0]"), ("card-min", "Observation.component[2]"),
    ]))  # fmt: skip
