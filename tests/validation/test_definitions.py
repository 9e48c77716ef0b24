"""Definitions that cannot be meant: each breaks one thing, and is told there and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

Faults = Callable[..., list[tuple[str | None, str | None]]]
CORE = "http://hl7.org/fhir/StructureDefinition/"
GENDER = "http://hl7.org/fhir/administrative-gender"
MARITAL = "http://hl7.org/fhir/ValueSet/marital-status"
V3_GENDER = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"


def defined(type_: str, /, **members: Any) -> Json:
    head = {"resourceType": type_, "text": NARRATIVE, "url": "https://ecm-gateway.example/fhir/x", "name": "X",
            "status": "draft"}  # fmt: skip
    return {**head, **members}


def codes(**members: Any) -> Json:
    return defined("CodeSystem", **{"content": "complete", "concept": [{"code": "a"}, {"code": "b"}], **members})


def valued(property_: Json, **declared: Any) -> Json:
    return codes(property=[{"code": "p", "type": "code", **declared}], concept=[{"code": "a", "property": [property_]}])


def chosen(**include: Any) -> Json:
    return defined("ValueSet", compose={"include": [{"system": GENDER, **include}]})


def mapped(*, code: str = "male", to: str = "M", **group: Any) -> Json:
    element = [{"code": code, "target": [{"code": to, "equivalence": "equal"}]}]
    return defined("ConceptMap", group=[{"source": GENDER, "target": V3_GENDER, "element": element, **group}])


def searched(**members: Any) -> Json:
    usual = {"description": "x", "code": "x", "base": ["Patient"], "type": "string",
             "expression": "Patient.name.family"}  # fmt: skip
    return defined("SearchParameter", **{**usual, **members})


def operated(**parameter: Any) -> Json:
    usual = {"name": "a", "use": "in", "min": 0, "max": "1", "type": "string"}
    return defined("OperationDefinition", kind="operation", code="x", system=False, type=True, instance=False,
                   resource=["Patient"], parameter=[{**usual, **parameter}])  # fmt: skip


def served(**resource: Any) -> Json:
    return defined("CapabilityStatement", date="2026", kind="instance", fhirVersion="4.0.1", format=["json"],
                   implementation={"description": "x"},
                   rest=[{"mode": "server", "resource": [{"type": "Patient", **resource}]}])  # fmt: skip


def profiled(*elements: Json, **members: Any) -> Json:
    usual = {"kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
             "baseDefinition": CORE + "Patient",
             "differential": {"element": [element("Patient"), *elements]}}  # fmt: skip
    return defined("StructureDefinition", **{**usual, **members})


def extended(*, url: str = "https://ecm-gateway.example/fhir/x", **members: Any) -> Json:
    elements = [element("Extension"), element("Extension.url", fixedUri=url), element("Extension.value[x]",
                type=[{"code": "string"}])]  # fmt: skip
    return profiled(**{"type": "Extension", "kind": "complex-type", "baseDefinition": CORE + "Extension",
                       "differential": {"element": elements},
                       "context": [{"type": "element", "expression": "Patient"}], **members})  # fmt: skip


def element(path: str, **members: Any) -> Json:
    return {"id": path, "path": path, **members}


def ruled(expression: str) -> Json:
    return element("Patient.name", constraint=[keyed("a", expression)])


def sliced(path: str) -> Json:
    discriminator = [{"type": "value", "path": path}]
    return element("Patient.name", slicing={"discriminator": discriminator, "rules": "open"})


def beside(*constraints: Json) -> Json:
    return profiled(*(element(path, constraint=[one]) for path, one in zip(("Patient.name", "Patient.telecom"),
                    constraints, strict=False)))  # fmt: skip


def keyed(key: str, expression: str) -> Json:
    return {"key": key, "severity": "error", "human": "x", "expression": expression}


def extending(name: str, profile: str) -> Json:
    path = f"Patient.{name}"
    head = element(path, slicing={"discriminator": [{"type": "value", "path": "url"}], "rules": "open"})
    part = {"id": f"{path}:a", "path": path, "sliceName": "a", "type": [{"code": "Extension", "profile": [profile]}]}
    return profiled(head, part)


def expanded(**contained: Any) -> Json:
    return defined("ValueSet", expansion={"timestamp": "2026", "contains": [{"display": "x", "abstract": True,
                   "contains": [{"system": GENDER, **contained}]}]})  # fmt: skip


def adding(code: str, **members: Any) -> Json:
    return codes(**{"content": "supplement", "supplements": GENDER, "concept": [{"code": code}], **members})


def below(parent: str, **members: Any) -> Json:
    up = {"code": "up", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"}
    child = {"code": "b", "property": [{"code": "up", "valueCode": parent}]}
    return codes(property=[up], concept=[{"code": "a"}, child], **members)


def pointed(profile: str) -> Json:
    return element("Patient.managingOrganization", type=[{"code": "Reference", "targetProfile": [profile]}])


BAD: list[tuple[str, str, Json]] = [
    ("codesystem-supplements", "CodeSystem", codes(content="supplement")),
    ("codesystem-supplements", "CodeSystem.supplements", codes(supplements="https://a.example/x")),
    ("codesystem-content", "CodeSystem.content", codes(content="not-present")),
    ("codesystem-property", "CodeSystem.concept[0].property[0]", valued({"code": "p", "valueString": "x"})),
    ("codesystem-property", "CodeSystem.property[1].code",
     codes(property=[{"code": "p", "type": "string"}, {"code": "p", "type": "string"}])),
    ("codesystem-count", "CodeSystem.count", codes(count=3)),
    ("codesystem-supplements", "CodeSystem.concept[0]", adding("man")),
    ("codesystem-supplements", "CodeSystem.caseSensitive", adding("male", caseSensitive=True)),
    ("codesystem-supplements", "CodeSystem.hierarchyMeaning", adding("male", hierarchyMeaning="is-a")),
    ("codesystem-value-set", "CodeSystem.valueSet", codes(valueSet=MARITAL)),
    ("codesystem-property", "CodeSystem.concept[1].property[0]", below("c")),
    ("definition-system", "ValueSet.compose.include[0].system", chosen(system="https://loinc.org")),
    ("code-unknown", "ValueSet.expansion.contains[0].contains[0]", expanded(code="man")),
    ("valueset-filter", "ValueSet.compose.include[0].filter[0]",
     chosen(filter=[{"property": "status", "op": "exists", "value": "maybe"}])),
    ("valueset-filter", "ValueSet.compose.include[0].filter[0]",
     chosen(filter=[{"property": "concept", "op": "regex", "value": "m.*"}])),
    ("conceptmap-member", "ConceptMap.group[0].element[0]", {**mapped(), "sourceCanonical": MARITAL}),
    ("conceptmap-member", "ConceptMap.group[0].element[0].target[0]", {**mapped(), "targetCanonical": MARITAL}),
    ("definition-system", "ValueSet.compose.include[0].system", chosen(system="gender")),
    ("definition-system", "ValueSet.compose.include[0].system", chosen(system="#x")),
    ("definition-system", "ValueSet.compose.include[0].system", chosen(system=MARITAL)),
    ("code-unknown", "ValueSet.compose.include[0].concept[1]", chosen(concept=[{"code": "male"}, {"code": "man"}])),
    ("code-unknown", "ValueSet.compose.include[0].filter[0]",
     chosen(filter=[{"property": "concept", "op": "is-a", "value": "man"}])),
    ("valueset-filter", "ValueSet.compose.include[0].filter[0]",
     chosen(filter=[{"property": "code", "op": "regex", "value": "("}])),
    ("code-unknown", "ConceptMap.group[0].element[0]", mapped(code="man")),
    ("code-unknown", "ConceptMap.group[0].element[0].target[0]", mapped(to="man")),
    ("definition-system", "ConceptMap.group[0].source", mapped(source="gender")),
    ("definition-expression", "SearchParameter.expression", searched(expression="Patient.name.(")),
    ("definition-path", "SearchParameter.expression", searched(expression="Patient.zebra")),
    ("definition-path", "SearchParameter.expression", searched(expression="Patient.name | Patient.name.zebra")),
    ("searchparameter-component", "SearchParameter", searched(type="composite")),
    ("searchparameter-component", "SearchParameter.component[0]",
     searched(component=[{"definition": "https://a.example/x", "expression": "name"}])),
    ("definition-max", "OperationDefinition.parameter[0].max", operated(max="many")),
    ("definition-max", "OperationDefinition.parameter[0].max", operated(min=2)),
    ("definition-min", "OperationDefinition.parameter[0].min", operated(min=-1)),
    ("capability-profile", "CapabilityStatement.rest[0].resource[0].profile", served(profile=CORE + "Observation")),
    ("capability-profile", "CapabilityStatement.rest[0].resource[0].supportedProfile[0]",
     served(supportedProfile=[CORE + "vitalsigns"])),
    ("canonical-target", "CapabilityStatement.rest[0].resource[0].profile", served(profile=MARITAL)),
    ("definition-path", "StructureDefinition.differential.element[1].path", profiled(element("Patient.zebra"))),
    ("definition-path", "StructureDefinition.differential.element[1].path",
     profiled(element("Patient.deceasedString"))),
    ("definition-max", "StructureDefinition.differential.element[1].max", profiled(element("Patient.gender", max="2"))),
    ("definition-min", "StructureDefinition.differential.element[1].min", profiled(element("Patient.gender", min=2))),
    ("definition-type", "StructureDefinition.differential.element[1].type[0].code",
     profiled(element("Patient.birthDate", type=[{"code": "string"}]))),
    ("definition-type", "StructureDefinition.differential.element[1].type[0].targetProfile[0]",
     profiled(pointed(CORE + "Observation"))),
    ("canonical-target", "StructureDefinition.differential.element[1].type[0].targetProfile[0]",
     profiled(pointed(MARITAL))),
    ("definition-value", "StructureDefinition.differential.element[1].fixed.ofType(string)",
     profiled(element("Patient.birthDate", fixedString="x"))),
    ("definition-binding", "StructureDefinition.differential.element[1].binding.strength",
     profiled(element("Patient.gender", binding={"strength": "example", "valueSet": MARITAL}))),
    ("definition-expression", "StructureDefinition.differential.element[1].constraint[0].expression",
     profiled(ruled("name.("))),
    ("discriminator-path", "StructureDefinition.differential.element[1].slicing.discriminator[0]",
     profiled(sliced("zebra"))),
    ("definition-base", "StructureDefinition.type", profiled(baseDefinition=CORE + "Observation")),
    ("definition-base", "StructureDefinition.kind", profiled(kind="complex-type")),
    ("definition-differential", "StructureDefinition.differential",
     profiled({"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a", "min": 1})),
    ("definition-expression", "StructureDefinition.differential.element[1].slicing.discriminator[0].path",
     profiled(sliced("use."))),
    ("definition-slicing", "StructureDefinition.differential.element[1].slicing",
     profiled({**sliced("$this"), "id": "Patient.gender", "path": "Patient.gender"})),
    ("definition-binding", "StructureDefinition.differential.element[1].binding",
     profiled(element("Patient.birthDate", binding={"strength": "required", "valueSet": MARITAL}))),
    ("definition-length", "StructureDefinition.differential.element[1].maxLength",
     profiled(element("Patient.active", maxLength=3))),
    ("definition-length", "StructureDefinition.differential.element[1].maxLength",
     profiled(element("Patient.name", maxLength=3))),
    ("definition-missing", "StructureDefinition.differential.element[1].meaningWhenMissing",
     profiled(element("Patient.gender", meaningWhenMissing="x"))),
    ("definition-modifier", "StructureDefinition.differential.element[2].type[0].profile[0]",
     extending("modifierExtension", CORE + "patient-birthPlace")),
    ("definition-key", "StructureDefinition.differential.element[1].constraint[0].key", beside(keyed("pat-1", "true"))),
    ("definition-key", "StructureDefinition.differential.element[2].constraint[0].key",
     beside(keyed("a", "true"), keyed("a", "false"))),
    ("definition-derivation", "StructureDefinition",
     {name: value for name, value in profiled().items() if name != "derivation"}),
    ("definition-derivation", "StructureDefinition.type", profiled(derivation="specialization")),
    ("definition-context", "StructureDefinition.context[0]",
     profiled(context=[{"type": "element", "expression": "Patient"}])),
    ("definition-url", "StructureDefinition.differential",
     extended(differential={"element": [element("Extension"), element("Extension.id", max="0")]})),
    ("definition-url", "StructureDefinition.differential.element[1].fixed.ofType(uri)",
     extended(url="https://a.example/y")),
    ("definition-path", "StructureDefinition.context[0].expression",
     extended(context=[{"type": "element", "expression": "Zebra"}])),
    ("definition-path", "StructureDefinition.context[0].expression",
     extended(context=[{"type": "element", "expression": "Patient.zebra"}])),
    ("definition-expression", "StructureDefinition.context[0].expression",
     extended(context=[{"type": "fhirpath", "expression": "Patient.("}])),
]  # fmt: skip
GOOD: list[Json] = [
    codes(count=2, property=[{"code": "p", "type": "code"}]),
    codes(content="not-present", concept=None),
    codes(content="supplement", supplements="https://a.example/x"),
    valued({"code": "p", "valueCode": "b"}),
    chosen(concept=[{"code": "male", "display": "Male"}]),
    chosen(system="https://a.example/unknown", concept=[{"code": "z"}]),
    chosen(system="http://loinc.org", filter=[{"property": "CLASS", "op": "regex", "value": "SURVEY.*"}]),
    mapped(),
    {**mapped(), "sourceCanonical": "http://hl7.org/fhir/ValueSet/administrative-gender"},
    {**mapped(), "sourceCanonical": "https://a.example/unknown", "targetUri": "https://a.example/unknown"},
    expanded(code="male"),
    expanded(code="man", system="https://a.example/unknown"),
    chosen(filter=[{"property": "status", "op": "exists", "value": "true"}]),
    codes(content="fragment", count=7),
    codes(valueSet="https://a.example/unknown"),
    adding("male"),
    adding("zebra", supplements="https://a.example/unknown"),
    below("a"),
    below("c", content="fragment"),
    beside(keyed("a", "true"), keyed("a", "true")),
    extending("extension", CORE + "patient-birthPlace"),
    profiled(element("Patient.gender", maxLength=5), element("Patient.multipleBirth[x]", minValueInteger=1)),
    profiled({**sliced("$this"), "id": "Patient.deceased[x]", "path": "Patient.deceased[x]"}),
    profiled(element("Patient.maritalStatus", type=[{"code": "CodeableConcept"}],
                     binding={"strength": "required", "valueSet": MARITAL})),
    searched(expression="(Observation.value as Quantity) | Patient.name.where(use = 'official').family"),
    searched(base=["Resource"], expression="Resource.meta.profile"),
    operated(min=1, max="*"),
    served(profile=CORE + "Patient", supportedProfile=["https://a.example/unknown", CORE + "DomainResource"]),
    profiled(element("Patient.deceasedBoolean", min=1), element("Patient.contact.name", min=1)),
    profiled(element("Patient.name", min=1, max="1"), element("Patient.birthDate", fixedDate="2020")),
    profiled(sliced("use"), {"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a", "min": 1}),
    profiled(ruled("given.exists() or family.exists()"), pointed(CORE + "Organization")),
    profiled(baseDefinition="https://a.example/unknown"),
    extended(),
    extended(context=[{"type": "element", "expression": "CanonicalResource"}]),
    extended(context=[{"type": "element", "expression": "Observation.component"}]),
]  # fmt: skip


def without_none(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if value is not None}


@pytest.mark.parametrize(("rule", "place", "resource"), BAD)
def test_what_cannot_be_meant(validator: Validator, faults: Faults, rule: str, place: str, resource: Json) -> None:
    assert faults(resource) == [(rule, place)]
    assert not validator.is_valid(resource)


@pytest.mark.parametrize("resource", GOOD)
def test_what_can(validator: Validator, faults: Faults, resource: Json) -> None:
    assert faults(without_none(resource)) == []


def test_any_value_in_the_place_of_a_definition_part_is_survived(validator: Validator) -> None:
    for kind in ("CodeSystem", "ValueSet", "ConceptMap", "SearchParameter", "OperationDefinition",
                 "CapabilityStatement", "StructureDefinition"):  # fmt: skip
        for _, _, resource in BAD:
            if resource["resourceType"] == kind:
                for name in resource:
                    for odd in (None, 1, "x", [], {}, [None], [[1]], {"element": [1]}, {"include": {}}, True):
                        if name != "resourceType":
                            validator.check({**resource, name: odd})


def test_a_supplement_is_no_code_system_to_take_codes_from() -> None:
    more = adding("male", url="https://a.example/more")
    validator = Validator.load(resources=[more])
    coding = {"system": more["url"], "code": "male"}
    patient = {"resourceType": "Patient", "text": NARRATIVE, "maritalStatus": {"coding": [coding]}}
    for resource, rule in ((patient, "coding-system"), (chosen(system=more["url"]), "definition-system")):
        assert [one.rule for one in validator.check(resource) if one.is_error] == [rule]
        assert not validator.is_valid(resource)
