"""What a profile asks beyond its type, and profiles that cannot be used."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from gateway.errors import BadProfile, Invalid
from gateway.validation import Validator
from tests.validation.conftest import US_CORE, Json, profile


def element(path: str, **rules: Any) -> Json:
    return {"id": path, "path": path, **rules}


PATIENT: Json = {"resourceType": "Patient", "id": "abc", "active": True, "birthDate": "2000-01-01",
                 "name": [{"family": "Zanzibarovna", "given": ["Ada"]}], "multipleBirthInteger": 2}  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (element("Patient.gender", min=1), ["card-min"]),
        (element("Patient.name", max="0"), ["card-max"]),
        (element("Patient.name", min=2), ["card-min"]),
        (element("Patient.active", fixedBoolean=False), ["fixed"]),
        (element("Patient.active", fixedBoolean=True), []),
        (element("Patient.name", patternHumanName={"family": "Other"}), ["pattern"]),
        (element("Patient.name", patternHumanName={"given": ["Ada"]}), []),
        (element("Patient.name", fixedHumanName={"family": "Zanzibarovna"}), ["fixed"]),
        (element("Patient.multipleBirth[x]", type=[{"code": "boolean"}]), ["type"]),
        (element("Patient.multipleBirth[x]", type=[{"code": "integer"}], maxValueInteger=1), ["max-value"]),
        (element("Patient.multipleBirth[x]", type=[{"code": "integer"}], minValueInteger=3), ["min-value"]),
        (element("Patient.birthDate", minValueDate="2000-01-02"), ["min-value"]),
        (element("Patient.birthDate", maxValueDate="2000-01-01"), []),
        (element("Patient.name.family", maxLength=3), ["max-length"]),
        (
            element(
                "Patient.name.family",
                extension=[{"url": "http://hl7.org/fhir/StructureDefinition/minLength", "valueInteger": 40}],
            ),
            ["min-length"],
        ),
        (
            element(
                "Patient.name",
                constraint=[{"key": "x-1", "severity": "error", "human": "no", "expression": "family = 'B'"}],
            ),
            ["x-1"],
        ),
        (
            element(
                "Patient.name",
                constraint=[{"key": "x-1", "severity": "warning", "human": "no", "expression": "family = 'B'"}],
            ),
            [],
        ),
    ],
)  # fmt: skip
def test_one_rule(rules: Json, expected: list[str]) -> None:
    definition = profile("Patient", [rules])
    validator = Validator.load([], resources=[definition])
    found = [i for i in validator.check(PATIENT, profiles=[definition["url"]]) if i.is_error]
    assert [i.rule for i in found] == expected
    for issue in found:
        assert issue.profile is not None
        assert issue.profile.startswith(definition["url"])


@pytest.mark.parametrize(("least", "expected"), [(3, []), (4, ["x-1"])])
def test_an_invariant_of_the_whole_resource_holds_on_every_way(least: int, expected: list[str]) -> None:
    rule = {"key": "x-1", "severity": "error", "human": "no", "expression": f"name.given.first().length() >= {least}"}
    definition = profile("Patient", [])
    definition["differential"]["element"][0]["constraint"] = [rule]
    validator, asked = Validator.load([], resources=[definition]), [definition["url"]]
    for _ in range(4):  # explained, and when it is compiled what is accepted
        assert [i.rule for i in validator.check(PATIENT, asked) if i.is_error] == expected
    assert validator.is_valid(PATIENT, asked) is not bool(expected)
    with nullcontext() if not expected else pytest.raises(Invalid) as refused:
        validator.require(PATIENT, asked)
    assert not expected or [i.rule for i in refused.value.issues if i.is_error] == expected


def test_a_profile_is_found_by_meta_profile_by_name_and_by_version() -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0"])
    for named in ("us-core-patient|6.1.0", "us-core-patient|7.0.0", "us-core-patient"):
        claimed = {**PATIENT, "meta": {"profile": [US_CORE + named]}}
        rules = [i.rule for i in validator.check(claimed) if i.is_error]
        assert rules == [i.rule for i in validator.check(PATIENT, profiles=[US_CORE + named]) if i.is_error]
        assert rules == ["card-min", "card-min"]  # gender, identifier


def test_the_same_fault_found_by_two_profiles_is_one_issue() -> None:
    one = profile("Patient", [element("Patient.gender", min=1)], name="one")
    two = profile("Patient", [element("Patient.gender", min=1)], name="two")
    validator = Validator.load([], resources=[one, two])
    assert len([i for i in validator.check(PATIENT, profiles=[one["url"], two["url"]]) if i.is_error]) == 1


def test_imposed_and_derived_profiles_hold_too() -> None:
    base = profile("Patient", [element("Patient.gender", min=1)], name="base")
    derived = profile("Patient", [], name="derived", baseDefinition=base["url"])
    imposing = profile("Patient", [], name="imposing", extension=[
        {"url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile",
         "valueCanonical": base["url"]}
    ])  # fmt: skip
    validator = Validator.load([], resources=[base, derived, imposing])
    for definition in (derived, imposing):
        assert [i.rule for i in validator.check(PATIENT, profiles=[definition["url"]]) if i.is_error] == ["card-min"]


def test_a_type_with_several_profiles_must_meet_one() -> None:
    first = profile("HumanName", [element("HumanName.text", min=1)], name="first")
    second = profile("HumanName", [element("HumanName.prefix", min=1)], name="second")
    person = profile("Patient", [
        element("Patient.name", type=[{"code": "HumanName", "profile": [first["url"], second["url"]]}])
    ], name="person")  # fmt: skip
    validator = Validator.load([], resources=[first, second, person])

    def rules(name: Json) -> list[str | None]:
        return [i.rule for i in validator.check({**PATIENT, "name": [name]}, profiles=[person["url"]]) if i.is_error]

    assert rules({"family": "Z", "text": "x"}) == []
    assert rules({"family": "Z", "prefix": ["x"]}) == []
    assert rules({"family": "Z"}) == ["profile-none"]


def test_a_profile_of_another_type_is_an_error(validator: Validator) -> None:
    issues = validator.check(PATIENT, profiles=[US_CORE + "us-core-careteam"])
    assert [i.rule for i in issues if i.is_error] == ["profile-type"]


def test_an_unknown_profile_is_a_warning_when_claimed_and_raises_when_asked_for(validator: Validator) -> None:
    claimed = {**PATIENT, "meta": {"profile": ["http://nowhere.example/p"]}}
    assert [(i.severity, i.rule) for i in validator.check(claimed) if i.rule == "profile-unknown"] == [
        ("warning", "profile-unknown")
    ]
    with pytest.raises(BadProfile):
        validator.check(PATIENT, profiles=["http://nowhere.example/p"])


@pytest.mark.parametrize(
    "elements",
    [
        [element("Patient.zebra", min=1)],
        [{"id": "Observation.code", "path": "Observation.code", "min": 1}],
    ],
)
def test_a_profile_that_cannot_be_compiled_names_itself(elements: list[Json]) -> None:
    definition = profile("Patient", elements, name="broken")
    with pytest.raises(BadProfile, match="broken"):
        Validator.load([], resources=[definition]).check(PATIENT, profiles=[definition["url"]])


def test_show_prints_every_rule_a_line(validator: Validator) -> None:
    shown = validator.show(US_CORE + "us-core-patient|6.1.0").splitlines()
    assert shown[0] == US_CORE + "us-core-patient|6.1.0 on Patient"
    assert "  Patient.identifier: 1..*" in shown
    assert (
        "  Patient.name: us-core-6 (error) (family.exists() or given.exists()) xor extension.where("
        + ("url='http://hl7.org/fhir/StructureDefinition/data-absent-reason').exists()")
        in shown
    )
