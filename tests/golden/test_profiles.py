"""Every rule of the published profiles that we use, one a line: a package upgrade is reviewed as a diff of rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.validation import Validator

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-"
PROFILES = [
    *(f"{US_CORE}{name}|6.1.0" for name in (
        "patient", "servicerequest", "careplan", "careteam", "coverage", "goal", "practitioner", "practitionerrole",
        "organization", "relatedperson", "race", "ethnicity", "questionnaireresponse", "provenance",
    )),
    *(f"{US_CORE}{name}|7.0.0" for name in ("patient", "servicerequest", "careplan", "careteam", "goal")),
    *(f"{SDOHCC}{name}|3.0.0" for name in ("ServiceRequest", "TaskForReferralManagement", "Goal", "Condition")),
]  # fmt: skip


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load(["hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"])


@pytest.mark.parametrize("canonical", PROFILES, ids=lambda url: str(url).rpartition("/")[2].replace("|", "-"))
def test_the_rules_are_as_reviewed(
    validator: Validator, canonical: str, golden: Callable[[Path, object], None]
) -> None:
    name = canonical.rpartition("/")[2].replace("|", "-")
    golden(Path(__file__).parent / "profiles" / f"{name}.json", validator.show(canonical).splitlines())
