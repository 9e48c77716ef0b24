"""From a resource to its index entries.

All routes of a type form one tree of JSON members, and a resource is walked once along it: what it does not have costs
nothing. The entries are what the store keeps beside the current version, and what values of a Query compare with.

    token      system, value = code (value None: a concept without a code, or an identifier without a value)
    string     value folded, system = the text as written (for :exact)
    date       [low, high) in microseconds UTC
    number     low = high, a sortable integer
    quantity   as number; system, value = unit code; a second entry with the unit's label where that differs
    reference  value `Type/id` or address; a logical one is also an entry of `<code>:identifier`, as a token
    uri        value; of a canonical the version is in system
    composite  an entry of `<code>` without a value, and those of each component i as `<code>$<number>.<i>`, where the
               number says which belong together
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Invalid, Issue
from gateway.search.emit import Emit, Entry, emitter, shape
from gateway.search.parameters import ON_THE_ROW, Parameter, Parameters
from gateway.search.paths import Route, Test
from gateway.search.references import normal, type_of

Json = dict[str, Any]
Evaluate = Callable[[Json], Sequence[Any]]
Compile = Callable[[str, str], Evaluate]
"""(expression, resource type) -> what the expression selects in a resource, as JSON values."""


@dataclass(slots=True)
class _Node:
    """What to do at one JSON member: entries to emit, tested branches, and where to go on."""

    emits: list[tuple[str, Emit]] = field(default_factory=list)
    onward: dict[str, _Node] = field(default_factory=dict)
    tested: list[tuple[tuple[Test, ...], _Node]] = field(default_factory=list)


class Indexer:
    """Turns resources into index entries. Built once; a type is compiled when first met (or by `prepare`)."""

    def __init__(self, parameters: Parameters, *, compile: Compile | None = None, base: str = "") -> None:
        """`compile` is the full FHIRPath engine, needed if `parameters` was built for one.

        References under `base` count as this server's own.
        """
        self._parameters = parameters
        self._compile = compile
        self._base = base
        self._types: dict[str, tuple[_Node, list[tuple[Parameter, Evaluate]]]] = {}

    def prepare(self, *types: str) -> None:
        """Compile these types now, so that no request waits for it."""
        for type in types:
            self._compiled(type)

    def entries(self, resource: Json) -> list[Entry]:
        """The index entries of a resource, each once. Invalid when a date in it cannot be read."""
        tree, others = self._types.get(resource["resourceType"]) or self._compiled(resource["resourceType"])
        found: list[Entry] = []
        try:
            _visit(tree, resource, found)
            for parameter, evaluate in others:
                for value in evaluate(resource):
                    emitter(parameter.kind, shape(value), base=self._base)(parameter.code, value, found)
        except ValueError:
            issue = Issue("error", "value", "A date in the resource is not a FHIR date.", rule="search-date")
            raise Invalid(issues=[issue]) from None
        return list(dict.fromkeys(found))

    def _compiled(self, type: str) -> tuple[_Node, list[tuple[Parameter, Evaluate]]]:
        root = _Node()
        others: list[tuple[Parameter, Evaluate]] = []
        for code, parameter in self._parameters.of(type).items():
            if code in ON_THE_ROW:
                continue
            for route in parameter.routes:
                if parameter.kind == "composite":
                    _plant(root, route, code, _together(parameter, route.leaf, base=self._base))
                else:
                    _plant(root, route, code, emitter(parameter.kind, route.leaf, base=self._base))
            for expression in parameter.expressions:
                assert self._compile is not None
                others.append((parameter, self._compile(expression, type)))
        self._types[type] = root, others
        return root, others


def _plant(root: _Node, route: Route, code: str, emit: Emit) -> None:
    node = root
    for step in route.steps:
        node = node.onward.setdefault(step.member, _Node())
        if step.tests:
            branch = next((branch for tests, branch in node.tested if tests == step.tests), None)
            if branch is None:
                branch = _Node()
                node.tested.append((step.tests, branch))
            node = branch
    if not any(known == code for known, _ in node.emits):
        node.emits.append((code, emit))


def _together(parameter: Parameter, leaf: str, *, base: str) -> Emit:
    """Emit a composite at each element of type `leaf` that has all components."""
    tree = _Node()
    for number, part in enumerate(parameter.parts):
        for route in dict(part.routes).get(leaf, ()):
            _plant(tree, route, str(number), emitter(part.kind, route.leaf, base=base))

    def emit(code: str, value: Any, out: list[Entry]) -> None:
        found: list[Entry] = []
        _visit(tree, value, found)
        if len({entry.param for entry in found if entry.param.isdecimal()}) == len(parameter.parts):
            group = f"{code}${len(out)}."
            out.append(Entry(code))
            out += [entry._replace(param=group + entry.param) for entry in found if entry.param.isdecimal()]

    return emit


def _walk(node: _Node, value: Any, out: list[Entry]) -> None:
    onward = node.onward
    for member in value if len(value) < len(onward) else onward:
        inner = value.get(member)
        if inner is None or member not in onward:
            continue
        branch = onward[member]
        if isinstance(inner, list):
            for item in inner:
                _visit(branch, item, out)
        else:
            _visit(branch, inner, out)


def _visit(node: _Node, value: Any, out: list[Entry]) -> None:
    for code, emit in node.emits:
        emit(code, value, out)
    for tests, branch in node.tested:
        if all(_passes(test, value) for test in tests):
            _visit(branch, value, out)
    if node.onward and isinstance(value, dict):
        _walk(node, value, out)


def _passes(test: Test, value: Any) -> bool:
    what, member, wanted = test
    if not isinstance(value, dict):
        return False
    if what == "equals":
        return bool(value.get(member) == wanted)
    literal = value.get("reference")
    target = normal(literal) if isinstance(literal, str) else None
    return (type_of(target) if target else None) == wanted or value.get("type") == wanted
