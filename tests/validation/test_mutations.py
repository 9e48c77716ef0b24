"""For every element rule of a type and profile, a resource that breaks just that is caught, at its place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway.fhir import codec
from gateway.validation import Validator
from tests.validation.conftest import PATIENT, SERVICE_REQUEST, Json
from tests.validation.mutations import mutations

SETS = {
    "us-core-6.1.0": ("hl7.fhir.us.core#6.1.0",),
    "sdohcc-3.0.0": ("hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"),
}


def missed(validator: Validator, resource: Json) -> tuple[Counter[str], int]:
    """Mutations that no error was found for at their place or beside it, and how many were tried."""
    lost: Counter[str] = Counter()
    tried = 0
    for mutation in mutations(validator, resource):
        tried += 1
        places = [i.expression or "" for i in validator.check(mutation.resource) if i.is_error]
        if not any(_near(mutation.place, place) for place in places):
            lost[f"{mutation.rule} at {mutation.place}"] += 1
    return lost, tried


def _near(expected: str, found: str) -> bool:
    """The same element, its parent, or inside it."""
    return found.startswith(expected) or expected.rpartition(".")[0] == found or expected.startswith(found + "[")


@pytest.mark.parametrize("resource", [PATIENT, SERVICE_REQUEST], ids=["patient", "service-request"])
def test_every_rule_of_our_own_resources(validator: Validator, resource: Json) -> None:
    assert validator.is_valid(resource)
    lost, tried = missed(validator, resource)
    assert lost == Counter()
    assert tried > 80


@pytest.mark.interop
@pytest.mark.timeout(900)
@pytest.mark.parametrize("folder", sorted(SETS))
def test_every_rule_of_published_examples(shared: Path, folder: str) -> None:
    validator = Validator.load(SETS[folder])
    lost: Counter[str] = Counter()
    tried = 0
    for file in sorted((shared / "fhir" / "examples" / folder).glob("*.json"))[::3]:
        resource = codec.read(file.read_bytes())
        if len(codec.write(resource)) < 12_000:
            found, count = missed(validator, resource)
            lost, tried = lost + found, tried + count
    assert tried > 1000
    assert sum(lost.values()) <= tried // 200, lost.most_common(20)
