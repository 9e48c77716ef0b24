"""Extensions by their definitions; narratives; data types; bindings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, US_CORE, Json

Faults = Callable[..., list[tuple[str | None, str | None]]]
CORE = "http://hl7.org/fhir/StructureDefinition/"
RACE = US_CORE + "us-core-race"


@pytest.mark.parametrize(
    ("extension", "rules"),
    [
        ({"url": CORE + "patient-religion", "valueCodeableConcept": {"text": "x"}}, []),
        ({"url": CORE + "patient-religion", "valueString": "x"}, ["type"]),
        ({"url": CORE + "patient-religion"}, ["card-min"]),
        ({"url": CORE + "condition-dueTo", "valueCodeableConcept": {"text": "x"}}, ["extension-context"]),
        ({"url": RACE, "extension": [{"url": "text", "valueString": "x"}]}, []),
        ({"url": RACE, "extension": [{"url": "other", "valueString": "x"}]}, ["slice-min", "extension-part"]),
        ({"url": RACE, "extension": [{"url": "text", "valueBoolean": True}]}, ["type"]),
        ({"url": "relative", "valueString": "x"}, ["extension-url"]),
        ({"url": "https://partner.example/x", "valueString": "x"}, ["extension-unknown"]),
        ({"url": "http://example.org/x", "valueString": "x"}, []),
        ({"valueString": "x"}, ["card-min"]),
        ({"url": CORE + "patient-religion", "valueCodeableConcept": {"text": "x"}, "extension": [
            {"url": "http://example.org/x", "valueString": "x"}]}, ["card-max"]),
        ({"url": "http://example.org/x"}, ["ext-1"]),
    ],
)  # fmt: skip
def test_extensions_of_a_patient(faults: Faults, extension: Json, rules: list[str]) -> None:
    made = {"resourceType": "Patient", "text": NARRATIVE, "extension": [extension]}
    assert sorted(str(rule) for rule, _ in faults(made)) == sorted(rules)


def test_modifiers_are_told_from_others(faults: Faults) -> None:
    plain = {"url": CORE + "patient-religion", "valueCodeableConcept": {"text": "x"}}
    assert [r for r, _ in faults({"resourceType": "Patient", "modifierExtension": [plain]})] == ["extension-modifier"]
    unknown = {"url": "https://partner.example/x", "valueString": "x"}
    assert [r for r, _ in faults({"resourceType": "Patient", "modifierExtension": [unknown]})] == ["extension-unknown"]


def test_a_gateway_may_carry_extensions_that_it_does_not_know() -> None:
    lenient = Validator.load([], unknown_extensions="information")
    unknown = {"url": "https://partner.example/x", "valueString": "x"}
    assert lenient.is_valid({"resourceType": "Patient", "extension": [unknown]})
    assert not lenient.is_valid({"resourceType": "Patient", "modifierExtension": [unknown]})


def div(inside: str, tag: str = "div") -> Json:
    text = f'<{tag} xmlns="http://www.w3.org/1999/xhtml">{inside}</{tag}>'
    return {"resourceType": "Patient", "text": {"status": "generated", "div": text}}


@pytest.mark.parametrize("inside", [
    "x", "<p>a</p><br/><table class='t' border=\"1\"><tr><td colspan=\"2\">b</td></tr></table>",
    '<img src="a.png" alt="x"/>',
    "&lt;script&gt;", "<!-- a --> b", '<a href="https://a.example" xml:lang="es">x</a>', "<ul><li>ñ</li></ul>",
])  # fmt: skip
def test_good_narratives(faults: Faults, inside: str) -> None:
    assert faults(div(inside)) == []


@pytest.mark.parametrize(("inside", "rule"), [
    ("<script>x</script>", "txt-1"), ('<p onclick="x">a</p>', "txt-1"), ("<p>a", "txt-1"), ("  ", "txt-2"),
    ("<form>a</form>", "txt-1"), ("a &nbsp; b", "txt-1"), ("<b><i>a</b></i>", "txt-1"), ("<p/>", "txt-2"),
    ('<a href="javascript:x">a</a>', "txt-1"), ("<?php x ?>a", "txt-1"), ("<iframe/>a", "txt-1"),
    ("<p class='a' class='b'>x</p>", "txt-1"), ("<p>a & b</p>", "txt-1"), ("<p>" * 300 + "a" + "</p>" * 300, "txt-1"),
])  # fmt: skip
def test_bad_narratives(faults: Faults, inside: str, rule: str) -> None:
    assert {found for found, _ in faults(div(inside))} == {rule}


def test_a_narrative_is_a_div_of_xhtml_without_doctype(faults: Faults) -> None:
    for text in ("<div>a</div>", "<p xmlns='http://www.w3.org/1999/xhtml'>a</p>",
                 '<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>'):  # fmt: skip
        made = {"resourceType": "Patient", "text": {"status": "generated", "div": text}}
        assert {found for found, _ in faults(made)} == {"txt-1"}


@pytest.mark.parametrize(
    ("photo", "rules"),
    [
        ({"data": "YWJj", "size": 3, "contentType": "image/png"}, []),
        ({"data": "YWJj", "size": 4, "contentType": "image/png"}, ["attachment-size"]),
        ({"data": "YWJj"}, ["att-1"]),
    ],
)
def test_attachments(faults: Faults, photo: Json, rules: list[str]) -> None:
    assert [r for r, _ in faults({"resourceType": "Patient", "photo": [photo]})] == rules


@pytest.mark.parametrize(
    ("coding", "severity", "rule"),
    [
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "ZZZ"}, "error", "code-unknown"),
        ({"code": "M"}, "warning", "coding-system"),
        ({"system": "local", "code": "M"}, "error", "coding-system"),
        ({"system": "http://hl7.org/fhir/ValueSet/marital-status", "code": "M"}, "error", "coding-system"),
        ({"system": "http://loinc.org", "code": "M"}, "warning", "binding-extensible"),
    ],
)
def test_codings(validator: Validator, coding: Json, severity: str, rule: str) -> None:
    found = validator.check({"resourceType": "Patient", "maritalStatus": {"coding": [coding]}})
    assert (severity, rule) in [(i.severity, i.rule) for i in found]


def test_a_value_set_that_is_not_at_hand_is_said_not_to_be_checked(validator: Validator, service_request: Json) -> None:
    service_request["code"] = {"coding": [{"system": "http://snomed.info/sct", "code": "404684003"}]}
    found = [i for i in validator.check(service_request) if i.expression == "ServiceRequest.code"]
    assert [(i.severity, i.rule) for i in found] == [("information", "binding-unchecked")]


def test_vital_signs_follow_their_profile_by_their_code(faults: Faults) -> None:
    weight: Json = {
        "resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                  "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/1"}, "effectiveDateTime": "2026-03-02",
        "valueQuantity": {"value": 70, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }  # fmt: skip
    assert faults(weight) == []
    weight["valueQuantity"]["code"] = "m"
    assert [r for r, _ in faults(weight)] == ["binding-required"]


def test_discriminators_of_a_definition_must_lead_somewhere(faults: Faults) -> None:
    definition: dict[str, Any] = {
        "resourceType": "StructureDefinition", "url": "https://ecm-gateway.example/fhir/StructureDefinition/x",
        "name": "X", "status": "draft", "kind": "resource", "abstract": False, "type": "Patient",
        "baseDefinition": CORE + "Patient", "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "slicing": {
            "discriminator": [{"type": "value", "path": "zebra"}], "rules": "open"}}]},
    }  # fmt: skip
    assert [r for r, _ in faults(definition)] == ["discriminator-path"]
    definition["differential"]["element"][0]["slicing"]["discriminator"][0]["path"] = "use"
    assert faults(definition) == []
