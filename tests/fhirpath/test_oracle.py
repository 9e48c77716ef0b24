"""fhirpathpy as second opinion: every published invariant on every node of the published examples."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser import parse

from gateway.fhir import codec
from gateway.fhirpath import Env, FhirPathError, Model, compile
from tests.fhirpath.test_packages import definitions, type_at

NOT_COMPARED = ("memberOf", "htmlChecks", "resolve", "hasValue")
"""What fhirpathpy lacks or answers without the data that is needed."""
EXPLAINED = {
    # ref-1 without a reference is empty, which would fail valid data: corrected as HL7 does (errata)
    "reference.startsWith('#').not() or "
    "(reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))",
    # fhirpathpy's integers are not bounded to 32 bits
    "empty() or ($this = '*') or (toInteger() >= 0)",
}
MOST_PER_TYPE = 3
"""Nodes of one type that are asked in one resource."""


def nodes(model: Model, value: Any, type: str) -> Iterator[tuple[str, Any]]:
    yield type, value
    info = model.info(type)
    if not isinstance(value, dict) or info is None:
        return
    for key, content in value.items():
        field = info.by_key.get(key)
        for item in content if isinstance(content, list) else [content]:
            if field is not None and item is not None:
                abstract = field.type in ("Resource", "DomainResource")
                yield from nodes(model, item, item["resourceType"] if abstract else field.type)


def invariants(shared: Path, model: Model) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for definition in definitions(shared):
        for element in definition.get("snapshot", {}).get("element", ()):
            type = type_at(model, definition["type"], element["path"])
            for constraint in element.get("constraint", ()):
                expression = constraint.get("expression", "")
                if type and expression and not any(name in expression for name in NOT_COMPARED):
                    found[type].add(expression)
    return found


def theirs(expression: Any, type: str, value: Any, resource: Any) -> bool | None:
    focus = value if isinstance(value, dict) and "resourceType" in value else ResourceNode.create_node(value, type)
    surroundings = {"resource": resource, "rootResource": resource}
    try:
        items = fhirpathpy.apply_parsed_path(
            focus, expression, surroundings, models["r4"], {"traceFn": lambda *_: None}
        )
    except Exception:  # its own limits, not ours
        return None
    items = items if isinstance(items, list) else [items]
    return items[0] is not False if len(items) == 1 else len(items) > 0


def ours(model: Model, expression: str, type: str, value: Any, env: Env) -> bool | str:
    try:
        return compile(expression, model=model, type=type).test(value, env)
    except FhirPathError as error:
        return str(error)


@pytest.mark.interop
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_invariants_agree_with_fhirpathpy_on_the_published_examples(shared: Path, model: Model) -> None:
    rules = invariants(shared, model)
    parsed: dict[str, Any] = {}
    agreed = 0
    different: Counter[str] = Counter()
    for path in sorted((shared / "fhir" / "examples").glob("*/*.json")):
        lossy, exact = json.loads(path.read_bytes()), codec.read(path.read_bytes())
        kind = exact["resourceType"]
        env, asked = Env(exact), Counter[str]()
        for (type, value), (_, other) in zip(nodes(model, exact, kind), nodes(model, lossy, kind), strict=True):
            asked[type] += 1
            for expression in rules.get(type, ()) if asked[type] <= MOST_PER_TYPE else ():
                if expression not in parsed:
                    parsed[expression] = parse(expression)
                opinion = theirs(parsed[expression], type, other, lossy)
                if opinion is None:
                    continue
                if ours(model, expression, type, value, env) == opinion:
                    agreed += 1
                else:
                    different[expression] += 1
    assert set(different) <= EXPLAINED
    assert agreed > 12_000
