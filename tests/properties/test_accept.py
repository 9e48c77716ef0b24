"""The fast way accepts only what the engine finds without error: on published data, and on data broken at random."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec
from gateway.validation.validator import Validator
from tests.properties.broken import SETS, broken
from tests.validation.mutations import mutations


def is_valid(validator: Validator, resource: Any) -> bool:
    return not any(issue.is_error for issue in validator.explain(resource))


@pytest.mark.interop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SETS)
def test_what_is_accepted_has_no_error_in_the_engine(shared: Path, name: str) -> None:
    validator = Validator.load(SETS[name])
    chance = random.Random(name)
    accepted = valid = 0
    for path in sorted((shared / "fhir" / "examples" / name).glob("*.json")):
        resource = codec.read(path.read_bytes())
        said = validator.acceptor.accepts(resource)
        truth = is_valid(validator, resource)
        assert truth or not said, path.name
        valid += truth
        accepted += said
        for _ in range(40):
            made = broken(resource, chance)
            if validator.acceptor.accepts(made):
                errors = [issue for issue in validator.explain(made) if issue.is_error]
                assert not errors, (path.name, errors[:2])
    assert accepted >= 0.8 * valid or name.startswith("subscriptions")


@pytest.mark.interop
def test_what_is_accepted_of_hl7s_cases_has_no_error_in_the_engine(shared: Path) -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    for path in sorted((shared / "fhir" / "test-cases" / "files").rglob("*.json")):
        try:
            resource = codec.read(path.read_bytes())
        except Exception:  # not JSON: the fast way is not asked
            continue
        if validator.acceptor.accepts(resource):
            assert is_valid(validator, resource), path.name


@pytest.mark.interop
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["us-core-6.1.0", "sdohcc-3.0.0"])
def test_what_breaks_one_rule_is_accepted_only_if_the_engine_finds_no_error(shared: Path, name: str) -> None:
    validator = Validator.load(SETS[name])
    tried = 0
    for path in sorted((shared / "fhir" / "examples" / name).glob("*.json"))[::3]:
        resource = codec.read(path.read_bytes())
        if len(codec.write(resource)) >= 12_000:
            continue
        for mutation in mutations(validator, resource):
            tried += 1
            if validator.acceptor.accepts(mutation.resource):
                assert is_valid(validator, mutation.resource), (path.name, mutation.rule, mutation.place)
    assert tried > 1000


@pytest.mark.parametrize("depth", [10, 1_000, 100_000])
def test_depth_is_survived(depth: int) -> None:
    validator = Validator.load([])
    item: dict[str, Any] = {"linkId": "x", "type": "display", "text": "t"}
    part: dict[str, Any] = {"url": "a", "valueString": "b"}
    for _ in range(depth):
        item = {"linkId": "x", "type": "group", "item": [item]}
        part = {"url": "a", "extension": [part]}
    holder = {"url": "http://hl7.org/fhir/StructureDefinition/patient-nationality", "extension": [part]}
    assert validator.acceptor.accepts({"resourceType": "Questionnaire", "status": "draft", "item": [item]}) in (
        True,
        False,
    )
    assert not validator.acceptor.accepts({"resourceType": "Patient", "extension": [holder]})


VALIDATOR: list[Validator] = []


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["resourceType", "id", "meta", "profile", "name", "text"]), inner)
        ),
        max_leaves=12,
    )
    | st.builds(
        lambda rest: {"resourceType": "Patient", **rest},
        st.dictionaries(st.sampled_from(["active", "name", "birthDate", "gender", "_gender"]), st.text(max_size=4)),
    )
)
def test_any_value_is_answered_and_never_accepted_against_the_engine(value: Any) -> None:
    if not VALIDATOR:
        VALIDATOR.append(Validator.load([]))
    before = json.dumps(value)
    if VALIDATOR[0].acceptor.accepts(value):
        assert is_valid(VALIDATOR[0], value)
    assert json.dumps(value) == before
