"""Published value sets, those of R4 and US Core and those that are a syntax."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.validation import Validator
from gateway.validation.terminology import Terminology
from tests.validation.terminology.conftest import (
    US_CORE,
)


@pytest.mark.parametrize(
    ("url", "code", "verdict"),
    [
        ("http://hl7.org/fhir/ValueSet/request-status|4.0.1", "active", "member"),
        ("http://hl7.org/fhir/ValueSet/request-status|4.0.1", "Active", "not-member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text/plain; charset=utf-8", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "application/fhir+json", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "json", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text", "not-member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text/", "not-member"),
        ("http://hl7.org/fhir/ValueSet/all-languages|4.0.1", "zh-Hant-TW", "member"),
        ("http://hl7.org/fhir/ValueSet/all-languages|4.0.1", "english", "not-member"),
        ("http://hl7.org/fhir/us/core/ValueSet/simple-language", "es", "member"),
        ("http://hl7.org/fhir/us/core/ValueSet/simple-language", "es-Latn", "not-member"),
        ("http://hl7.org/fhir/ValueSet/currencies|4.0.1", "USD", "member"),
        ("http://hl7.org/fhir/ValueSet/currencies|4.0.1", "USX", "not-member"),
        ("http://hl7.org/fhir/ValueSet/timezones|4.0.1", "America/Los_Angeles", "member"),
        ("http://hl7.org/fhir/ValueSet/timezones|4.0.1", "Mars/Olympus", "not-member"),
        ("http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", "mm[Hg]", "member"),
        ("http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", "mmHg", "not-member"),
        ("http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state", "CA", "member"),
        ("http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state", "California", "not-member"),
        ("http://hl7.org/fhir/ValueSet/all-types|4.0.1", "CarePlan", "member"),
        ("http://hl7.org/fhir/ValueSet/resource-types|4.0.1", "HumanName", "not-member"),
        ("http://terminology.hl7.org/ValueSet/v3-NullFlavor|4.0.1", "UNK", "member"),
        ("http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113762.1.4.1010.4", "x", "unknown"),
    ],
)
def test_published_value_sets(published: Terminology, url: str, code: str, verdict: str) -> None:
    assert published.membership(url, None, code, scope=US_CORE).verdict == verdict


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(published: Terminology, text: str) -> None:
    for url in ("mimetypes", "all-languages", "ucum-units", "currencies", "timezones", "v2-0203"):
        assert published.membership(f"http://hl7.org/fhir/ValueSet/{url}", None, text).verdict in (
            *("member", "not-member", "unknown"),
        )


def test_codes_that_a_value_set_was_published_with_stay_its_members() -> None:
    """R4's yesnodontknow names v2-0136, from which HL7 Terminology has since moved the codes away."""
    engine = Validator.load([]).engine
    for code, belongs in (("Y", True), ("N", True), ("Z", False)):
        coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0136", "code": code}
        asked = "http://hl7.org/fhir/ValueSet/yesnodontknow"
        assert engine.bindings.member(asked, "Coding", coding, asked_in=None) is belongs
