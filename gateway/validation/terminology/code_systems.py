"""Code systems at hand: their concepts, hierarchy and properties, and what can be said of a code.

https://hl7.org/fhir/R4/codesystem.html. A system whose content is complete decides every code; of a fragment, an
example or a system without content a code that is not listed stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

Json = dict[str, Any]

MAX_CONCEPTS = 500_000
"""Concepts read of one code system; what lies beyond stays unknown. HL7's largest has about 5,000."""
_ANCHORS = 64
"""Codes whose descendants are kept at a time."""
_PARENTS = {"parent", "subsumedBy", "subsumed-by"}
_INACTIVE_STATUS = {"retired", "inactive"}
_GROWING = frozenset(("http://dicom.nema.org/resources/ontology/DCM",))
"""Code systems of others, of which R4 core has a copy that is not complete any more."""


class Concept(msgspec.Struct):
    """One code with its accepted displays, properties as texts, and parents."""

    code: str
    displays: tuple[str, ...]
    properties: dict[str, list[str]] = {}
    parents: list[str] = []

    @property
    def inactive(self) -> bool:
        if "true" in self.properties.get("inactive", ()):
            return True
        return not _INACTIVE_STATUS.isdisjoint(self.properties.get("status", ()))

    @property
    def abstract(self) -> bool:
        return any("true" in self.properties.get(name, ()) for name in ("notSelectable", "abstract"))


class CodeSystem:
    """A CodeSystem resource made ready for questions."""

    def __init__(self, resource: Json, *, supplements: Iterable[Json] = ()) -> None:
        self.url: str = resource.get("url", "")
        self.version: str = resource.get("version", "")
        self.case_sensitive: bool = resource.get("caseSensitive") is True
        """Where a system does not say, case is ignored: that never makes a right code wrong."""
        listed = resource.get("content") == "complete" and resource.get("compositional") is not True
        self.complete: bool = listed and self.url not in _GROWING
        self.properties: frozenset[str] = frozenset(
            item.get("code", "") for part in ("property", "filter") for item in resource.get(part, ())
        )
        self._concepts: dict[str, Concept] = {}
        self._children: dict[str, list[str]] | None = None
        self._below: dict[str, frozenset[str]] = {}
        for count, (item, parent) in enumerate(_walk(resource.get("concept", ()))):
            if count >= MAX_CONCEPTS:
                self.complete = False
                break
            self._add(item, parent)
        for concept in self:
            for child in concept.properties.get("child", ()):
                below = self.find(child)
                if below is not None:
                    below.parents.append(concept.code)
        for supplement in supplements:
            self._supplement(supplement)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def find(self, code: str) -> Concept | None:
        return self._concepts.get(self._key(code))

    def has(self, code: str) -> bool | None:
        """Whether `code` is one of the system's; None when it is not listed and the list is not complete."""
        if self._key(code) in self._concepts:
            return True
        return False if self.complete else None

    def same(self, one: str, other: str) -> bool:
        return self._key(one) == self._key(other)

    def descends(self, concept: Concept, anchor: Concept) -> bool:
        """Whether `anchor` is somewhere above `concept`; cycles are harmless."""
        below = self._below.get(anchor.code)
        if below is None:
            if len(self._below) >= _ANCHORS:
                self._below.clear()
            below = self._below[anchor.code] = self._descendants(anchor)
        return concept.code in below

    def _descendants(self, anchor: Concept) -> frozenset[str]:
        found: set[str] = set()
        waiting = [anchor.code]
        while waiting:
            fresh = [code for code in self.children(waiting.pop()) if code not in found]
            found.update(fresh)
            waiting += fresh
        return frozenset(found)

    def children(self, code: str) -> list[str]:
        if self._children is None:
            children: dict[str, list[str]] = {}
            for concept in self:
                for parent in concept.parents:
                    children.setdefault(self._key(parent), []).append(concept.code)
            self._children = children
        return self._children.get(self._key(code), [])

    def _key(self, code: str) -> str:
        return code if self.case_sensitive else code.casefold()

    def _add(self, item: Json, parent: str | None) -> None:
        code = item.get("code")
        if not isinstance(code, str):
            self.complete = False
            return
        concept = Concept(code, _displays(item))
        for prop in item.get("property", ()):
            name = prop.get("code", "")
            value = _text(prop)
            if name in _PARENTS:
                concept.parents.append(value)
            concept.properties.setdefault(name, []).append(value)
        if parent is not None:
            concept.parents.append(parent)
        self._concepts.setdefault(self._key(code), concept)

    def _supplement(self, resource: Json) -> None:
        for item, _ in _walk(resource.get("concept", ())):
            concept = self.find(item.get("code", ""))
            if concept is not None:
                concept.displays += _displays(item)


def _walk(concepts: Iterable[Json]) -> Iterator[tuple[Json, str | None]]:
    """Concepts and the code each lies under; deep nesting costs no stack."""
    waiting: list[tuple[Json, str | None]] = [(item, None) for item in reversed(list(concepts))]
    while waiting:
        item, parent = waiting.pop()
        yield item, parent
        waiting += [(below, item.get("code")) for below in reversed(item.get("concept", ()))]


def _displays(item: Json) -> tuple[str, ...]:
    listed = [item.get("display"), *(designation.get("value") for designation in item.get("designation", ()))]
    return tuple(text for text in listed if isinstance(text, str))


def _text(prop: Json) -> str:
    for name, value in prop.items():
        if name == "valueBoolean":
            return "true" if value else "false"
        if name == "valueCoding":
            return str(value.get("code", ""))
        if name.startswith("value"):
            return str(value)
    return ""
