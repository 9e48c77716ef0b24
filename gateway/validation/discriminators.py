"""Discriminators resolved: what an item must show to belong to a slice.

https://hl7.org/fhir/R4/profiling.html#discriminator. The path is followed through the slice's own elements, then
through the profiles and types they name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.errors import BadProfile
from gateway.fhirpath.model import type_code
from gateway.validation.compiled import ANY_RESOURCE, MISSING, Criterion, Discriminator, Json
from gateway.validation.shapes import CORE, Shapes, binding
from gateway.validation.snapshot_tree import Node, tree

Lookup = Callable[[str], Json | None]
Steps = tuple[tuple[str, str], ...]

_KINDS = frozenset(("value", "pattern", "exists", "type", "profile"))
_URL = (("member", "url"),)
_STEP = re.compile(
    r"""\s*(?:(?P<resolve>resolve\(\s*\))|ofType\(\s*(?P<type>[\w.]+)\s*\)|as\(\s*(?P<as>[\w.]+)\s*\)
    |extension\(\s*(?P<quote>['"])(?P<url>[^'"]*)(?P=quote)\s*\)|(?P<this>\$this)|(?P<name>[A-Za-z_]\w*(?:\[x\])?))\s*(?:\.|$)""",
    re.VERBOSE,
)


def steps(path: str) -> Steps:
    """`code.coding.resolve().ofType(X)` as steps; ValueError where the path is none that discriminators may have."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if not match or match.end() == at:
            raise ValueError("not a discriminator path")
        at = match.end()
        if match["resolve"]:
            found.append(("resolve", ""))
        elif match["type"] or match["as"]:
            found.append(("ofType", match["type"] or match["as"]))
        elif match["url"]:
            found.append(("extension", match["url"]))
        elif match["name"]:
            found.append(("member", match["name"].removesuffix("[x]")))
    return tuple(found)


def criteria(
    part: Node, rules: Sequence[Discriminator], *, where: str, shapes: Shapes, structure: Lookup
) -> tuple[Criterion, ...]:
    """What slice `part` asks by its discriminators. One by which it says nothing, or just that something is there, is
    left out where others tell the slice (as HL7's validator has it); BadProfile where none does."""
    found = [_criterion(part, rule, where=where, shapes=shapes, structure=structure) for rule in rules]
    strong = tuple(one for one in found if one is not None)
    if strong or not rules:
        return strong
    finder = _Finder(shapes, structure)
    for rule in rules:
        if any(n is not part and n.element.get("min", 0) > 0 for n in finder.follow(part, steps(rule.path))):
            return (Criterion(rule.path, steps(rule.path), "exists", True),)
    paths = " or ".join(f"'{rule.path}'" for rule in rules)
    raise BadProfile(
        f"{where}: slice {part.id} says nothing at {paths} by which its items can be told "
        f"(a fixed value, a pattern, a required binding, or presence)."
    )


def _criterion(part: Node, rule: Discriminator, *, where: str, shapes: Shapes, structure: Lookup) -> Criterion | None:
    """What slice `part` asks by one discriminator; None where its elements say nothing by which it could be told."""
    try:
        path = steps(rule.path)
    except ValueError:
        raise BadProfile(f"{where}: discriminator path '{rule.path}' cannot be read ({part.id}).") from None
    if rule.kind not in _KINDS:
        raise BadProfile(f"{where}: R4 has no discriminator type '{rule.kind}' ({part.id}).")
    finder = _Finder(shapes, structure)
    found = finder.follow(part, path)
    if any(node is not part and node.element.get("max") == "0" for node in found):
        return Criterion(rule.path, path, "exists", False)
    if rule.kind == "type":
        codes = finder.pointed(found) if path and path[-1][0] == "resolve" else _types(part, found, path)
        return Criterion(rule.path, path, "type", codes)
    if rule.kind == "profile":
        return Criterion(rule.path, path, "profile", _profiles(part, found, path))
    if rule.kind == "exists":
        return Criterion(rule.path, path, "exists", True)
    for node in found:
        test = _value_test(node, finder)
        if test:
            return Criterion(rule.path, path, test[0], test[1])
    above = _said_above(part, path)
    if above is not None:
        return Criterion(rule.path, path, "pattern", above)
    url = _named(part) if path == _URL else None
    if url is not None:
        return Criterion(rule.path, path, "fixed", url)
    codes = tuple(sorted({type_code(t) for n in found for t in n.element.get("type", ())}))
    if codes and part.name.endswith("[x]"):
        return Criterion(rule.path, path, "type", codes)
    return None


def _named(part: Node) -> str | None:
    """The url of the one extension that a slice means, whose definition is not at hand."""
    profiles = {p for t in part.element.get("type", ()) if type_code(t) == "Extension" for p in t.get("profile", ())}
    return profiles.pop().partition("|")[0] if len(profiles) == 1 else None


def _said_above(part: Node, path: Steps) -> Any:
    """What a pattern of the slice itself says at the end of the path (SDOHCC ServiceRequest.orderDetail does so)."""
    said = next((v for k, v in part.element.items() if k.startswith(("fixed", "pattern"))), None)
    for kind, name in path:
        said = said.get(name) if kind == "member" and isinstance(said, dict) else None
        if isinstance(said, list):
            said = said[0] if len(said) == 1 else None
    return said if path else None


def _value_test(node: Node, finder: _Finder) -> tuple[Any, Any] | None:
    for key, value in node.element.items():
        if key.startswith("fixed") and not isinstance(value, dict):
            return "fixed", value
        if key.startswith(("fixed", "pattern")):  # what is beside a fixed code does not make it another slice
            return "pattern", value
    parts = tuple(_parts(node, ()))
    if parts:
        return "parts", parts
    bound = binding(node.element)
    if bound and bound.strength == "required" and bound.value_set:
        return "binding", bound.value_set
    return None


def _parts(node: Node, above: Steps) -> Iterator[tuple[Steps, str, Any]]:
    """Fixed values and patterns of the mandatory elements below `node`, and of their slices' only one."""
    for name, child in node.children.items():
        here = (*above, ("member", name.removesuffix("[x]")))
        for candidate in (child, *(s for s in child.slices.values() if s.element.get("min", 0) > 0)):
            said = next(((k, v) for k, v in candidate.element.items() if k.startswith(("fixed", "pattern"))), None)
            if said:
                yield here, "fixed" if said[0].startswith("fixed") else "pattern", said[1]
            else:
                yield from _parts(candidate, here)


def _types(part: Node, found: list[Node], path: Steps) -> tuple[str, ...]:
    codes: list[str] = []
    asked = [node for node in found if node.slice and node.name.endswith("[x]")]
    only = [n for node in found if node.name.endswith("[x]") and len(node.slices) == 1 for n in node.slices.values()]
    for node in asked or only or found or [part]:  # a choice with one slice, or one that must be there, means its type
        for entry in node.element.get("type", ()):
            code = type_code(entry)
            profiles = entry.get("profile", ())
            if code in ANY_RESOURCE and profiles:
                codes += [p.rpartition("/")[2].partition("|")[0] for p in profiles if p.startswith(CORE)] or [code]
            else:
                codes.append(code)
    return tuple(dict.fromkeys(codes))


def _profiles(part: Node, found: list[Node], path: Steps) -> tuple[str, ...]:
    resolves = bool(path) and path[-1][0] == "resolve"
    canonicals: list[str] = []
    for node in found:
        for entry in node.element.get("type", ()):
            canonicals += entry.get("targetProfile" if resolves and type_code(entry) == "Reference" else "profile", ())
    return tuple(dict.fromkeys(canonicals))


class _Finder:
    """Follows a discriminator path from a slice to the elements that stand at its end."""

    def __init__(self, shapes: Shapes, structure: Lookup) -> None:
        self.shapes = shapes
        self.structure = structure

    def follow(self, node: Node, path: Steps) -> list[Node]:
        nodes = [node]
        for number, (kind, name) in enumerate(path):
            last = number == len(path) - 1
            if kind == "resolve":
                nodes = nodes if last else [n for node in nodes for n in self._targets(node)]
            elif kind == "extension":
                nodes = [e for n in nodes for e in self._extension(n, name)]
            elif kind == "member":
                nodes = [c for n in nodes for c in self._child(n, name)]
        return nodes

    def _child(self, node: Node, name: str) -> list[Node]:
        for key in (name, name + "[x]"):
            if key in node.children:
                child = node.children[key]
                required = [s for s in child.slices.values() if s.element.get("min", 0) > 0]
                return [child, *required]
        found: list[Node] = []
        for entry in node.element.get("type", ()):
            for canonical in (*entry.get("profile", ()), type_code(entry)):
                definition = self.structure(canonical)
                if definition:
                    found += self._child(tree(definition), name)
                    break
        return found

    def _extension(self, node: Node, url: str) -> list[Node]:
        for child in self._child(node, "extension"):
            for part in (child, *child.slices.values()):
                for entry in part.element.get("type", ()):
                    if any(p.partition("|")[0] == url for p in entry.get("profile", ())):
                        return [part]
                fixed = part.children.get("url")
                if fixed and fixed.element.get("fixedUri") == url:
                    return [part]
        return []

    def pointed(self, nodes: list[Node]) -> tuple[str, ...]:
        """The types of resource that references may point to; any where nothing is said."""
        codes: list[str] = []
        for node in nodes:
            for entry in node.element.get("type", ()):
                for canonical in entry.get("targetProfile", ()):
                    named = canonical.removeprefix(CORE).partition("|")[0]
                    definition = None if self.shapes.find(named) else self.structure(canonical)
                    codes.append(str(definition["type"]) if definition else named)
        return tuple(dict.fromkeys(codes)) or ("Resource",)

    def _targets(self, node: Node) -> list[Node]:
        found: list[Node] = []
        for entry in node.element.get("type", ()):
            for canonical in entry.get("targetProfile", ()):
                definition = self.structure(canonical)
                if definition:
                    found.append(tree(definition))
        return found


__all__ = ["MISSING", "criteria", "steps"]
