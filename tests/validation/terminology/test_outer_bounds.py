"""Codes that VSAC's sets for race, ethnicity and sex at birth surely do not have; others stay unchecked."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
from gateway.validation.terminology.outer_bounds import surely_has
from tests.validation.conftest import NARRATIVE, US_CORE, Json

RACE = "urn:oid:2.16.840.1.113883.6.238"
FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
VALIDATORS = {version: Validator.load([f"hl7.fhir.us.core#{version}"]) for version in ("6.1.0", "7.0.0")}


def patient(extension: Json) -> Json:
    return {"resourceType": "Patient", "text": NARRATIVE, "extension": [extension]}


def said(kind: str, part: str, system: str, code: str) -> Json:
    parts = [{"url": part, "valueCoding": {"system": system, "code": code}}, {"url": "text", "valueString": "x"}]
    return patient({"url": f"{US_CORE}us-core-{kind}", "extension": parts})


def born(code: str) -> Json:
    return patient({"url": US_CORE + "us-core-birthsex", "valueCode": code})


@pytest.mark.parametrize("validator", VALIDATORS.values(), ids=VALIDATORS)
@pytest.mark.parametrize(
    ("resource", "good"),
    [
        (said("race", "ombCategory", RACE, "2106-3"), True),
        (said("race", "ombCategory", FLAVOR, "UNK"), True),
        (said("race", "ombCategory", RACE, "9999-9"), False),
        (said("race", "ombCategory", RACE, "2135-2"), False),
        (said("race", "ombCategory", FLAVOR, "NI"), False),
        (said("race", "detailed", RACE, "2148-5"), False),
        (said("race", "detailed", RACE, "1586-8"), False),
        (said("race", "detailed", FLAVOR, "OTH"), True),
        (said("ethnicity", "detailed", RACE, "1586-7"), False),
        (said("ethnicity", "detailed", RACE, "2148-6"), False),
        (said("race", "ombCategory", "https://a.example/race", "2106-3"), False),
        (said("race", "detailed", RACE, "1586-7"), True),
        (said("race", "detailed", "https://a.example/race", "1586-7"), False),
        (said("ethnicity", "ombCategory", RACE, "2186-5"), True),
        (said("ethnicity", "ombCategory", RACE, "2106-3"), False),
        (said("ethnicity", "detailed", RACE, "2148-5"), True),
        (born("F"), True), (born("UNK"), True), (born("OTH"), True), (born("ASKU"), True),
        (born("X"), False), (born("UN"), False), (born("female"), False),
    ],
)  # fmt: skip
def test_codes_beyond_the_bounds_are_refused(validator: Validator, resource: Json, *, good: bool) -> None:
    issues = validator.check(resource)
    errors = [one.rule for one in issues if one.is_error]
    assert errors == ([] if good else ["binding-required"])
    assert validator.is_valid(resource) is good
    assert not good or "binding-unchecked" in [one.rule for one in issues]


@pytest.mark.parametrize("version", ["6.1.0", "7.0.0"])
@pytest.mark.parametrize("code", ["1002-5", "2028-9", "2054-5", "2076-8", "2106-3"])
def test_detailed_races_are_those_without_the_categories(version: str, code: str) -> None:
    resource = said("race", "detailed", RACE, code)
    assert [one.rule for one in VALIDATORS[version].check(resource) if one.is_error] == ["binding-required"]


SNOMED, ABSENT = "http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem/data-absent-reason"


VSAC = "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1."


@pytest.mark.parametrize(
    ("value_set", "system", "code", "known"),
    [
        ("113762.1.4.1267.16", SNOMED, "373066001", None),
        ("113762.1.4.1267.16", ABSENT, "asked-declined", None),
        ("113762.1.4.1267.16", FLAVOR, "UNK", None),
        ("113762.1.4.1267.16", SNOMED, "373066002", False),
        ("113762.1.4.1267.16", "https://a.example/yes", "373066001", False),
        ("113883.4.642.2.575|2025", RACE, "2106-3", None),
        ("113883.4.642.2.575|2025", ABSENT, "asked-declined", None),
        ("113883.4.642.2.575|2025", RACE, "2148-5", False),
        ("113883.4.642.40.2.48.1", RACE, "2106-3", False),
        ("113883.4.642.40.2.48.3", RACE, "2135-2", None),
        ("113762.1.4.1267.25", RACE, "1586-7", None),
        ("113883.3.2074.1.1.3", RACE, "2106-3", True),
        ("113762.1.4.1010.4", SNOMED, "x", None),
    ],
)
def test_what_us_core_8_names(value_set: str, system: str, code: str, *, known: bool | None) -> None:
    assert surely_has(VSAC + value_set, system, code) is known


@pytest.mark.parametrize(
    ("system", "code", "known"),
    [
        ("http://loinc.org", "LA6690-7", None),
        (None, "LA6690-7", None),
        ("http://loinc.org", "8480-6", False),
        (SNOMED, "LA6690-7", False),
    ],
)
def test_answers_of_loinc(system: str | None, code: str, *, known: bool | None) -> None:
    assert surely_has("http://loinc.org/vs/LL379-9", system, code) is known


@pytest.mark.parametrize(
    ("code", "good"), [("248152002", True), ("asked-declined", True), ("184115007", True), ("female", False)]
)
def test_sex_of_6_1_0(code: str, *, good: bool) -> None:
    resource = patient({"url": US_CORE + "us-core-sex", "valueCode": code})
    assert VALIDATORS["6.1.0"].is_valid(resource) is good
