"""The search rules of the published packages, compiled once for all search tests."""

from __future__ import annotations

import pytest

from gateway.packages.definitions import Definitions
from gateway.search.parameters import Parameters
from gateway.search.rules import Search
from tests.conftest import NOW

TYPES = ("Patient", "Coverage", "ServiceRequest", "Task", "CarePlan", "CareTeam", "Goal", "Condition", "Observation")
PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions.load(PACKAGES)


@pytest.fixture(scope="session")
def rules(definitions: Definitions) -> Search:
    return Search(Parameters(definitions), types=TYPES, clock=lambda: NOW, base="https://gateway.example/fhir")
