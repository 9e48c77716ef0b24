"""Profiles: the snapshot of a StructureDefinition compiled to what it asks beyond the type it constrains.

https://hl7.org/fhir/R4/profiling.html. A profile that cannot be compiled raises BadProfile naming profile and element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gateway.errors import BadProfile
from gateway.fhirpath.model import type_code
from gateway.validation.compiled import (
    MISSING,
    PRIMITIVES,
    Binding,
    Discriminator,
    Json,
    Member,
    Profile,
    Rules,
    Shape,
    Slicing,
    TypeRule,
)
from gateway.validation.discriminators import criteria
from gateway.validation.element_extensions import extras
from gateway.validation.errata import corrected_binding
from gateway.validation.fhir_versions import meant_for_r4
from gateway.validation.shapes import CORE, Shapes, binding, constraints
from gateway.validation.snapshot_tree import Node, tree

IMPOSE = CORE + "structuredefinition-imposeProfile"
_STRENGTH = {"example": 0, "preferred": 1, "extensible": 2, "required": 3}
_ABSTRACT = frozenset(("Resource", "DomainResource", "Element", "BackboneElement"))
Lookup = Callable[[str], Json | None]


def compile_profile(definition: Json, *, shapes: Shapes, structure: Lookup) -> Profile:
    """Compile a StructureDefinition that has a snapshot. `structure` finds others as seen from its package."""
    url = str(definition.get("url", ""))
    try:
        return _Compiler(definition, shapes, structure).profile()
    except BadProfile:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise BadProfile(f"{url} does not have the form of a StructureDefinition ({type(error).__name__}).") from None


class _Compiler:
    def __init__(self, definition: Json, shapes: Shapes, structure: Lookup) -> None:
        self.definition = definition
        self.shapes = shapes
        self.structure = structure
        version = definition.get("version")
        self.canonical = f"{definition['url']}|{version}" if version else definition["url"]

    def profile(self) -> Profile:
        definition = self.definition
        contexts = definition.get("context", ())
        here = [one for one in contexts if meant_for_r4(one)]
        root = tree(definition)
        shape = self.shapes[definition["type"].rpartition("/")[2]]
        rules = self._rules(root, None)
        known = {c.expression for c in shape.constraints}
        rules.constraints = tuple(c for c in constraints(root.element) if c.expression not in known)
        if shape.kind != "resource":
            self._values(rules, root, longest=None, bound=None)
        self._children(rules, root, shape)
        return Profile(
            url=definition["url"],
            version=definition.get("version"),
            type=shape.name,
            rules=rules,
            base=definition.get("baseDefinition"),
            imposed=tuple(dict.fromkeys(self._imposed())),
            abstract=bool(definition.get("abstract")),
            derivation=definition.get("derivation"),
            contexts=tuple((c["type"], c["expression"]) for c in here),
            context_invariants=tuple(definition.get("contextInvariant", ())),
            for_r4=meant_for_r4(definition) and (bool(here) or not contexts),
            modifier=bool(root.element.get("isModifier")),
            most=None if root.element.get("max", "*") == "*" else int(root.element["max"]),
        )

    def _imposed(self) -> Iterator[str]:
        """The profiles that this one imposes, itself or by what it derives from."""
        definition: Json | None = self.definition
        seen: set[str] = set()
        while definition is not None and definition.get("derivation") == "constraint":
            yield from (e["valueCanonical"] for e in definition.get("extension", ()) if e.get("url") == IMPOSE)
            base = str(definition.get("baseDefinition", ""))
            if base in seen or (base.startswith(CORE) and self.shapes.find(base[len(CORE) :]) is not None):
                return
            seen.add(base)
            definition = self.structure(base)

    def _rules(self, node: Node, slice_name: str | None) -> Rules:
        name = node.name
        return Rules(
            id=node.id,
            profile=self.canonical,
            name=name.removesuffix("[x]"),
            path=node.path,
            choice=name.endswith("[x]"),
            slice_name=slice_name,
        )

    def _children(self, rules: Rules, node: Node, shape: Shape) -> None:
        for name, child in node.children.items():
            members = _members(shape, name)
            if not members:
                if shape.kind == "primitive" and name == "value":
                    continue
                raise BadProfile(f"{self.canonical}: {shape.name} has no element '{name}' ({child.id}).")
            try:
                made = self._element(child, members, shape)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                what = f"does not have the form of an ElementDefinition ({type(error).__name__})"
                raise BadProfile(f"{self.canonical}: the element {child.id} {what}.") from None
            if not made.empty:
                rules.children[name] = made

    def _element(self, node: Node, members: list[Member], parent: Shape) -> Rules:
        rules = self._rules(node, node.slice)
        element = node.element
        count = next((c for c in parent.counts if c.group == members[0].group), None)
        floor = 0 if node.slice or count is None or len(members) < len(count.names) else count.min
        limit = None if node.slice or count is None else count.max
        least, most = element.get("min", 0), element.get("max", "*")
        rules.min = least if least > floor else 0
        rules.max = int(most) if most != "*" and (limit is None or int(most) < limit) else None
        self._values(rules, node, longest=members[0].max_length, bound=members[0].binding)
        rules.types = self._types(node, members)
        inner = self._inner(node, members)
        if inner is not None:
            rules.constraints = _new_constraints(node, members, inner)
            self._children(rules, node, inner)
        self._slicing(rules, node, members, parent)
        return rules

    def _values(self, rules: Rules, node: Node, *, longest: int | None, bound: Binding | None) -> None:
        """What is asked of a value itself, beyond its length and binding in the type."""
        element = node.element
        for key, value in element.items():
            if key.startswith("fixed"):
                rules.fixed = value
            elif key.startswith("pattern"):
                rules.pattern = value
            elif key.startswith("minValue"):
                rules.min_value = (key[8:], value)
            elif key.startswith("maxValue"):
                rules.max_value = (key[8:], value)
        if element.get("maxLength", longest) != longest:
            rules.max_length = element["maxLength"]
        rules.must_have_value = bool(element.get("mustHaveValue"))
        rules.value_alternatives = tuple(element.get("valueAlternatives", ()))
        asked = corrected_binding(rules, binding(element))
        if asked and not _same_binding(asked, bound):
            rules.binding = asked
        extras(rules, element)

    def _types(self, node: Node, members: list[Member]) -> tuple[TypeRule, ...] | None:
        asked = node.element.get("type")
        if not asked or node.element.get("contentReference"):
            return None
        rules = tuple(
            TypeRule(
                code=type_code(entry),
                profiles=tuple(entry.get("profile", ())),
                targets=tuple(entry.get("targetProfile", ())),
                aggregation=tuple(entry.get("aggregation", ())),
                versioning=entry.get("versioning") if entry.get("versioning") != "either" else None,
            )
            for entry in asked
        )
        return None if _says_nothing(rules, members) else rules

    def _inner(self, node: Node, members: list[Member]) -> Shape | None:
        """The shape against which the node's children are read."""
        if members[0].shape is not None:
            return members[0].shape
        codes = [type_code(entry) for entry in node.element.get("type", ())]
        if len(set(codes)) == 1 and codes[0] not in ("Resource",):
            return self.shapes.find(codes[0])
        if len(members) == 1:
            return self.shapes.find(members[0].type)
        return self.shapes.find("Element")

    def _slicing(self, rules: Rules, node: Node, members: list[Member], parent: Shape) -> None:
        said = node.element.get("slicing")
        if not node.slices and not (said and said.get("rules") == "closed" and said.get("discriminator")):
            return
        said = said or {}
        discriminators = tuple(Discriminator(d["type"], d["path"]) for d in said.get("discriminator", ()))
        if not discriminators:
            discriminators = _implied(node, members)
        slicing = Slicing(discriminators, said.get("rules", "open"), bool(said.get("ordered")))
        for name, part in node.slices.items():
            made = self._element(part, members, parent)
            made.slice_name = name
            made.criteria = criteria(
                part, discriminators, where=self.canonical, shapes=self.shapes, structure=self.structure
            )
            slicing.slices.append(made)
        if self._matters(slicing):
            rules.slicing = slicing

    def _matters(self, slicing: Slicing) -> bool:
        return slicing.rules != "open" or any(not s.empty for s in slicing.slices)


