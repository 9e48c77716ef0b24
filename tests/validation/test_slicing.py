"""Slicing: every discriminator, order, openness, re-slicing, counts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadProfile
from gateway.validation import Validator
from tests.validation.conftest import Json, profile

CODE = "http://loinc.org"


def sliced(discriminators: list[Json], slices: list[Json], *, rules: str = "open", ordered: bool = False) -> Json:
    """A profile of Observation whose `component` is sliced."""
    head = {
        "id": "Observation.component",
        "path": "Observation.component",
        "slicing": {"discriminator": discriminators, "rules": rules, "ordered": ordered},
    }
    return profile("Observation", [head, *slices])


def part(name: str, *children: Json, min: int = 0, max: str = "*") -> list[Json]:
    """One slice of `component` with rules for its children (`{'at': 'code', ...}`)."""
    identity = f"Observation.component:{name}"
    made: list[Json] = [{"id": identity, "path": "Observation.component", "sliceName": name, "min": min, "max": max}]
    for child in children:
        at = child.pop("at")
        made.append({"id": f"{identity}.{at}", "path": f"Observation.component.{at}", **child})
    return made


def coded(code: str) -> Json:
    return {"at": "code", "patternCodeableConcept": {"coding": [{"system": CODE, "code": code}]}}


def observation(*components: Json) -> Json:
    made: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    return made | ({"component": list(components)} if components else {})


def component(code: str, **value: Any) -> Json:
    return {"code": {"coding": [{"system": CODE, "code": code}]}, **(value or {"valueString": "x"})}


def faults(definition: Json, resource: Json, *more: Json) -> list[str | None]:
    validator = Validator.load([], resources=[definition, *more])
    return sorted(str(i.rule) for i in validator.check(resource, profiles=[definition["url"]]) if i.is_error)


BY_VALUE = [{"type": "value", "path": "code"}]


def test_slices_by_value_are_counted() -> None:
    definition = sliced(BY_VALUE, part("a", coded("a"), min=1, max="1") + part("b", coded("b")))
    assert faults(definition, observation(component("a"), component("b"), component("c"))) == []
    assert faults(definition, observation(component("b"))) == ["slice-min"]
    assert faults(definition, observation(component("a"), component("a"))) == ["slice-max"]


def test_a_slice_has_rules_of_its_own() -> None:
    definition = sliced(BY_VALUE, part("a", coded("a"), {"at": "value[x]", "min": 1, "type": [{"code": "Quantity"}]}))
    assert faults(definition, observation(component("a", valueQuantity={"value": 1}))) == []
    assert faults(definition, observation(component("a", valueString="x"))) == ["type"]
    assert faults(definition, observation(component("b", valueString="x"))) == []


def test_closed_slicing_refuses_the_rest_and_says_what_there_is() -> None:
    definition = sliced(BY_VALUE, part("a", coded("a")), rules="closed")
    assert faults(definition, observation(component("a"))) == []
    validator = Validator.load([], resources=[definition])
    (issue,) = [i for i in validator.check(observation(component("c")), profiles=[definition["url"]]) if i.is_error]
    assert issue.rule == "slice-closed"
    assert issue.expression == "Observation.component[0]"
    assert "'a'" in issue.message
    assert "\n" not in issue.message


def test_ordered_slices_come_in_order() -> None:
    definition = sliced(BY_VALUE, part("a", coded("a")) + part("b", coded("b")), ordered=True)
    assert faults(definition, observation(component("a"), component("b"))) == []
    assert faults(definition, observation(component("b"), component("a"))) == ["slice-order"]


def test_open_at_end_keeps_the_rest_behind() -> None:
    definition = sliced(BY_VALUE, part("a", coded("a")), rules="openAtEnd")
    assert faults(definition, observation(component("a"), component("z"))) == []
    assert faults(definition, observation(component("z"), component("a"))) == ["slice-order"]


def test_by_type() -> None:
    head = {"id": "Observation.value[x]", "path": "Observation.value[x]",
            "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}}  # fmt: skip
    quantity = {"id": "Observation.value[x]:valueQuantity", "path": "Observation.value[x]",
                "sliceName": "valueQuantity", "type": [{"code": "Quantity"}], "min": 0, "max": "1"}  # fmt: skip
    unit = {"id": "Observation.value[x]:valueQuantity.code", "path": "Observation.value[x].code", "min": 1}
    definition = profile("Observation", [head, quantity, unit])
    assert faults(definition, observation() | {"valueQuantity": {"value": 1, "code": "kg", "system": "http://unitsofmeasure.org"}}) == []  # fmt: skip  # noqa: E501
    assert faults(definition, observation() | {"valueQuantity": {"value": 1}}) == ["card-min"]
    assert faults(definition, observation() | {"valueString": "x"}) == []


def test_by_exists() -> None:
    by = [{"type": "exists", "path": "value"}]
    with_value = part("with", {"at": "value[x]", "min": 1}, max="1")
    without = part("without", {"at": "value[x]", "max": "0"}, {"at": "dataAbsentReason", "min": 1})
    definition = sliced(by, with_value + without)
    assert faults(definition, observation(component("a"))) == []
    assert faults(definition, observation(component("a"), component("b"))) == ["slice-max"]
    assert faults(definition, observation({"code": {"text": "x"}})) == ["card-min"]


def test_by_pattern_below_and_by_two_discriminators() -> None:
    by = [{"type": "pattern", "path": "code"}, {"type": "type", "path": "value"}]
    slices = part("a", coded("a"), {"at": "value[x]", "type": [{"code": "string"}]}, max="1")
    definition = sliced(by, slices)
    assert faults(definition, observation(component("a"), component("a", valueInteger=1))) == []
    assert faults(definition, observation(component("a"), component("a"))) == ["slice-max"]


def test_by_profile_of_what_a_reference_leads_to() -> None:
    person = profile("Patient", [{"id": "Patient.active", "path": "Patient.active", "min": 1}], name="person")
    head = {"id": "Observation.performer", "path": "Observation.performer",
            "slicing": {"discriminator": [{"type": "profile", "path": "resolve()"}], "rules": "closed"}}  # fmt: skip
    who = {"id": "Observation.performer:p", "path": "Observation.performer", "sliceName": "p", "min": 1,
           "type": [{"code": "Reference", "targetProfile": [person["url"]]}]}  # fmt: skip
    definition = profile("Observation", [head, who])
    held = {"resourceType": "Patient", "id": "a"}
    about = observation() | {"performer": [{"reference": "#a"}]}
    assert faults(definition, about | {"contained": [{**held, "active": True}]}, person) == []
    assert faults(definition, about | {"contained": [held]}, person) == ["slice-closed"]
    # a target that is not at hand is not held against the resource
    assert faults(definition, observation() | {"performer": [{"reference": "Patient/9"}]}, person) == []


@pytest.mark.parametrize("target", ["http://hl7.org/fhir/StructureDefinition/Patient", "https://example.org/person"])
def test_by_type_through_resolve_is_told_by_the_reference_itself(target: str) -> None:
    person = profile("Patient", [], name="person") | {"url": "https://example.org/person"}
    head = {"id": "Observation.performer", "path": "Observation.performer",
            "slicing": {"discriminator": [{"type": "type", "path": "resolve()"}], "rules": "open"}}  # fmt: skip
    who = {"id": "Observation.performer:p", "path": "Observation.performer", "sliceName": "p", "min": 1, "max": "1",
           "type": [{"code": "Reference", "targetProfile": [target]}]}  # fmt: skip
    definition = profile("Observation", [head, who])
    two = [{"reference": "Patient/1"}, {"reference": "Organization/2"}]
    assert faults(definition, observation() | {"performer": two}, person) == []
    three = [*two, {"reference": "Patient/3"}]
    assert faults(definition, observation() | {"performer": three}, person) == ["slice-max"]
    assert faults(definition, observation() | {"performer": two[1:]}, person) == ["slice-min"]


def test_a_slice_of_a_slice() -> None:
    inner = [
        {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a",
         "slicing": {"discriminator": [{"type": "value", "path": "interpretation.text"}], "rules": "open"}},
        {"id": "Observation.component:a.code", "path": "Observation.component.code",
         "patternCodeableConcept": coded("a")["patternCodeableConcept"]},
        {"id": "Observation.component:a/x", "path": "Observation.component", "sliceName": "a/x", "max": "1"},
        {"id": "Observation.component:a/x.interpretation", "path": "Observation.component.interpretation", "min": 1},
        {"id": "Observation.component:a/x.interpretation.text", "path": "Observation.component.interpretation.text",
         "fixedString": "x", "min": 1},
    ]  # fmt: skip
    definition = sliced(BY_VALUE, inner)
    one = component("a") | {"interpretation": [{"text": "x"}]}
    assert faults(definition, observation(one, component("a"), component("a"))) == []
    assert faults(definition, observation(one, one)) == ["slice-max"]


def test_a_slice_that_nothing_tells_apart_is_a_bad_profile() -> None:
    definition = sliced([{"type": "value", "path": "interpretation"}], part("a"))
    with pytest.raises(BadProfile, match="component:a"):
        Validator.load([], resources=[definition]).check(observation(), profiles=[definition["url"]])
