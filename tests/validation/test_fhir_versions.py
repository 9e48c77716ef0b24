"""Extensions that are for some versions of FHIR only, as a whole or in some of the places where they may stand."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

URL = "https://ecm-gateway.example/fhir/StructureDefinition/versioned"
CORE = "http://hl7.org/fhir/StructureDefinition/"


def use(start: str | None, end: str | None) -> Json:
    said = [("startFhirVersion", start), ("endFhirVersion", end)]
    return {"extension": [{"url": CORE + "version-specific-use", "extension": [
        {"url": url, "valueCode": version} for url, version in said if version is not None]}]}  # fmt: skip


def extension(*contexts: Json, **members: Json) -> Json:
    elements = [{"id": "Extension", "path": "Extension"},
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": URL},
                {"id": "Extension.value[x]", "path": "Extension.value[x]", "type": [{"code": "string"}]}]  # fmt: skip
    return {"resourceType": "StructureDefinition", "url": URL, "name": "X", "status": "active", "fhirVersion": "4.0.1",
            "kind": "complex-type", "abstract": False, "type": "Extension", "baseDefinition": CORE + "Extension",
            "derivation": "constraint", "context": list(contexts), "differential": {"element": elements},
            **members}  # fmt: skip


PATIENT: Json = {"type": "element", "expression": "Patient"}
RESOURCE: Json = {"resourceType": "Patient", "text": NARRATIVE, "extension": [{"url": URL, "valueString": "x"}]}


def faults(definition: Json) -> list[str | None]:
    validator = Validator.load(resources=[definition])
    issues = validator.check(RESOURCE)
    assert issues == validator.explain(RESOURCE)
    found = [one.rule for one in issues if one.is_error]
    assert validator.is_valid(RESOURCE) is (not found)
    return found


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("4.0", None, []), ("4.0", "4.0", []), ("3.0.1", "5.0.0", []), (None, "4.3", []), ("4", None, []),
        ("5.0", None, ["extension-version"]), ("4.3", None, ["extension-version"]),
        (None, "3.0", ["extension-version"]), ("1.0", "3.0.2", ["extension-version"]),
    ],
)  # fmt: skip
def test_an_extension_is_for_the_versions_it_says(start: str | None, end: str | None, expected: list[str]) -> None:
    assert faults(extension(PATIENT, **use(start, end))) == expected
    assert faults(extension({**PATIENT, **use(start, end)})) == expected


def test_a_place_for_other_versions_is_none_here() -> None:
    name: Json = {"type": "element", "expression": "HumanName"}
    assert faults(extension({**PATIENT, **use("5.0", None)}, name)) == ["extension-context"]
    assert faults(extension(PATIENT, {**name, **use("5.0", None)})) == []
