"""A schema taken apart: what it asks of each member and of each item, asked one by one to say where it does not hold.

A compiled schema says yes or no in microseconds; to list where it does not hold costs it many times as much. Taken
apart, the same questions are asked of members by themselves, of items in those that do not hold, and so on down the
backbone. Parts are compiled when they are first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from gateway.validation.accept_presence import PRESENT
from gateway.validation.schema_elements import refs
from gateway.validation.schema_values import Schema

Holds = Callable[[Any], bool]
Compile = Callable[[Schema], Holds]
_OF_DOCUMENTS = frozenset(("$ref", "allOf", "$defs", "$comment", PRESENT))
_NOTHING: Schema = {"not": {}}
_BY_ITSELF = "resourceType"
"""What is asked here is asked of the whole resource."""


class Part:
    """What a document asks of the values at one place: all of `schemas`."""

    def __init__(self, schemas: list[Any], definitions: Schema, compile: Compile) -> None:
        self._schemas, self._definitions, self._compile = schemas, definitions, compile
        self._checks: dict[str, Holds] | None = None

    @cached_property
    def holds(self) -> Holds:
        return self._compiled(self._schemas)

    @cached_property
    def own(self) -> Holds:
        """Whether what is asked of the value itself holds, whatever its members and items are."""
        return self._compiled(self._apart[0])

    @cached_property
    def never(self) -> bool:
        """Whether nothing is accepted, whatever it is: what refuses a value then is not said."""
        return _NOTHING in self._apart[0]

    @cached_property
    def members(self) -> dict[str, Part]:
        """Those of an object that may be there."""
        return {name: self._part(schemas) for name, schemas in self._apart[1].items()}

    def checks(self, aside: frozenset[str]) -> dict[str, Holds]:
        """What is asked of each of the members, but for some whose items are asked one by one (always the same ones).
        Each is compiled when it is first asked."""
        if self._checks is None:
            checks = self._checks = dict.fromkeys(self.members, _always)
            for name in self.members.keys() - aside:
                checks[name] = self._compiled_first(name, checks)
        return self._checks

    def _compiled_first(self, name: str, checks: dict[str, Holds]) -> Holds:
        def holds(value: Any) -> bool:
            checks[name] = self.members[name].holds
            return checks[name](value)

        return holds

    @cached_property
    def items(self) -> Part:
        return self._part(self._apart[2])

    def _part(self, schemas: list[Any]) -> Part:
        return Part(schemas, self._definitions, self._compile)

    @cached_property
    def _apart(self) -> tuple[list[Any], dict[str, list[Any]], list[Any]]:
        """What is asked of a value itself, of its members, and of its items."""
        own: list[Any] = []
        members: dict[str, list[Any]] = {}
        items: list[Any] = []
        known: set[str] | None = None
        for schema in _flat(self._schemas, self._definitions):
            rest = dict(schema)
            if "patternProperties" not in rest:
                named = rest.pop("properties", {})
                for name, asked in named.items():
                    members.setdefault(name, []).append(asked)
                if rest.get("additionalProperties") is False:
                    del rest["additionalProperties"]
                    known = known & named.keys() if known is not None else set(named)
            if "prefixItems" not in rest and "items" in rest:
                items.append(rest.pop("items"))
            if rest:
                own.append(rest)
        if _BY_ITSELF in members:
            own.append({"properties": {_BY_ITSELF: {"allOf": members[_BY_ITSELF]}}})
            members[_BY_ITSELF] = []
        return own, {name: asked for name, asked in members.items() if known is None or name in known}, items

    def _compiled(self, schemas: list[Any]) -> Holds:
        asked = [schema for schema in schemas if schema is not True and schema != {}]
        if not asked:
            return _always
        needed: dict[str, Any] = {}
        waiting = list(refs(asked))
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed[name] = self._definitions[name]
                waiting += refs(needed[name])
        return self._compile({"allOf": asked, "$defs": needed})


def _flat(schemas: list[Any], definitions: Schema) -> Iterator[Schema]:
    """All that is asked of one value, a schema each that refers to no other but about what is below."""
    for schema in schemas:
        if schema is True:
            continue
        if schema is False:
            yield _NOTHING
            continue
        if "$ref" in schema:
            yield from _flat([definitions[schema["$ref"].rpartition("/")[2]]], definitions)
        yield from _flat(schema.get("allOf", []), definitions)
        rest = {name: said for name, said in schema.items() if name not in _OF_DOCUMENTS}
        if rest:
            yield rest


def _always(value: Any) -> bool:
    return True