def _members(shape: Shape, name: str) -> list[Member]:
    found = [m for m in shape.members.values() if m.group == name]
    if found:
        return found
    one = shape.members.get(name)
    return [one] if one is not None else []


def _implied(node: Node, members: list[Member]) -> tuple[Discriminator, ...]:
    """Extensions are sliced by url and choices by type even where a profile does not say so."""
    if members[0].type == "Extension":
        return (Discriminator("value", "url"),)
    if node.name.endswith("[x]"):
        return (Discriminator("type", "$this"),)
    return ()


def _same_binding(asked: Binding, base: Binding | None) -> bool:
    if base is None:
        return asked.strength == "example" and not asked.maximum and not asked.extra
    if asked.extra or asked.maximum not in (None, base.maximum):
        return False
    same = asked.value_set.partition("|")[0] == base.value_set.partition("|")[0]
    return same and _STRENGTH[asked.strength] <= _STRENGTH[base.strength]


def _new_constraints(node: Node, members: list[Member], inner: Shape) -> tuple[Any, ...]:
    known = {c.expression for c in inner.constraints}
    for member in members:
        known |= {c.expression for c in member.constraints}
    return tuple(c for c in constraints(node.element) if c.expression not in known)


def _says_nothing(rules: tuple[TypeRule, ...], members: list[Member]) -> bool:
    base = {m.type for m in members}
    codes = {r.code for r in rules}
    # a snapshot may repeat `id` elements with another primitive than core's
    id_like = len(base) == 1 and base <= {"id", "string"} and codes <= PRIMITIVES
    if codes != base and not id_like and not (codes <= _ABSTRACT and base <= _ABSTRACT):
        return False
    if any(r.aggregation or r.versioning for r in rules):
        return False
    if {p for r in rules for p in r.profiles} - {p for m in members for p in m.profiles}:
        return False
    targets = {t for r in rules for t in r.targets}
    known = {CORE + t for m in members for t in m.targets}
    return targets == known or not targets or targets == {CORE + "Resource"}


__all__ = ["MISSING", "compile_profile"]
