"""For every invariant of what we use, a resource that breaks just it is caught at its place, and its control passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.packages.definitions import Definitions
from gateway.validation import Validator
from tests.conftest import NOW
from tests.profiles.ecm import DEFINITIONS, PACKAGES
from tests.validation.invariants import ANY_VALUE, CORE, Case, Json, of_resources, of_types
from tests.validation.profile_invariants import US_CORE, of_ours, of_profiles

RESOURCES = (
    "ServiceRequest Task Patient Coverage CarePlan CareTeam Goal Condition QuestionnaireResponse Provenance "
    "Organization Practitioner PractitionerRole RelatedPerson Bundle"
).split()
US_CORE_ALONE = ("organization", "patient", "practitioner", "practitionerrole", "relatedperson")
"""Profiles that resources of ours claim as they are published, in both versions."""
CASES = [*of_types(), *of_resources(), *of_profiles(), *of_ours()]
NOT_ALONE: dict[str, str] = {}
"""Invariants that cannot be broken alone, and why."""


@pytest.fixture(scope="module")
def known() -> Validator:
    return Validator.load(PACKAGES, resources=[*DEFINITIONS.values(), ANY_VALUE], clock=lambda: NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_invariant_broken_alone(known: Validator, case: Case) -> None:
    profiles = [case.profile] if case.profile else []
    assert _errors(known, case.control, profiles) == []
    assert _errors(known, case.broken, profiles) == [(case.key, case.place)]


def test_no_invariant_is_left_out(known: Validator) -> None:
    asked = set(_invariants(known.definitions))
    tried = {case.key for case in CASES}
    assert asked - tried == NOT_ALONE.keys()
    assert tried - asked == set()
    assert len(asked) > 70


def _errors(validator: Validator, resource: Json, profiles: list[str]) -> list[tuple[str | None, str | None]]:
    return [(i.rule, i.expression) for i in validator.check(resource, profiles=profiles) if i.is_error]


def _invariants(definitions: Definitions) -> Iterator[str]:
    """The key of every invariant of severity error (but best practice, which warns) of the types used, of our profiles
    and extensions and of what they build on."""
    waiting = [CORE + kind for kind in RESOURCES]
    waiting += [one["url"] for one in DEFINITIONS.values() if one["resourceType"] == "StructureDefinition"]
    waiting += [f"{US_CORE}{name}|{version}" for name in US_CORE_ALONE for version in ("6.1.0", "7.0.0")]
    seen: set[str] = set()
    while waiting:
        canonical = waiting.pop()
        if canonical in seen:
            continue
        seen.add(canonical)
        definition = definitions.structure(canonical)
        if definition is None:
            continue
        if base := definition.get("baseDefinition"):
            waiting.append(base)
        for element in definition["snapshot"]["element"]:
            for constraint in element.get("constraint", ()):
                if constraint["severity"] == "error" and "extension" not in constraint:
                    yield constraint["key"]
            waiting += [CORE + kind["code"] for kind in element.get("type", ()) if "/" not in kind["code"]]


def test_two_invariants_of_one_key_say_what_each_asks(known: Validator) -> None:
    task = {
        "resourceType": "Task",
        "status": "accepted",
        "intent": "order",
        "authoredOn": "2026-03-02",
        "lastModified": "2026-03-01",
    }
    (broken,) = [issue for issue in known.check(task) if issue.rule == "inv-1"]
    assert broken.message == "inv-1: lastModified must not be before authoredOn."
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource"}]}
    (neither,) = [issue for issue in known.check(parameters) if issue.rule == "inv-1"]
    assert neither.message == "inv-1: exactly one of value, resource and part must be there."
