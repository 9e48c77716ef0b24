"""What must be there in a resource, taken out of its schema: members are counted faster than a schema is run, and a
resource that lacks one is refused for just that where the rest of the schema accepts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.validation.compiled import Json
from gateway.validation.schema_elements import refs
from gateway.validation.schema_values import Schema

Groups = list[list[str]]
"""Groups of members of which one has to be there."""
PRESENT: Final = "present"
"""Where a document keeps them, which no validator reads."""


class Presence:
    """Says whether what must be there is."""

    def __init__(self, groups: Groups) -> None:
        self._groups = [frozenset(group) for group in groups]
        self.usual = frozenset(group[0] for group in groups)
        """What is there in nearly every resource: of each group the first. Where all are, nothing is missing."""

    def missing(self, resource: Json) -> frozenset[str]:
        """The members of which some would have to be there."""
        there = resource.keys()
        if self.usual <= there:
            return frozenset()
        return frozenset().union(*(group for group in self._groups if group.isdisjoint(there)))


def apart(document: Schema) -> Schema:
    """A document of a resource, with what must be there in it beside what else is asked of it."""
    name = document["$ref"].rpartition("/")[2]
    if sum(ref == name for ref in refs(document)) != 1:
        return document  # it is also the schema of something in it
    groups: Groups = []
    root = _without(document["$defs"][name], groups)
    parts = [_without(part, groups) for part in document["allOf"]]
    return {**document, "$defs": {**document["$defs"], name: root}, "allOf": parts, PRESENT: groups}


def _without(schema: Schema, groups: Groups) -> Schema:
    """The schema of an object without what it asks to be there; that is added to the groups."""
    made = dict(schema)
    groups += [[name] for name in made.pop("required", ())]
    if "allOf" in made:
        made["allOf"] = list(_parts(made["allOf"], groups)) or [{}]
    ways = made.get("anyOf")
    if ways and all(way.keys() == {"required"} and len(way["required"]) == 1 for way in ways):
        groups.append([way["required"][0] for way in made.pop("anyOf")])
    return made


def _parts(parts: list[Any], groups: Groups) -> Iterator[Schema]:
    for part in parts:
        rest = _without(part, groups)
        if rest:
            yield rest
