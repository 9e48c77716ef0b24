"""The search index of every published example is what the full FHIRPath engine would make of the same definitions."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from gateway.fhir import codec
from gateway.fhirpath import Expression, Model, compile
from gateway.packages import Definitions
from gateway.search.emit import Entry, emitter
from gateway.search.parameters import LEAVES, ON_THE_ROW, Parameters
from gateway.search.rules import Search
from gateway.usecases.served import PACKAGES, SERVED

pytestmark = pytest.mark.interop


def test_routes_and_engine_agree(shared: Path) -> None:
    definitions = Definitions.load(PACKAGES)
    parameters = Parameters(definitions)
    rules = Search(parameters, types=sorted(SERVED), clock=lambda: datetime.now(UTC))
    model = Model(definitions)

    @cache
    def expression(source: str, type: str) -> Expression:
        return compile(source, model=model, type=type)

    @cache
    def sources(type: str, code: str) -> tuple[str, ...]:
        bases = [one for base in ("Resource", "DomainResource", type) for one in definitions.search_parameters(base)]
        return tuple(dict.fromkeys(one["expression"] for one in bases if one["code"] == code and "expression" in one))

    compared = 0
    for file in sorted((shared / "fhir" / "examples").rglob("*.json")):
        resource = codec.read(file.read_bytes())
        type = resource.get("resourceType")
        if type not in SERVED:
            continue
        indexed: dict[str, set[Entry]] = defaultdict(set)
        for entry in rules.entries(resource):
            if "$" not in entry.param:
                indexed[entry.param.removesuffix(":identifier")].add(entry)
        for code, parameter in parameters.of(type).items():
            if code in ON_THE_ROW or parameter.kind == "composite":
                continue
            expected: list[Entry] = []
            for source in sources(type, code):
                for leaf, value in expression(source, type).typed(resource):
                    if leaf in LEAVES[parameter.kind]:
                        emitter(parameter.kind, leaf)(code, value, expected)
            assert indexed[code] == set(expected), (file.name, code)
            compared += 1
    assert compared > 10_000
