"""FHIRPath, order and filters in definitions: what no engine could run or apply is told where it is written."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

CORE = "http://hl7.org/fhir/StructureDefinition/"
BASE = "https://a.example/fhir/"


@pytest.fixture(scope="module")
def core() -> Validator:
    system = {
        "resourceType": "CodeSystem", "url": f"{BASE}CodeSystem/legs", "status": "active", "content": "complete",
        "filter": [{"code": "tail", "operator": ["="], "value": "x"}],
        "property": [{"code": "legs", "type": "integer"}, {"code": "tame", "type": "boolean"}],
        "concept": [{"code": "dog"}],
    }  # fmt: skip
    return Validator.load([], resources=[system])


def profile(*elements: Json, type_: str = "Patient", **members: Any) -> Json:
    return {
        "resourceType": "StructureDefinition", "text": NARRATIVE, "url": f"{BASE}StructureDefinition/p", "name": "P",
        "status": "active", "fhirVersion": "4.0.1", "kind": "resource", "abstract": False, "type": type_,
        "baseDefinition": CORE + type_, "derivation": "constraint",
        "differential": {"element": [{"id": type_, "path": type_}, *elements]}, **members,
    }  # fmt: skip


def element(path: str, **members: Any) -> Json:
    return {"id": path, "path": path, **members}


def constrained(path: str, expression: str, **members: Any) -> Json:
    rule = {"key": "x-1", "severity": "error", "human": "x", "expression": expression}
    made = profile(element(path, constraint=[rule], **members), type_=path.partition(".")[0])
    if "." not in path:
        del made["differential"]["element"][0]
    return made


def errors(validator: Validator, resource: Json) -> list[tuple[str | None, str | None]]:
    before = copy.deepcopy(resource)
    found = [(i.rule, i.expression) for i in validator.check(resource) if i.is_error]
    assert resource == before
    assert validator.is_valid(resource) == (not found)
    return found


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("Patient.contact", "name.exist()"),
        ("Patient.contact", "nonsense()"),
        ("Patient.contact", "name.family.matches()"),
        ("Patient.contact", "iif(name.exists())"),
        ("Patient.contact", "%surroundings.exists()"),
        ("Patient.contact", "name.ofType(Strng).exists()"),
        ("Patient.contact", "name is Strng"),
        ("Patient.contact", "name.exists("),
        ("Patient.contact", "relationship.all($this.exist())"),
    ],
)
def test_what_no_engine_could_run(core: Validator, path: str, expression: str) -> None:
    place = "StructureDefinition.differential.element[1].constraint[0].expression"
    assert errors(core, constrained(path, expression)) == [("definition-expression", place)]


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("Patient.contact", "nme.exists()"),
        ("Patient.contact", "name.where(famly = 'x').exists()"),
        ("Patient.contact", "name.exists() implies contact.exists()"),
        ("Patient", "name.first().familiy.exists()"),
        ("Patient.birthDate", "start.exists()"),
        ("Observation.value[x]", "nothing.exists()"),
        ("Observation.component", "value.ofType(Quantity).units.exists()"),
    ],
)
def test_names_that_no_type_has(core: Validator, path: str, expression: str) -> None:
    place = f"StructureDefinition.differential.element[{int('.' in path)}].constraint[0].expression"
    assert errors(core, constrained(path, expression)) == [("definition-path", place)]


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("Patient.contact", "name.exists() and %resource.active and %context.gender.exists()"),
        ("Patient.contact", "lowBoundary() = 1 or highBoundary() = 1"),
        ("Patient.contact", "name.repeat(given | anything).exists()"),
        ("Patient", "Patient.name.family.exists()"),
        ("Patient", "contained.code.exists() or extension.value.code.exists()"),
        ("Patient.extension", "value.coding.exists() or value.low.exists()"),
        ("Observation.value[x]", "code.exists() or low.exists()"),
        ("Observation.value[x]", "unit.exists()"),
        ("Patient.birthDate", "extension.exists() or $this > @1900-01-01"),
        ("Questionnaire.item.item", "linkId.exists() and answerOption.value.exists()"),
        ("Patient.name", "family.exists() or `given`.exists() or %`vs-names`.exists()"),
    ],
)
def test_expressions_that_can_be_run(core: Validator, path: str, expression: str) -> None:
    assert errors(core, constrained(path, expression)) == []


def test_names_are_held_to_the_types_that_are_left(core: Validator) -> None:
    asked = constrained("Observation.value[x]", "low.exists()", type=[{"code": "Quantity"}])
    place = "StructureDefinition.differential.element[1].constraint[0].expression"
    assert errors(core, asked) == [("definition-path", place)]


def test_rules_from_elsewhere_are_not_held_to_types(core: Validator) -> None:
    asked = constrained("Patient.contact", "nme.exists()")
    asked["differential"]["element"][1]["constraint"][0]["source"] = "https://b.example/StructureDefinition/other"
    assert errors(core, asked) == []


@pytest.mark.parametrize(("expression", "good"), [
    ("Patient.gender", True), ("Patient.contact.name", True), ("Patient.gender.foo()", False),
    ("Patient.contact.where(nme.exists())", False), ("Patient.name | Patient.nme", False),
])  # fmt: skip
def test_search_expressions(core: Validator, expression: str, *, good: bool) -> None:
    asked = {"resourceType": "SearchParameter", "text": NARRATIVE, "url": f"{BASE}SearchParameter/x", "name": "X",
             "status": "active", "description": "x", "code": "x", "base": ["Patient"], "type": "token",
             "expression": expression}  # fmt: skip
    assert [place for _, place in errors(core, asked)] == ([] if good else ["SearchParameter.expression"])


@pytest.mark.parametrize(
    ("paths", "wrong"),
    [
        (["Patient.name", "Patient.gender", "Patient.contact"], None),
        (["Patient.gender", "Patient.name"], 2),
        (["Patient.name.family", "Patient.name.given", "Patient.gender"], None),
        (["Patient.name.given", "Patient.name.family"], 2),
        (["Patient.name.family", "Patient.gender", "Patient.name.given"], 3),
        (["Patient.contact.name.family", "Patient.contact.name.use"], 2),
        (["Patient.deceased[x]", "Patient.multipleBirth[x]"], None),
    ],
)
def test_a_differential_has_the_order_of_its_type(core: Validator, paths: list[str], wrong: int | None) -> None:
    found = errors(core, profile(*[element(path, mustSupport=True) for path in paths]))
    place = f"StructureDefinition.differential.element[{wrong}]"
    assert found == ([] if wrong is None else [("definition-order", place)])


def test_slices_begin_anew_below(core: Validator) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    path = "Patient.identifier"
    parts = [
        element(path, slicing=slicing),
        *(
            one
            for name in ("a", "b")
            for one in (
                {"id": f"{path}:{name}", "path": path, "sliceName": name},
                {
                    "id": f"{path}:{name}.system",
                    "path": f"{path}.system",
                    "fixedUri": f"https://{name}.example",
                    "min": 1,
                },
                {"id": f"{path}:{name}.value", "path": f"{path}.value", "min": 1},
            )
        ),
    ]
    assert errors(core, profile(*parts)) == []


def test_ids_say_the_same_as_paths(core: Validator) -> None:
    asked = profile({"id": "Patient.sex", "path": "Patient.gender", "min": 1})
    assert errors(core, asked) == []
    assert "definition-id" in [issue.rule for issue in core.check(asked)]


def test_the_content_of_another_element_is_that_of_one_there_is(core: Validator) -> None:
    good = profile(element("Patient.contact", contentReference="#Patient.link"))
    bad = profile(element("Patient.contact", contentReference="#Patient.links"))
    place = "StructureDefinition.differential.element[1].contentReference"
    assert ("definition-path", place) not in errors(core, good)
    assert ("definition-path", place) in errors(core, bad)


@pytest.mark.parametrize(
    ("property_", "op", "value", "good"),
    [
        ("legs", "=", "4", True), ("tame", "=", "true", True), ("tail", "=", "long", True),
        ("concept", "is-a", "dog", True), ("legs", "exists", "true", True), ("legs", "in", "3,4", True),
        ("legs", "=", "four", False), ("tame", "=", "yes", False), ("wings", "=", "2", False),
    ],
)  # fmt: skip
def test_filters_ask_for_what_the_code_system_has(
    core: Validator, property_: str, op: str, value: str, *, good: bool
) -> None:
    chosen = {"system": f"{BASE}CodeSystem/legs", "filter": [{"property": property_, "op": op, "value": value}]}
    asked = {"resourceType": "ValueSet", "text": NARRATIVE, "status": "active", "compose": {"include": [chosen]}}
    place = "ValueSet.compose.include[0].filter[0]"
    assert errors(core, asked) == ([] if good else [("valueset-filter", place)])


@pytest.mark.parametrize(
    ("change", "rule", "member"),
    [
        ({"path": "Patient.birthday"}, "definition-path", ".path"),
        ({"type": [{"code": "instant"}]}, "definition-type", ".type[0].code"),
        ({"max": "2"}, "definition-max", ".max"),
        ({"path": "Patient.contained", "type": [{"code": "Strang"}]}, "definition-type", ".type[0].code"),
        ({"fixedString": "x"}, "definition-value", ".fixed.ofType(string)"),
    ],
)
def test_snapshots_are_held_to_the_type_too(core: Validator, change: Json, rule: str, member: str) -> None:
    """The snapshot of a profile that asks nothing, with one element changed."""
    snapshot = copy.deepcopy(core.engine.definitions.structure(CORE + "Patient"))
    assert snapshot is not None
    elements = [{**one, "definition": "x"} for one in snapshot["snapshot"]["element"]]
    made = profile(snapshot={"element": elements})
    assert not [found for found in errors(core, made) if str(found[0]).startswith("definition")]
    number = next(n for n, one in enumerate(elements) if one["path"] == "Patient.birthDate")
    elements[number] = {**elements[number], **change}
    place = f"StructureDefinition.snapshot.element[{number}]"
    assert (rule, place + member) in errors(core, made)
