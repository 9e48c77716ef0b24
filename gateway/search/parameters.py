"""Which search parameters each resource type has, from the published definitions.

https://hl7.org/fhir/R4/searchparameter.html. Where two packages define one code for one type, both expressions count
(US Core narrows or adds, never contradicts). Parameters whose kind or value types this gateway does not search are
listed in `unsupported`, so that asking for one is refused with the reason instead of being ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from gateway.fhir.part import outlines
from gateway.search.paths import NotARoute, Route, routes
from gateway.search.structures import Structures

Json = dict[str, Any]
Kind = Literal["token", "string", "date", "reference", "uri", "number", "quantity", "composite"]

_STRINGS = {"string", "markdown", "code", "id"}
_URIS = {"uri", "url", "canonical", "oid", "uuid"}
LEAVES: dict[str, set[str]] = {
    "token": {"boolean", "CodeableConcept", "Coding", "Identifier", "ContactPoint"} | _STRINGS | _URIS,
    "string": {"HumanName", "Address"} | _STRINGS,
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "reference": {"Reference", "canonical", "uri"},
    "uri": _URIS,
    "number": {"integer", "decimal", "positiveInt", "unsignedInt"},
    "quantity": {"Quantity", "Age", "Duration", "SimpleQuantity", "Money", "Count", "Distance"},
}
"""FHIR types that each kind of parameter can compare."""
KINDS = {*LEAVES, "composite"}
ON_THE_ROW = {"_id", "_lastUpdated"}
"""Parameters that the store answers from the resource's own row."""
NOT_INDEXED = {"_text", "_content", "_filter", "_query", "phonetic"}


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a composite: its kind, and its routes from each type that the composite's base may have."""

    kind: Kind
    routes: tuple[tuple[str, tuple[Route, ...]], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type. `expressions` go to the full FHIRPath engine (a route could not say them)."""

    code: str
    kind: Kind
    targets: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    expressions: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    """Components of a composite, in order; `routes` lead to the elements that hold them together."""
    systems: tuple[str, ...] = ()
    """Code systems of a parameter whose values are plain codes, from the value set that they are bound to."""

    @property
    def codes_only(self) -> bool:
        """Every value is a primitive code: it has no system of its own."""
        return self.kind == "token" and bool(self.routes) and all(r.leaf in ("code", "boolean") for r in self.routes)


class Definitions(Protocol):
    """What is needed of the loaded packages (`gateway.packages.definitions.Definitions` is one)."""

    def search_parameters(self, base: str) -> list[Json]: ...

    def structure(self, canonical: str) -> Json | None: ...

    def value_set(self, canonical: str) -> Json | None: ...


class Parameters:
    """The catalogue; types are compiled when first asked for and kept."""

    def __init__(self, definitions: Definitions, *, engine: bool = False) -> None:
        """`engine`: whether expressions that are no routes can be evaluated."""
        self._definitions = definitions
        self._engine = engine
        self._model = Structures(definitions.structure)
        self.outlines = outlines(definitions.structure)
        self._types: dict[str, Mapping[str, Parameter]] = {}
        self._known: dict[str, bool] = {}
        self.unsupported: dict[tuple[str, str], str] = {}

    def of(self, type: str) -> Mapping[str, Parameter]:
        """The parameters of `type` by code, those of every resource included."""
        if type not in self._types:
            self._types[type] = self._compile(type)
        return self._types[type]

    def knows(self, type: str) -> bool:
        """Whether `type` is a resource type at all."""
        if type not in self._known:
            definition = self._definitions.structure(type) if type.isalpha() else None
            self._known[type] = bool(definition and definition["kind"] == "resource" and not definition.get("abstract"))
        return self._known[type]

    def why_not(self, type: str, code: str) -> str | None:
        """Why a parameter that is defined cannot be used; None when it is not defined at all."""
        self.of(type)
        return self.unsupported.get((type, code))

    def _compile(self, type: str) -> dict[str, Parameter]:
        grouped: dict[str, list[Json]] = {}
        for base in ("Resource", "DomainResource", type):
            for definition in self._definitions.search_parameters(base):
                grouped.setdefault(definition["code"], []).append(definition)
        compiled = {code: self._parameter(type, code, group) for code, group in sorted(grouped.items())}
        return {code: parameter for code, parameter in compiled.items() if parameter}

    def _parameter(self, type: str, code: str, group: list[Json]) -> Parameter | None:
        kinds = {definition["type"] for definition in group}
        reason = None
        if len(kinds) > 1:
            reason = "its definitions disagree on its type"
        elif not kinds <= KINDS:
            reason = f"{kinds.pop()} parameters are not searched"
        elif code in NOT_INDEXED:
            reason = "this kind of matching is not offered"
        elif not any(definition.get("expression") for definition in group):
            reason = "it has no expression"
        elif any("[" in definition.get("expression", "") for definition in group):
            reason = "its expression picks a whole resource"
        if reason:
            self.unsupported[type, code] = reason
            return None
        kind: Kind = kinds.pop()
        if kind == "composite":
            return self._composite(type, code, group[-1])
        found: dict[Route, None] = {}
        engine: dict[str, None] = {}
        for expression in dict.fromkeys(d["expression"] for d in group if d.get("expression")):
            try:
                for route in routes(expression, type=type, model=self._model):
                    if route.leaf in LEAVES[kind]:
                        found[route] = None
            except NotARoute:
                engine[expression] = None
        if engine and not self._engine:
            reason = "its expression needs the full FHIRPath engine"
        elif not found and not engine and code not in ON_THE_ROW:
            reason = "its expression selects nothing that can be compared"
        if reason:
            self.unsupported[type, code] = reason
            return None
        targets = dict.fromkeys(target for definition in group for target in definition.get("target", ()))
        urls = tuple(dict.fromkeys(definition["url"] for definition in group))
        made = Parameter(code, kind, _narrowed(tuple(found)) or tuple(targets), tuple(found), tuple(engine), urls)
        return replace(made, systems=self._systems(type, made)) if made.codes_only else made

    def _composite(self, type: str, code: str, definition: Json) -> Parameter | None:
        """https://hl7.org/fhir/R4/search.html#composite"""
        try:
            bases = tuple(dict.fromkeys(routes(definition["expression"], type=type, model=self._model)))
            parts = tuple(self._part(type, component, bases) for component in definition.get("component", ()))
        except NotARoute:
            parts = ()
        if not parts or not all(part and any(found for _, found in part.routes) for part in parts):
            self.unsupported[type, code] = "its components cannot be compared"
            return None
        return Parameter(code, "composite", routes=bases, urls=(definition["url"],), parts=tuple(filter(None, parts)))

    def _part(self, type: str, component: Json, bases: tuple[Route, ...]) -> Part | None:
        known = [one for one in self._definitions.search_parameters(type) if one["url"] == component["definition"]]
        if not known or known[0]["type"] not in LEAVES:
            return None
        kind: Kind = known[0]["type"]
        leaves = dict.fromkeys(base.leaf for base in bases)
        found = {
            leaf: tuple(
                route
                for route in routes(component["expression"], type=leaf, model=self._model)
                if route.leaf in LEAVES[kind]
            )
            for leaf in leaves
        }
        return Part(kind, tuple(found.items()))

    def _systems(self, type: str, parameter: Parameter) -> tuple[str, ...]:
        bound = {self._model.value_set(type, [step.member for step in route.steps]) for route in parameter.routes}
        sets = [self._definitions.value_set(canonical) for canonical in sorted(filter(None, bound))]
        included = [part for found in sets if found for part in found.get("compose", {}).get("include", ())]
        return tuple(dict.fromkeys(part["system"] for part in included if "system" in part))


def _narrowed(found: tuple[Route, ...]) -> tuple[str, ...]:
    """The types that references are tested for (`subject.where(resolve() is Patient)`), when all of them are."""
    tested = [next((t[2] for t in route.steps[-1].tests if t[0] == "type"), None) for route in found]
    return tuple(dict.fromkeys(type for type in tested if type)) if all(tested) else ()
