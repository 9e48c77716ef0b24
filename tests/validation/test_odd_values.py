"""Values that look right and are not, and odd ones that are: references, links, units, ids, repeated extensions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.fhir.xml_writer import XmlWriter
from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, US_CORE, Json

Faults = Callable[..., list[tuple[str | None, str | None]]]
CORE = "http://hl7.org/fhir/StructureDefinition/"
EXAMPLE = "http://example.org/x"
BIRTH_PLACE = {"url": CORE + "patient-birthPlace", "valueAddress": {"text": "x"}}


def patient(**members: Any) -> Json:
    return {"resourceType": "Patient", "text": NARRATIVE, **members}


def div(inside: str) -> Json:
    return patient(
        text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'},
        name=[{"id": "n1", "family": "Zanzibarovna"}],
    )


def measured(**quantity: Any) -> Json:
    return {"resourceType": "Observation", "text": NARRATIVE, "status": "final", "code": {"text": "x"},
            "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", **quantity}}  # fmt: skip


def asked_about(reference: str) -> Json:
    return {"resourceType": "Appointment", "text": NARRATIVE, "status": "proposed", "participant": [
        {"actor": {"reference": reference}, "status": "accepted"}]}  # fmt: skip


def attached(data: str) -> Json:
    return patient(photo=[{"contentType": "image/png", "data": data}])


def extended(**value: Any) -> Json:
    return patient(extension=[{"url": EXAMPLE, **value}])


def timed(kind: str, code: str) -> Json:
    return extended(**{f"value{kind}": {"value": 1, "system": "http://unitsofmeasure.org", "code": code}})


def sampled(data: str) -> Json:
    return extended(valueSampledData={"origin": {"value": 1}, "period": 1, "dimensions": 1, "data": data})


def of_type(**reference: Any) -> Json:
    return patient(generalPractitioner=[reference])


def scenario(kind: Any) -> Json:
    return {"resourceType": "ExampleScenario", "text": NARRATIVE, "status": "draft",
            "instance": [{"resourceId": "a", "resourceType": kind}]}  # fmt: skip


def pictured(**members: Any) -> Json:
    return patient(photo=[{"contentType": "text/plain", "data": "aGVsbG8=", **members}])


SECRET = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
UNKNOWN = [{"url": EXAMPLE, "valueString": "x"}]
BAD: list[tuple[str, Json]] = [
    ("type-base64Binary", attached("YWJj=")),
    ("type-base64Binary", attached("YW=")),
    ("meta-security", patient(meta={"security": [SECRET, SECRET]})),
    ("age-1", timed("Age", "mg")), ("age-1", timed("Age", "cm")), ("drt-1", timed("Duration", "kg")),
    ("dis-1", timed("Distance", "min")),
    ("attachment-hash", pictured(hash="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
    ("attachment-hash", pictured(hash="YWE=")), ("attachment-size", pictured(size=6)),
    *(("sampled-data", sampled(data)) for data in ("1 a", "1,2", "1 2e", "- 1", "1 " * 50_000 + "x")),
    ("choice-one", patient(deceasedDateTime="2020", _deceasedBoolean={"extension": UNKNOWN})),
    ("choice-one", patient(deceasedBoolean=True, _deceasedDateTime={"extension": UNKNOWN})),
    ("choice-one", {**measured(code="mg"), "_valueString": {"extension": UNKNOWN}}),
    ("ele-1", patient(name=[{"id": "a"}])),
    ("element-id", patient(name=[{"id": "a", "family": "x"}, {"id": "a", "family": "y"}])),
    ("element-id", patient(name=[{"id": "a", "family": "x"}], birthDate="2020", _birthDate={"id": "a"})),
    ("unknown-element", patient(extension=[{"url": EXAMPLE, "valueString": "x", "_url": {"extension": UNKNOWN}}])),
    ("unknown-element", patient(name=[{"id": "a", "_id": {"extension": UNKNOWN}, "family": "x"}])),
    ("extension-unknown", patient(extension=[{"url": CORE + "patient-zebra", "valueString": "x"}])),
    ("extension-unknown", patient(extension=[{"url": CORE + "Patient", "valueString": "x"}])),
    ("reference-form", of_type(reference="urn:oid:1.2.x")),
    ("reference-type", of_type(type="practitioner", display="x")),
    ("unit-system", measured(system="ucum", code="mg")),
    ("unit-system", measured(system="https://unitsofmeasure.org", code="mg")),
    ("binding-required", scenario("Zebra")),
    ("type-code", scenario(5)),
    ("type-uri", patient(identifier=[{"system": "urn:oid:1.2.x", "value": "1"}])),
    ("type-uri", patient(meta={"source": "urn:uuid:123"})),
    ("type-id", patient(name=[{"id": "a b", "family": "x"}])),
    ("unknown-element", patient(_resourceType={"id": "x"})),
    ("identifier-value", patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": "abc"}])),
    ("coding-system", patient(maritalStatus={"coding": [{"system": "https://loinc.org", "code": "1-8"}]})),
    ("coding-system", patient(maritalStatus={"coding": [{"system": "http://loinc.org/", "code": "1-8"}]})),
    ("coding-system", patient(maritalStatus={"coding": [
        {"system": "http://snomed.info/sct/731000124108", "code": "87915002"}]})),
    ("coding-system", patient(maritalStatus={"coding": [
        {"system": "https://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]})),
    ("extension-max", patient(extension=[BIRTH_PLACE, copy.deepcopy(BIRTH_PLACE)])),
    ("extension-unknown", patient(modifierExtension=[{"url": EXAMPLE, "valueString": "x"}])),
    ("extension-unknown", patient(extension=[{"url": US_CORE + "us-core-nothing", "valueString": "x"}])),
    ("ref-1", {"resourceType": "Library", "text": NARRATIVE, "status": "draft", "type": {"text": "x"},
               "relatedArtifact": [{"type": "depends-on", "resource": "#nowhere"}]}),
    *(("ucum", measured(code=code)) for code in ("milligrams", "mg//dL", "mmHg", "mg dL")),
    *(("reference-form", asked_about(reference)) for reference in (
        "Patient", "/Patient/1", "Patient/1/2", "Patient//1", "Patient/a_b", "Patient/" + "a" * 65, "Patient?")),
    *(("txt-1", div(inside)) for inside in (
        "<p><ul><li>x</li></ul></p>", "<p>x<span><table><tr><td>a</td></tr></table></span></p>", "<p><p>x</p></p>",
        '<a href="">x</a>', '<a href="urn:x:y">x</a>', '<a href="http://a b">x</a>', '<img src="a{b}" alt="x"/>',
        '<img src="data:image/png;base64,YWJ" alt="x"/>', '<img src="data:image/png;base64,!" alt="x"/>',
        '<img src="data:image/png;base64," alt="x"/>', '<img src="data:png,x" alt="x"/>',
        '<a href="https://a.example" target="_blank">x</a>', '<font color="red">x</font>',
        '<p href="a">x</p>', '<p name="a">x</p>', "<ins>x</ins>", "<del>x</del>",
        "<p><!-- </p> --><ul><li>x</li></ul></p>",
    )),
    ("narrative-link", div('<a href="#nowhere">x</a>')),
    ("narrative-link", div("<a href='#nowhere'>x</a>")),
    ("narrative-link", div('<img src="#nowhere" alt="x"/>')),
]  # fmt: skip
GOOD: list[Json] = [
    patient(meta={"security": [SECRET, {**SECRET, "code": "N"}]}),
    *(timed(kind, code) for kind, code in (
        ("Age", "a"), ("Age", "wk"), ("Age", "mo_j"), ("Duration", "ms"), ("Duration", "min"), ("Duration", "d{days}"),
        ("Distance", "km"), ("Distance", "[mi_i]"), ("Distance", "mm"))),
    *(sampled(data) for data in ("1", "1 -2.5 E L U", "1e3 .5 2.", "2041  2043\n2037")),
    pictured(size=5, hash="qvTGHdzF6KLavt4PO0gs2a6pQ00="), pictured(),
    attached("YWJj"), attached("YW Jj\nYQ=="), scenario("Patient"),
    patient(id="a", name=[{"id": "a", "family": "x"}], birthDate="2020", _birthDate={"id": "b"}),
    patient(extension=[{"url": CORE + "patient-multipleBirthTotal", "valuePositiveInt": 2}]),
    of_type(type="Practitioner", display="x"), of_type(type="https://a.example/Thing", display="x"),
    measured(system="https://a.example/units", code="mg"),
    {"resourceType": "AdverseEvent", "text": NARRATIVE, "actuality": "actual", "subject": {"reference": "Patient/1"},
     "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adverse-event-category",
                               "code": "product-problem"}]}]},
    patient(identifier=[{"system": "urn:oid:2.16.840.1.113883.4.1", "value": "1"}]),
    patient(meta={"source": "urn:uuid:C757873d-ec9a-4326-a141-556f43239520#1"}),
    patient(name=[{"id": "a_b:c/d", "family": "x"}]),
    patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4.5"}]),
    patient(extension=[{"url": EXAMPLE, "valueString": "x"}, {"url": EXAMPLE, "valueString": "y"}]),
    *(measured(code=code) for code in ("mg/dL", "10*3/uL", "{score}", "mm[Hg]", "1", "mL/min/{1.73_m2}", "kg.m-2")),
    *(asked_about(reference) for reference in (
        "Patient/1", "Patient/1/_history/2", "https://a.example/fhir/Patient/1", "urn:oid:1.2.3.4.5",
        "Patient?identifier=https://a.example|1", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
        "Patient?birthdate=2020&general-practitioner=Practitioner/1")),
    *(div(inside) for inside in (
        '<p>a</p><ul><li><p>b</p></li></ul><p>c</p>', '<a href="#n1">x</a>', '<p id="here">x</p><a href="#here">y</a>',
        '<a href="mailto:a@b.example?x=1&amp;y=2">x</a>', '<img src="data:image/png;base64,YWJj" alt="x"/>',
        '<img src="data:,x" alt="x"/>', '<a href="data:text/plain;charset=utf-8;base64,YQ==">x</a>',
        '<a name="q">x</a><a href="#q">y</a>', "<ol type=\"a\" start=\"2\"><li>x</li></ol>",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "resource"), BAD)
def test_what_looks_right_and_is_not(validator: Validator, faults: Faults, rule: str, resource: Json) -> None:
    assert {found for found, _ in faults(resource)} == {rule}
    assert not validator.is_valid(resource)


@pytest.mark.parametrize("resource", GOOD)
def test_what_is_odd_and_right(validator: Validator, faults: Faults, resource: Json) -> None:
    assert faults(resource) == []
    assert validator.is_valid(resource)


def test_published_questionnaires_repeat_extensions(validator: Validator) -> None:
    twice = [{"url": CORE + "questionnaire-optionPrefix", "valueString": "x"}] * 2
    made = {"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft", "item": [
        {"linkId": "1", "type": "choice", "answerOption": [{"valueString": "a", "extension": twice}]}]}  # fmt: skip
    assert [i.severity for i in validator.check(made) if i.rule == "extension-max"] == ["warning"]


def test_an_element_named_resource_type_is_carried_in_xml(validator: Validator) -> None:
    written = XmlWriter(validator.engine.shapes).write(scenario("Patient"))
    assert b'<resourceType value="Patient"/>' in written
    assert [i.rule for i in validator.check(written) if i.is_error] == []
    wrong = written.replace(b'<resourceType value="Patient"/>', b'<resourceType value="Zebra"/>')
    assert [i.rule for i in validator.check(wrong) if i.is_error] == ["binding-required"]
