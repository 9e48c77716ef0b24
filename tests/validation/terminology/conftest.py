"""A small code system of animals, and value sets made of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.packages import Definitions
from gateway.validation.terminology import Terminology

Json = dict[str, Any]
SYSTEM, SET = "http://example.org/cs", "http://example.org/vs"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
US_CORE = "hl7.fhir.us.core#6.1.0"


@pytest.fixture(scope="module")
def published() -> Terminology:
    return Terminology(Definitions.load([US_CORE]))


def code_system(**changes: Any) -> Json:
    animals = {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "version": "1",
        "content": "complete",
        "caseSensitive": True,
        "property": [{"code": "legs", "type": "integer"}, {"code": "parent", "type": "code"}],
        "concept": [
            {
                "code": "mammal",
                "display": "A  mammal",
                "concept": [
                    {"code": "cat", "display": "Cat", "property": [{"code": "legs", "valueInteger": 4}]},
                    {"code": "whale", "property": [{"code": "status", "valueCode": "retired"}]},
                ],
            },
            {
                "code": "bird",
                "designation": [{"language": "de", "value": "Vogel"}],
                "property": [{"code": "legs", "valueInteger": 2}],
            },
            {"code": "bat", "property": [{"code": "parent", "valueCode": "mammal"}]},
        ],
    }
    return animals | changes


def value_set(*include: Json, url: str = SET, **changes: Any) -> Json:
    compose = {"include": list(include)} | changes
    return {"resourceType": "ValueSet", "url": url, "compose": compose}


def terminology(*resources: Json) -> Terminology:
    return Terminology(Definitions.load(resources=[code_system(), *resources]))


def members(*include: Json, **changes: Any) -> set[str]:
    known = terminology(value_set(*include, **changes))
    every = {"mammal", "cat", "whale", "bird", "bat", "dragon"}
    found = {code for code in every if known.membership(SET, SYSTEM, code).verdict == "member"}
    listed = known.codes(SET)
    assert listed == {(SYSTEM, code) for code in found}, "listing and asking agree"
    assert all(known.membership(SET, "http://example.org/other", code).verdict == "not-member" for code in every)
    return found


def filtered(prop: str, op: str, value: str) -> Json:
    return {"system": SYSTEM, "filter": [{"property": prop, "op": op, "value": value}]}


ALL = {"mammal", "cat", "whale", "bird", "bat"}
