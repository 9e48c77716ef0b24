"""What a Validator is loaded with: packages and loose definitions, in every form the door takes."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from gateway.errors import BadPackage
from gateway.validation import Validator
from gateway.validation.terminology import Membership
from tests.validation.conftest import PATIENT, SERVICE_REQUEST, Json, profile

URL = "https://ecm-gateway.example/fhir/StructureDefinition/p"
XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<StructureDefinition xmlns="http://hl7.org/fhir"><url value="{URL}"/><name value="P"/><status value="active"/>
<kind value="resource"/><abstract value="false"/><type value="Patient"/>
<baseDefinition value="http://hl7.org/fhir/StructureDefinition/Patient"/><derivation value="constraint"/>
<differential><element id="Patient"><path value="Patient"/></element>
<element id="Patient.gender"><path value="Patient.gender"/><min value="1"/></element></differential>
</StructureDefinition>""".encode()


def asking(min: int) -> Json:
    return profile("Patient", [{"id": "Patient.gender", "path": "Patient.gender", "min": min}])


def rules(validator: Validator) -> list[str | None]:
    return [issue.rule for issue in validator.check({"resourceType": "Patient"}, [URL]) if issue.is_error]


@pytest.mark.parametrize(
    "resources",
    [
        [asking(0), asking(1)],
        [asking(0), json.dumps(asking(1)).encode()],
        [asking(0), XML],
        XML,
        asking(1),
        [{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": asking(1)}]}],
        (one for one in (asking(0), asking(1))),
    ],
    ids=["dicts", "json", "xml", "bytes", "dict", "bundle", "generator"],
)
def test_loose_definitions_in_every_form_and_the_last_wins(resources: Any) -> None:
    assert rules(Validator.load(resources=resources)) == ["card-min"]


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ([asking(1), b"x"], "Loose definition 2: It cannot be read. The JSON"),
        ([b"<x"], "Loose definition 1: It cannot be read. The XML"),
        (["{}"], "Loose definition 1: It is neither"),
        ([None], "Loose definition 1: It is neither"),
        ([b"[]"], "Loose definition 1: It is no FHIR resource"),
        ([{}], "Loose definition 1: It is no FHIR resource"),
    ],
)
def test_what_is_no_definition_is_refused_by_its_number(resources: Any, says: str) -> None:
    with pytest.raises(BadPackage, match=says):
        Validator.load(resources=resources)


def test_one_package_and_one_profile_need_no_list(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x.y", "version": "1.0.0"}))
    (tmp_path / "StructureDefinition-p.json").write_text(json.dumps(asking(1)))
    for package in (tmp_path, str(tmp_path)):
        validator = Validator.load(package)
        assert not validator.is_valid({"resourceType": "Patient"}, URL)
        assert [i.rule for i in validator.check({"resourceType": "Patient"}, URL) if i.is_error] == ["card-min"]


class Server:
    """A terminology server that has heard of one code."""

    def membership(self, value_set: str, system: str, code: str) -> Membership:
        return Membership("member" if code == "44054006" else "not-member")


def test_a_terminology_server_is_asked_what_cannot_be_judged_here() -> None:
    bound = profile("Condition", [{"id": "Condition.code", "path": "Condition.code", "binding": {
        "strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/condition-code"}}])  # fmt: skip
    subject = {"subject": {"reference": "Patient/p"}}

    def found(validator: Validator, code: str) -> list[str | None]:
        coded = {"coding": [{"system": "http://snomed.info/sct", "code": code}]}
        issues = validator.check({"resourceType": "Condition", "code": coded, **subject}, [URL])
        return [issue.rule for issue in issues if issue.rule and issue.rule.startswith("binding")]

    alone = Validator.load(resources=bound)
    asking = Validator.load(resources=bound, terminology_server=Server())
    for _ in range(4):
        assert found(alone, "73211009") == ["binding-unchecked"]
        assert found(asking, "73211009") == ["binding-required"]
        assert found(asking, "44054006") == []


def test_a_validator_that_nobody_needs_any_more_is_let_go() -> None:
    """What was compiled of it too, which Python's collector cannot see through."""
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    for resource in (PATIENT, SERVICE_REQUEST, {**PATIENT, "gender": "x"}):
        for _ in range(8):
            validator.check(resource)
            validator.is_valid(resource)
    engine = ref(validator.engine)
    del validator
    gc.collect()
    if engine() is not None:
        pytest.fail("it is still there")
