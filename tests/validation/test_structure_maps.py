"""StructureMaps: variables, groups and elements that their rules name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

CORE = "http://hl7.org/fhir/StructureDefinition/"
MAP: Json = {
    "resourceType": "StructureMap", "text": NARRATIVE, "url": "https://a.example/StructureMap/m", "name": "M",
    "status": "draft",
    "structure": [{"url": CORE + "Patient", "mode": "source", "alias": "P"},
                  {"url": CORE + "Person", "mode": "target", "alias": "Q"}],
    "group": [{
        "name": "main", "typeMode": "none",
        "input": [{"name": "from", "type": "P", "mode": "source"}, {"name": "to", "type": "Q", "mode": "target"}],
        "rule": [{
            "name": "names",
            "source": [{"context": "from", "element": "name", "variable": "n", "condition": "use = 'official'"}],
            "target": [{"context": "to", "contextType": "variable", "element": "name", "variable": "m",
                        "transform": "create", "parameter": [{"valueString": "HumanName"}]}],
            "rule": [{
                "name": "family",
                "source": [{"context": "n", "element": "family", "variable": "f"}],
                "target": [{"context": "m", "contextType": "variable", "element": "family", "transform": "copy",
                            "parameter": [{"valueId": "f"}]}],
            }],
            "dependent": [{"name": "main", "variable": ["n", "m"]}],
        }],
    }],
}  # fmt: skip
RULE = MAP["group"][0]["rule"][0]


def changed(change: Callable[[Any], Any]) -> Json:
    made = copy.deepcopy(MAP)
    change(made["group"][0]["rule"][0])
    return made


@pytest.fixture(scope="module")
def core() -> Validator:
    return Validator.load([])


def errors(validator: Validator, resource: Json) -> list[tuple[str | None, str]]:
    found = [(i.rule, str(i.expression)) for i in validator.check(resource) if i.is_error]
    assert validator.is_valid(resource) == (not found)
    return [(rule, place.removeprefix("StructureMap.group[0].rule[0]")) for rule, place in found]


def test_a_map_that_can_be_run(core: Validator) -> None:
    assert errors(core, MAP) == []


@pytest.mark.parametrize(
    ("change", "rule", "place"),
    [
        (lambda r: r["source"][0].update(context="other"), "variable", ".source[0].context"),
        (lambda r: r["source"][0].update(element="nme"), "element", ".source[0].element"),
        (lambda r: r["source"][0].update(condition="use = "), "expression", ".source[0].condition"),
        (lambda r: r["source"][0].update(check="use("), "expression", ".source[0].check"),
        (lambda r: r["target"][0].update(context="other"), "variable", ".target[0].context"),
        (lambda r: r["target"][0].update(element="nme"), "element", ".target[0].element"),
        (lambda r: r["rule"][0]["source"][0].update(element="famly"), "element", ".rule[0].source[0].element"),
        (lambda r: r["rule"][0]["target"][0]["parameter"][0].update(valueId="g"), "variable",
         ".rule[0].target[0].parameter[0]"),
        (lambda r: r["dependent"][0].update(name="other"), "group", ".dependent[0]"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_run(core: Validator, change: Callable[[Any], Any], rule: str, place: str) -> None:
    assert errors(core, changed(change)) == [(f"structuremap-{rule}", place)]


def test_what_is_imported_may_have_the_group(core: Validator) -> None:
    imported = {**changed(lambda r: r["dependent"][0].update(name="other")), "import": ["https://a.example/*"]}
    assert errors(core, imported) == []


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [[]], [3], [{"name": []}]])
def test_odd_maps_are_survived(core: Validator, odd: Any) -> None:
    for name in ("structure", "group"):
        core.check({**MAP, name: odd})
    for name in ("source", "target", "rule", "dependent"):
        core.check(changed(lambda r, name=name: r.update({name: odd})))
