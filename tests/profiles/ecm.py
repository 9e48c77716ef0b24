"""Our own definitions, and a validator that knows them with what they build on."""

from __future__ import annotations

from functools import cache
from typing import Any

from gateway.fhir import codec
from gateway.shipped import folder
from gateway.validation import Validator

PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")
FILES = sorted((folder("profiles") / "ecm").glob("*.json"))
DEFINITIONS: dict[str, dict[str, Any]] = {path.stem: codec.read(path.read_bytes()) for path in FILES}


@cache
def validator() -> Validator:
    from tests.conftest import NOW

    return Validator.load(PACKAGES, resources=DEFINITIONS.values(), clock=lambda: NOW)
