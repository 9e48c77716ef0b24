"""The library's door: what it takes, what it gives back, what it never does."""

from __future__ import annotations

import copy
import json
import re
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import BadPackage, Invalid, Issue
from gateway.fhir import codec
from gateway.validation import Validator
from tests.validation.conftest import PATIENT, SERVICE_REQUEST, US_CORE, Json, profile

SOURCE = json.dumps(PATIENT, indent=2).encode()


def test_bytes_give_line_and_column(validator: Validator) -> None:
    broken = SOURCE.replace(b'"gender": "female"', b'"gender": "x"')
    (issue,) = [i for i in validator.check(broken) if i.is_error]
    line = broken[: broken.index(b'"x"')].count(b"\n") + 1
    assert (issue.expression, issue.line) == ("Patient.gender", line)
    assert broken.split(b"\n")[line - 1][issue.column - 1 :].startswith(b'"x"')  # type: ignore[operator]


def test_dict_and_bytes_agree(validator: Validator) -> None:
    from_bytes = [(i.rule, i.expression) for i in validator.check(SOURCE)]
    assert from_bytes == [(i.rule, i.expression) for i in validator.check(PATIENT)]


def test_outcome_require_and_is_valid(validator: Validator) -> None:
    assert validator.is_valid(PATIENT)
    assert validator.require(PATIENT) is PATIENT
    broken = {**PATIENT, "gender": "x", "active": 1}
    with pytest.raises(Invalid) as refused:
        validator.require(broken)
    assert {i.rule for i in refused.value.issues if i.is_error} == {"binding-required", "type-boolean"}
    made = validator.outcome(validator.check(broken))
    assert made["resourceType"] == "OperationOutcome"
    assert validator.is_valid(made)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"null", b"[]", b"<", b"<a/>", b"<Patient/>", b"nonsense",
                                  b'{"resourceType":"Patient","resourceType":"Patient"}', b"[" * 5000, b"<a>" * 5000,
                                  b'<!DOCTYPE x [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>'])  # fmt: skip
def test_any_bytes_give_issues(validator: Validator, data: bytes) -> None:
    assert any(i.is_error for i in validator.check(data))


def test_ndjson_is_checked_line_by_line(validator: Validator) -> None:
    lines = b'{"resourceType":"Patient"}\n{"resourceType":"Patient","gender":"x"}\n'
    assert [(i.expression, i.line) for i in validator.check(lines) if i.is_error] == [("Patient.gender", 2)]


def test_loose_definitions_may_be_json_or_xml_bytes() -> None:
    definition = profile("Patient", [{"id": "Patient.gender", "path": "Patient.gender", "min": 1}])
    xml = b"""<StructureDefinition xmlns="http://hl7.org/fhir"><url value="https://ecm-gateway.example/x"/>
      <name value="X"/><status value="active"/><kind value="resource"/><abstract value="false"/><type value="Patient"/>
      <baseDefinition value="http://hl7.org/fhir/StructureDefinition/Patient"/><derivation value="constraint"/>
      <differential><element id="Patient.active"><path value="Patient.active"/><min value="1"/></element></differential>
    </StructureDefinition>"""
    validator = Validator.load([], resources=[json.dumps(definition).encode(), xml])
    asked = [definition["url"], "https://ecm-gateway.example/x"]
    assert len([i for i in validator.check({"resourceType": "Patient"}, profiles=asked) if i.is_error]) == 2
    with pytest.raises(BadPackage):
        Validator.load([], resources=[b"{"])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["Patient", "Bundle", "#", "#a", "http://x/y", "2020-01-01", "Patient/1",
                       US_CORE + "us-core-race"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["resourceType", "id", "meta", "profile", "extension", "url", "valueString", "name", "_name",
                         "given", "_given", "contained", "entry", "resource", "fullUrl", "reference", "coding", "text",
                         "div", "type", "component", "value", "system", "code", "identifier", "section", "subject"])
        | st.text(max_size=5),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip
calm = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@calm
@given(value=values)
def test_check_never_raises_on_any_json_value(validator: Validator, value: Any) -> None:
    for resource in (value, {**value, "resourceType": "Bundle"} if isinstance(value, dict) else value):
        validator.check(resource, profiles=[US_CORE + "us-core-patient"])


