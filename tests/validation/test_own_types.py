"""Types that a StructureDefinition defines: R4's own by name, logical models by URL."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

CORE = "http://hl7.org/fhir/StructureDefinition/"
VALIDATOR = Validator.load()


def defining(kind: str, type_: str, base: str) -> Json:
    root = {"id": "zebra", "path": "zebra", "min": 0, "max": "*", "definition": "x"}
    return {"resourceType": "StructureDefinition", "text": NARRATIVE, "url": "https://a.example/zebra", "name": "Zebra",
            "status": "draft", "fhirVersion": "4.0.1", "kind": kind, "abstract": False, "type": type_,
            "baseDefinition": CORE + base, "derivation": "specialization",
            "differential": {"element": [root]}}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "type_", "expected"),
    [
        ("logical", "https://a.example/zebra", []),
        ("logical", "zebra", ["warning"]),
        ("resource", "https://a.example/zebra", ["error"]),
        ("resource", "zebra", ["error"]),
        ("complex-type", "zebra", ["error"]),
    ],
)
def test_a_type_of_ones_own_is_a_url_and_a_logical_model(kind: str, type_: str, expected: list[str]) -> None:
    found = VALIDATOR.check(defining(kind, type_, "Element"))
    assert [one.severity for one in found if one.rule == "definition-name"] == expected
