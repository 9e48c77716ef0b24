"""Every search that the published CapabilityStatements of US Core and SDOHCC expect of a server is understood here."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.packages import Definitions
from gateway.search.parameters import Parameters
from gateway.search.rules import Search
from gateway.usecases.served import PACKAGES, SERVED

pytestmark = pytest.mark.interop

COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
STATEMENTS = [
    ("hl7.fhir.us.core#6.1.0", "CapabilityStatement-us-core-server.json"),
    ("hl7.fhir.us.core#7.0.0", "CapabilityStatement-us-core-server.json"),
    ("hl7.fhir.us.sdoh-clinicalcare#3.0.0", "CapabilityStatement-SDOHCC-ReferralSource.json"),
    ("hl7.fhir.us.sdoh-clinicalcare#3.0.0", "CapabilityStatement-SDOHCC-CoordinationPlatform.json"),
]
VALUES = {"token": "x", "string": "x", "date": "ge2026-01-01", "uri": "urn:x", "number": "1", "quantity": "1"}
MISSPELT = {"HealthCareService:location": "HealthcareService:location"}
"""As published in SDOHCC 3.0.0: there is no type HealthCareService."""


def combinations(resource: dict[str, Any]) -> Iterator[list[str]]:
    """Each parameter alone, and each combination, as US Core lists them."""
    for parameter in resource.get("searchParam", ()):
        yield [parameter["name"]]
    for extension in resource.get("extension", ()):
        if extension["url"] == COMBINATION:
            yield [part["valueString"] for part in extension["extension"] if part["url"] == "required"]


@pytest.mark.parametrize(("package", "file"), STATEMENTS)
def test_what_is_expected_is_understood(package: str, file: str, shared: Path) -> None:
    rules = Search(Parameters(Definitions.load(PACKAGES), engine=True), types=sorted(SERVED), clock=now)
    with tarfile.open(shared / "fhir" / "packages" / f"{package}.tgz") as opened:
        statement = json.load(opened.extractfile(f"package/{file}"))  # type: ignore[arg-type]
    asked = 0
    (server,) = [rest for rest in statement["rest"] if rest["mode"] == "server"]
    for resource in server["resource"]:
        type = resource["type"]
        if type not in SERVED:
            continue
        for names in combinations(resource):
            rules.parse(type, [(name, value(rules, type, name)) for name in names])
            asked += 1
        for control, member in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            for text in resource.get(member, ()):
                rules.parse(type, [(control, MISSPELT.get(text, text))])
                asked += 1
    assert asked > 20


def value(rules: Search, type: str, name: str) -> str:
    parameter = rules.parameters.of(type).get(name)
    assert parameter is not None, f"{type}.{name}: {rules.parameters.why_not(type, name)}"
    if parameter.kind == "reference":
        return f"{parameter.targets[0] if parameter.targets else 'Patient'}/1"
    if parameter.kind == "composite":
        return "$".join(VALUES[part.kind] for part in parameter.parts)
    return VALUES[parameter.kind]


def now() -> datetime:
    return datetime.now(UTC)
