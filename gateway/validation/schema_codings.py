"""Codes as JSON Schema: those that are surely right, or that nobody here can call wrong, without a step into Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Binding, Profile, Rules, Shape
from gateway.validation.run import NOWHERE, Run
from gateway.validation.schema_values import CHECK, UNCHECKED, Schema

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_SYSTEMS = 6
"""Code systems whose codes a document lists: each costs those that are of none of them."""
_CODES = 200
_NAMED = 8
"""Codes of a code system up to which their names are listed too."""


def can_fail(binding: Binding) -> bool:
    """Whether a code outside the binding is an error (and not only a warning)."""
    return (
        binding.strength == "required"
        or binding.maximum is not None
        or any(purpose in ("required", "maximum") for purpose, _ in binding.extra)
    )


class Codings:
    """What holds for every Coding of a document, by the code systems that its profiles and types speak of."""

    def __init__(self, engine: Engine, shape: Shape, profiles: Iterable[Profile]) -> None:
        self._engine = engine
        self._shape = shape
        self._profiles = list(profiles)

    def schema(self) -> Schema:
        """Codings are asked of Python but where the code is listed here, with none or one of its names, or no code of
        the system can be wrong, because none is at hand."""
        terminology = self._engine.terminology
        unchecked = [one for one in UNCHECKED if terminology.code_known(one, "?") is None and self._good(one, "?")]
        at_ease = {"required": ["code", "system"], "properties": {"system": {"enum": unchecked}}}
        ways: list[Schema] = []
        for system in self._systems():
            codes = terminology.system_codes(system)
            if codes and len(codes) <= _CODES and len(ways) < _SYSTEMS and self._good(system, min(codes)):
                ways.append(self._listed_here(system, codes))
        asked: Schema = {CHECK: ["coding"]}
        return {"if": at_ease, "else": {"anyOf": [*ways, asked]} if ways else asked}

    def _listed_here(self, system: str, codes: frozenset[str]) -> Schema:
        said: Schema = {"required": ["system", "code"], "properties": {"system": {"const": system}}}
        if self._engine.displays == "warning":
            return said | {"properties": said["properties"] | {"code": {"enum": sorted(codes)}}}
        ways: list[Schema] = [{"properties": {"code": {"enum": sorted(codes)}, "display": False}}]
        for code in sorted(codes) if len(codes) <= _NAMED else ():
            names = sorted(self._engine.terminology.names(system, code))
            if names:
                ways.append({"properties": {"code": {"const": code}, "display": {"enum": names}}})
        return said | {"anyOf": ways}

    def _good(self, system: str, code: str) -> bool:
        """Whether nothing is wrong with the system itself."""
        run = Run(self._engine)
        self._engine.coding(run, {"system": system, "code": code}, NOWHERE)
        return not run.failed

    def _systems(self) -> list[str]:
        found = [system for profile in self._profiles for system in self._asked(profile.rules)]
        members = self._shape.members.values()
        bindings = (member.binding for member in members if member.type in ("Coding", "CodeableConcept"))
        found += (system for binding in bindings if binding for system in self._listed(binding, None))
        return list(dict.fromkeys(found))

    def _asked(self, rules: Rules) -> Iterator[str]:
        yield from _said(rules.pattern)
        yield from _said(rules.fixed)
        if rules.binding is not None and rules.types is None:
            yield from self._listed(rules.binding, self._engine.scope_of_rule(f"{rules.profile}#{rules.id}"))
        slices = rules.slicing.slices if rules.slicing is not None else ()
        for inner in (*rules.children.values(), *slices):
            yield from self._asked(inner)

    def _listed(self, binding: Binding, scope: str | None) -> list[str]:
        """The code systems of a value set that can be listed."""
        listed = self._engine.terminology.codes(binding.value_set, scope=scope) if binding.value_set else None
        return sorted({system for system, _ in listed or ()})


def _said(value: Any) -> Iterator[str]:
    """The systems that a fixed value or pattern names."""
    if isinstance(value, dict):
        if isinstance(value.get("system"), str) and "code" in value:
            yield value["system"]
        for inner in value.values():
            yield from _said(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner)
