"""What is found where the fast way refused is what the engine finds in the whole: every error and no other."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Invalid
from gateway.fhir import codec
from gateway.validation import Validator
from tests.properties.broken import RESOURCES, SETS, broken
from tests.validation.mutations import mutations

Seen = set[tuple[str | None, str | None, str]]


def errors(issues: Any) -> Seen:
    return {(issue.rule, issue.expression, issue.message) for issue in issues if issue.is_error}


def agree(validator: Validator, resource: Any, what: object) -> bool:
    """Hold all doors to the whole walk; whether the resource has errors."""
    whole = errors(validator.explain(resource))
    assert validator.is_valid(resource) is not bool(whole), what
    try:
        validator.require(resource)
        told: Seen = set()
    except Invalid as refusal:
        told = errors(refusal.issues)
    assert told == whole, (what, told ^ whole)
    return bool(whole)


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_single_and_double_faults(validator: Validator, path: Path) -> None:
    resource = codec.read(path.read_bytes())
    assert validator.is_valid(resource)
    chance = random.Random(path.stem)
    narrowed = faulty = 0
    for _ in range(300):
        made = broken(resource, chance)
        if chance.random() < 0.4 and isinstance(made, dict) and made:
            made = broken(made, chance)
        found = agree(validator, made, json.dumps(made, default=str)[:3000])
        faulty += found
        narrowed += found and validator._narrowing.errors(made, ()) is not None
    assert narrowed > 0.6 * faulty, "or nothing was narrowed and nothing tried"


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_every_rule_broken_once(validator: Validator, path: Path) -> None:
    for mutation in mutations(validator, codec.read(path.read_bytes())):
        agree(validator, mutation.resource, (mutation.rule, mutation.place))


@pytest.mark.interop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SETS)
def test_published_examples_broken_at_random(shared: Path, name: str) -> None:
    validator = Validator.load(SETS[name])
    chance = random.Random(name)
    for path in sorted((shared / "fhir" / "examples" / name).glob("*.json")):
        resource = codec.read(path.read_bytes())
        validator.is_valid(resource)
        for _ in range(12):
            agree(validator, broken(resource, chance), path.name)


def test_the_resource_is_not_changed(validator: Validator) -> None:
    resource = json.loads(RESOURCES[0].read_bytes()) | {"zebra": 1, "status": "nonsense"}
    before = copy.deepcopy(resource)
    with pytest.raises(Invalid) as refusal:
        validator.require(resource)
    assert resource == before
    assert {issue.rule for issue in refusal.value.issues if issue.is_error} == {"unknown-element", "binding-required"}


def test_what_is_kept_to_tell_of_refusals_is_bounded(validator: Validator) -> None:
    kinds = "Account Appointment Basic Claim Condition Device Encounter Endpoint Flag Goal Group Immunization Location"
    for kind in kinds.split():
        for _ in range(6):
            assert agree(validator, {"resourceType": kind, "language": "en", "zebra": 1}, kind)
    apart = [ready for ready in validator.acceptor._ready.values() if ready is not None and ready.part is not None]
    assert 10 <= len(apart) <= 12
