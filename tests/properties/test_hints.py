"""`check` tells what the walk over all of a resource tells, by whatever way it finds it: each issue, in its order."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.validation import Validator
from tests.properties.broken import RESOURCES, SETS, broken
from tests.validation.mutations import mutations

TEXTS = ("display", "code", "system", "reference", "url", "version", "text")
KNOWN = {
    "system": ["http://snomed.info/sct", "http://loinc.org", "http://terminology.hl7.org/CodeSystem/v3-ActCode",
               "http://hl7.org/fhir/request-status", "http://hl7.org/fhir/us/core/CodeSystem/us-core-category",
               "https://example.org/codes", "urn:oid:2.16.840.1.113883.6.238"],
    "code": ["sdoh", "active", "AMB", "x", "415271004"],
    "display": ["SDOH", "something else", "sdoh "],
    "reference": ["urn:uuid:not-a-uuid", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "Patient/x"],
    "url": ["http://hl7.org/fhir/StructureDefinition/nobody-knows", "http://example.org/x",
            "http://hl7.org/fhir/5.0/StructureDefinition/extension-Task.code"],
}  # fmt: skip


def told(validator: Validator, resource: Any) -> bool:
    """Hold `check` to `explain`; whether it found anything without the walk."""
    quick = validator._quickly(resource, ())
    whole = validator.explain(resource)
    for _ in range(2):  # the second time by what is remembered
        assert validator.check(resource) == whole, json.dumps(resource, default=str)[:3000]
    return quick is not None


def recoded(resource: Any, chance: random.Random) -> Any:
    """The resource with some codes, systems, displays, references and urls changed, and a narrative or text left out:
    what hints are about."""
    if isinstance(resource, list):
        return [recoded(one, chance) for one in resource]
    if not isinstance(resource, dict):
        return resource
    made = {}
    for name, value in resource.items():
        if name in TEXTS and chance.random() < 0.1:
            continue
        if name in KNOWN and isinstance(value, str) and chance.random() < 0.15:
            made[name] = chance.choice(KNOWN[name])
        else:
            made[name] = recoded(value, chance)
    return made


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_our_resources_recoded_and_broken(validator: Validator, path: Path) -> None:
    resource = codec.read(path.read_bytes())
    validator.is_valid(resource)
    assert told(validator, resource)
    chance = random.Random(path.stem)
    quick = tried = 0
    for _ in range(150):
        tried += 2
        quick += told(validator, recoded(resource, chance))
        quick += told(validator, broken(recoded(resource, chance), chance))
    assert quick > 0.5 * tried, "or little but the walk was compared with itself"


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_every_rule_broken_once(validator: Validator, path: Path) -> None:
    for mutation in mutations(validator, codec.read(path.read_bytes())):
        told(validator, mutation.resource)


@pytest.mark.interop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SETS)
def test_published_examples_as_they_are_recoded_and_broken(shared: Path, name: str) -> None:
    validator = Validator.load(SETS[name])
    chance = random.Random(name)
    quick = tried = 0
    for path in sorted((shared / "fhir" / "examples" / name).glob("*.json")):
        resource = codec.read(path.read_bytes())
        validator.is_valid(resource)
        quick += told(validator, resource)
        tried += 1
        for _ in range(6):
            told(validator, recoded(resource, chance))
            told(validator, broken(resource, chance))
    assert quick >= 0.8 * tried or name.startswith("subscriptions")


@pytest.mark.interop
def test_hl7s_cases(shared: Path) -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    for path in sorted((shared / "fhir" / "test-cases" / "files").rglob("*.json")):
        try:
            resource = codec.read(path.read_bytes())
        except Exception:  # not JSON
            continue
        validator.is_valid(resource)
        told(validator, resource)


def test_profiles_that_are_named_and_unknown_ones_that_are_claimed(validator: Validator) -> None:
    core = "http://hl7.org/fhir/us/core/StructureDefinition/"
    resource = codec.read((Path(RESOURCES[0]).parent / "service-request.json").read_bytes())
    resource["meta"]["profile"].append("https://example.org/nobody-knows")
    for profiles in ([], [core + "us-core-servicerequest"], ["http://hl7.org/fhir/StructureDefinition/ServiceRequest"]):
        for _ in range(4):
            assert validator.check(resource, profiles) == validator.explain(resource, profiles)
    assert any(issue.rule == "profile-unknown" for issue in validator.check(resource))


def test_bytes_have_places_whichever_way_they_were_found(validator: Validator) -> None:
    data = RESOURCES[1].read_bytes()
    first = validator.check(data)
    assert {issue.line for issue in first} > {1}
    for _ in range(5):
        assert validator.check(data) == first
