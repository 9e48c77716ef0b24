"""Every invariant and search expression of the published packages compiles, at every place where it stands."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fhirpath import FhirPathError, Model, compile

NOT_COMPILED: dict[str, str] = {}
"""Published expression -> why it cannot be compiled. Empty: all can."""
NOT_IN_THE_MODEL = {
    # Expressions that name what R4 does not have where they stand: always empty, in HL7's validator too.
    "ChargeItemDefinition.name": "cid-0 asks for a name that the type lacks",
    "Extension.substanceExposureRisk": "written for another type (openEHR-exposureDescription copies it)",
    "Extension.code": "the same rule",
    "decimal.low": "ras-1 stands on both types of probability[x]",
    "decimal.high": "the same rule",
    "Quantity.valueCodeableConcept": "us-core-4 uses a JSON name inside value[x]",
    "Quantity.valueQuantity": "us-core-3 uses a JSON name inside value[x]",
    "Reference.agent": "provenance-1 stands one level too deep",
    "base64Binary.language": "the rule stands on every type of Extension.value[x]",
    "QuestionnaireResponse.answer": "repeat(answer|item) begins at the root",
}


def definitions(shared: Path) -> Iterator[dict[str, Any]]:
    for archive in sorted((shared / "fhir" / "packages").glob("*.tgz")):
        with tarfile.open(archive) as package:
            for entry in package:
                name = entry.name.rpartition("/")[2]
                if name.startswith(("StructureDefinition-", "SearchParameter-")) and entry.name.count("/") == 1:
                    file = package.extractfile(entry)
                    assert file is not None
                    yield json.load(file)


def type_at(model: Model, type: str, path: str) -> str | None:
    for step in path.split(".")[1:]:
        fields = model.fields(type, step.removesuffix("[x]"))
        if not fields:
            return None
        type = fields[0].type
    return type


@pytest.mark.interop
@pytest.mark.timeout(900)
def test_every_published_expression_compiles(shared: Path, model: Model) -> None:
    failed: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    compiled = 0
    for definition in definitions(shared):
        for expression, type in expressions(definition, model):
            try:
                found = compile(expression, model=model, type=type)
            except FhirPathError as error:
                failed[f"{expression}: {error}"] += 1
                continue
            compiled += 1
            unknown.update(found.unknown)
    assert {text for text in failed if text not in NOT_COMPILED} == set()
    assert set(unknown) == set(NOT_IN_THE_MODEL)
    assert compiled > 20_000


def expressions(definition: dict[str, Any], model: Model) -> Iterator[tuple[str, str]]:
    if definition["resourceType"] == "SearchParameter":
        for base in definition.get("base", ()):
            if "expression" in definition:
                yield definition["expression"], base
        return
    if definition.get("kind") == "logical":
        return
    for part in ("snapshot", "differential"):
        for element in definition.get(part, {}).get("element", ()):
            type = type_at(model, definition["type"], element["path"])
            for constraint in element.get("constraint", ()):
                if "expression" in constraint and type is not None:
                    yield constraint["expression"], type
