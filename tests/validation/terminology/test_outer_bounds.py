"""Codes that VSAC's sets for race, ethnicity and sex at birth surely do not have; others stay unchecked."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
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
        (said("race", "ombCategory", "https://a.example/race", "2106-3"), False),
        (said("race", "detailed", RACE, "1586-7"), True),
        (said("race", "detailed", "https://a.example/race", "1586-7"), False),
        (said("ethnicity", "ombCategory", RACE, "2186-5"), True),
        (said("ethnicity", "ombCategory", RACE, "2106-3"), False),
        (said("ethnicity", "detailed", RACE, "2148-5"), True),
        (born("F"), True), (born("UNK"), True), (born("OTH"), True), (born("ASKU"), True),
        (born("X"), False), (born("female"), False),
    ],
)  # fmt: skip
def test_codes_beyond_the_bounds_are_refused(validator: Validator, resource: Json, *, good: bool) -> None:
    errors = [one.rule for one in validator.check(resource) if one.is_error]
    assert errors == ([] if good else ["binding-required"])
    assert validator.is_valid(resource) is good
    assert not good or "binding-unchecked" in [one.rule for one in validator.check(resource)] or "OTH" in str(resource)
