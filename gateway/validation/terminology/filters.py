"""Filters that choose codes of a code system. https://hl7.org/fhir/R4/valueset.html#compositions"""

from __future__ import annotations

from collections.abc import Callable

from gateway.validation.linear_regex import full_match
from gateway.validation.terminology.code_systems import CodeSystem, Concept
from gateway.validation.terminology.truth import Truth, any_of

_OWN = {"code", "concept", "display", "parent", "child"}
"""Properties that every code system has."""


def holds(system: CodeSystem, concept: Concept, *, prop: str, op: str, value: str) -> Truth:
    """Whether a concept passes a filter; None when the system's content does not say."""
    if op in _BY_HIERARCHY:
        anchor = system.find(value)
        return None if anchor is None else _BY_HIERARCHY[op](system, concept, anchor)
    known = prop in _OWN or prop in system.properties or prop in concept.properties
    if not known:
        return None
    values = _values(system, concept, prop)
    if op == "=":
        return any(system.same(item, value) if prop in ("code", "concept") else item == value for item in values)
    if op == "exists":
        return bool(values) == (value == "true")
    if op in ("in", "not-in"):
        wanted = {item.strip() for item in value.split(",")}
        return (not wanted.isdisjoint(values)) == (op == "in")
    if op == "regex":
        return any_of(full_match(value, item) for item in values)
    return None


def _values(system: CodeSystem, concept: Concept, prop: str) -> list[str]:
    if prop in ("code", "concept"):
        return [concept.code]
    if prop == "display":
        return list(concept.displays[:1])
    if prop == "parent":
        return [*concept.parents, *concept.properties.get("parent", ())]
    if prop == "child":
        return [*system.children(concept.code), *concept.properties.get("child", ())]
    return concept.properties.get(prop, [])


def _is_a(system: CodeSystem, concept: Concept, anchor: Concept) -> bool:
    return concept is anchor or system.descends(concept, anchor)


def _child_of(system: CodeSystem, concept: Concept, anchor: Concept) -> bool:
    return any(system.same(parent, anchor.code) for parent in concept.parents)


def _leaf_below(system: CodeSystem, concept: Concept, anchor: Concept) -> bool:
    return system.descends(concept, anchor) and not system.children(concept.code)


_BY_HIERARCHY: dict[str, Callable[[CodeSystem, Concept, Concept], bool]] = {
    "is-a": _is_a,
    "descendent-of": lambda system, concept, anchor: system.descends(concept, anchor),
    "is-not-a": lambda system, concept, anchor: not _is_a(system, concept, anchor),
    "generalizes": lambda system, concept, anchor: _is_a(system, anchor, concept),
    "child-of": _child_of,
    "descendent-leaf": _leaf_below,
}