@calm
@given(data=st.data())
def test_a_resource_with_anything_in_any_place_never_raises_and_is_not_changed(validator: Validator, data: Any) -> None:
    resource = copy.deepcopy(data.draw(st.sampled_from([PATIENT, SERVICE_REQUEST])))
    at: Any = resource
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans()):
            at = at[key]
            continue
        at[key] = data.draw(values)
        break
    before = copy.deepcopy(resource)
    validator.check(resource)
    assert resource == before


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: shuffled(value[k]) for k in reversed(value)}
    return [shuffled(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("resource", [PATIENT, SERVICE_REQUEST, {**PATIENT, "gender": "x", "active": 1, "zebra": []}])
def test_the_order_of_members_and_profiles_does_not_matter(validator: Validator, resource: Json) -> None:
    profiles = [US_CORE + "us-core-patient|6.1.0", US_CORE + "us-core-servicerequest|6.1.0"]

    def told(resource: Json, profiles: list[str]) -> list[Issue]:
        """What is found, but for the number of a member that nobody knows."""
        found = validator.check(resource, profiles=profiles)
        return [one.but(message=re.sub(r"Member \d+", "Member", one.message)) for one in found]

    assert told(resource, profiles) == told(shuffled(resource), profiles[::-1])


def test_a_ten_megabyte_string_is_bounded(validator: Validator) -> None:
    data = codec.write({"resourceType": "Patient", "name": [{"family": "a" * 10_000_000}]})
    assert [i.rule for i in validator.check(data) if i.is_error] == ["type-string"]


def test_a_hostile_expression_in_a_profile_is_bounded() -> None:
    evil = {"key": "x-1", "severity": "error", "human": "x", "expression": "family.matches('^(a+)+$')"}
    definition = profile("Patient", [{"id": "Patient.name", "path": "Patient.name", "constraint": [evil]}])
    validator = Validator.load([], resources=[definition])
    named = {"resourceType": "Patient", "name": [{"family": "a" * 50_000 + "b"}]}
    assert [i.rule for i in validator.check(named, profiles=[definition["url"]]) if i.is_error] == ["x-1"]


@pytest.mark.parametrize("met", [0, 5])
@pytest.mark.parametrize("type", ["HumanName", "Observation", "Resource", "DomainResource", "Patient"])
def test_a_type_that_is_named_as_profile_must_be_the_resource_s(type: str, met: int) -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    named = [type]
    good = type in ("Resource", "DomainResource", "Patient")
    for _ in range(met):
        validator.check(PATIENT)
        validator.is_valid(PATIENT)
    assert [i.rule for i in validator.check(PATIENT, named) if i.is_error] == ([] if good else ["profile-type"])
    assert validator.check(PATIENT, named) == validator.explain(PATIENT, named)
    assert validator.is_valid(PATIENT, named) is good
    with nullcontext() if good else pytest.raises(Invalid):
        validator.require(PATIENT, named)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({5: 6}, "unknown-element"),
        ({"name": [{None: "Zanzibarovna"}]}, "unknown-element"),
        ({"extension": [{(1,): 6}]}, "json-object"),
        ({"contact": [{b"name": {"text": "x"}}]}, "unknown-element"),
        ({"name": [{"family": "\ud800"}]}, "type-string"),
        ({"language": "\ud800"}, "type-code"),
        ({"extension": [{"url": "https://e.example/x", "valueDecimal": float("nan")}]}, "type-decimal"),
        ({"extension": [{"url": "https://e.example/x", "valueDecimal": Decimal("Infinity")}]}, "type-decimal"),
    ],
    ids=str,
)
def test_a_dict_with_what_json_cannot_say_is_refused(validator: Validator, change: Json, rule: str) -> None:
    broken = {**PATIENT, **change}
    for _ in range(4):
        assert rule in [issue.rule for issue in validator.check(broken) if issue.is_error]
        assert not validator.is_valid(broken)
        with pytest.raises(Invalid):
            validator.require(broken)


@pytest.mark.parametrize(
    ("data", "place", "line"),
    [
        (b'{"resourceType":"Patient","active":true,\n"active":true}', "Patient.active", 2),
        (b'{"resourceType":"Patient","deceasedBoolean":true,"deceasedBoolean":true}',
         "Patient.deceased.ofType(boolean)", 1),
        (b'{"resourceType":"Patient","name":[{"family":"Zanzibarovna"},\n{"family":"x","family":"x"}]}',
         "Patient.name[1].family", 2),
        (b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient",\n'
         b'"_birthDate":{"id":"a","id":"b"}}}]}', "Bundle.entry[0].resource.birthDate.id", 2),
        (b'{"resourceType":"Patient","Zanzibarovna":1,"Zanzibarovna":2}', "Patient", 1),
        (b'{"Zanzibarovna":1,"Zanzibarovna":2}', None, 1),
    ],
)  # fmt: skip
def test_a_member_named_twice_is_told_where_it_stands(
    validator: Validator, data: bytes, place: str | None, line: int
) -> None:
    (issue,) = validator.check(data)
    assert (issue.rule, issue.expression, issue.line) == ("json-twice", place, line)
    assert validator.check(data.replace(b"\n", b""), line=7)[0].line == 7


@pytest.mark.parametrize("data", [b'\n {"resourceType":"Zebra"}', b'\n {"active":true}', b"\n [1]"])
def test_what_is_no_resource_is_told_where_it_begins(validator: Validator, data: bytes) -> None:
    (issue,) = validator.check(data)
    assert (issue.expression, issue.line, issue.column) == (None, 2, 2)
    assert validator.check(data.strip(), line=7)[0].line == 7


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "The JSON is empty."), (b" \n", "The JSON is empty."), (b"\x1f\x8b\x08\x00", "compressed (gzip)")],
)
def test_what_is_sent_by_mistake_is_called_by_its_name(validator: Validator, data: bytes, says: str) -> None:
    (issue,) = validator.check(data)
    assert (issue.severity, issue.rule, issue.line) == ("fatal", "json", 1)
    assert says in issue.message


def test_a_sibling_that_no_object_has_hides_no_hint_about_the_object(validator: Validator) -> None:
    made = {"resourceType": "Procedure", "text": PATIENT["text"], "status": "completed",
            "subject": {"reference": "Patient/1"},
            "focalDevice": [{"manipulated": {"reference": "Device/1"}, "_action": {"id": "x"}, "action": {
                "coding": [{"system": "https://a.example/x", "code": "x"}]}}]}  # fmt: skip
    validator.is_valid(made)
    found = validator.check(made)
    assert {"unknown-element", "binding-preferred"} <= {issue.rule for issue in found}
    assert found == validator.explain(made)
