"""FHIR types as Shapes: the snapshots of hl7.fhir.r4.core's types, compiled when first asked for.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import Any, Protocol, cast, get_args

from gateway.errors import BadProfile
from gateway.fhirpath.model import type_code
from gateway.validation.compiled import Binding, Constraint, Count, Json, Member, Shape, Strength

CORE = "http://hl7.org/fhir/StructureDefinition/"
MAX_VALUE_SET = CORE + "elementdefinition-maxValueSet"
BEST_PRACTICE = CORE + "elementdefinition-bestpractice"
ADDITIONAL = (
    "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
    CORE + "additional-binding",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
)
_STRENGTHS = get_args(Strength)
MOST_NAMES = 2_000
"""Names remembered, known and unknown ones; R4 has about 220 types, and instances may make up any number."""
MAX_NAME = 100
"""Longer names are no FHIR types, and are not remembered."""
INHERITED = frozenset(("ele-1", "ext-1"))
"""Every element repeats these; they are checked once, natively."""


class Structures(Protocol):
    """Where StructureDefinitions come from."""

    def structure(self, canonical: str) -> Json | None:
        """The definition for `url` or `url|version`, with a snapshot; None if there is none."""


class Shapes:
    """Shapes by type name, compiled on first use and kept."""

    def __init__(self, definitions: Structures) -> None:
        self._definitions = definitions
        self._known: dict[str, Shape | None] = {}
        self._compiling = RLock()
        """Each type has one Shape, whichever threads ask first: others remember it by its identity."""

    def find(self, name: str) -> Shape | None:
        """The shape of a FHIR type, or None when R4 has no such type."""
        try:
            return self._known[name]
        except KeyError:
            if len(name) > MAX_NAME:
                return None
            with self._compiling:
                return self._known[name] if name in self._known else self._first(name)

    def _first(self, name: str) -> Shape | None:
        if len(self._known) > MOST_NAMES:
            self._known = {known: shape for known, shape in self._known.items() if shape is not None}
        definition = self._definitions.structure(f"{CORE}{name}|4.0.1") if name.isalnum() else None
        found = None
        if definition and definition.get("derivation") != "constraint" and definition.get("kind") != "logical":
            found = self._compile(definition)
        self._known[name] = found
        return found

    def __getitem__(self, name: str) -> Shape:
        shape = self.find(name)
        if shape is None:
            raise BadProfile(f"There is no FHIR type '{name[:64]}' in hl7.fhir.r4.core.")
        return shape

    def _compile(self, definition: Json) -> Shape:
        elements = definition["snapshot"]["element"]
        kinds = {"resource": "resource", "primitive-type": "primitive"}
        shapes: dict[str, Shape] = {}
        parents = {e["path"].rpartition(".")[0] for e in elements}
        for element in elements:
            path = element["path"]
            if path in parents or "." not in path:
                shapes[path] = Shape(path, "backbone", definition["url"])
        root = shapes[elements[0]["path"]]
        root.kind = kinds.get(definition["kind"], "complex")  # type: ignore[assignment]
        root.abstract = bool(definition.get("abstract"))
        root.constraints = constraints(elements[0])
        root.ancestors = self._ancestors(definition)
        if root.kind == "resource":
            root.members["resourceType"] = Member("resourceType", "", root.name, "resourceType", "code")
        for element in elements[1:]:
            self._add(shapes, element)
        return root

    def _ancestors(self, definition: Json) -> tuple[str, ...]:
        found: list[str] = []
        base = definition.get("baseDefinition")
        while base and len(found) < 10:
            found.append(base.rpartition("/")[2])
            above = self._definitions.structure(base)
            base = above.get("baseDefinition") if above else None
        return tuple(found)

    def _add(self, shapes: dict[str, Shape], element: Json) -> None:
        path: str = element["path"]
        parent_path, _, name = path.rpartition(".")
        parent = shapes[parent_path]
        many = element["max"] not in ("0", "1")
        names = []
        for member in _members(element, name, many=many):
            reference = element.get("contentReference")
            if reference:
                member.shape = shapes[reference.rpartition("#")[2]]
            elif path in shapes:
                member.shape = shapes[path]
                member.type = element["type"][0]["code"]
                member.constraints, member.shape.constraints = (), member.constraints
            parent.members[member.name] = member
            names.append(member.name)
        limit = None if element["max"] == "*" else int(element["max"])
        parent.counts += (Count(name, tuple(names), element["min"], limit),)


def _members(element: Json, name: str, *, many: bool) -> Iterable[Member]:
    types = element.get("type") or [{"code": "BackboneElement"}]
    for entry in types:
        code = type_code(entry)
        label, json_name = name, name
        if name.endswith("[x]"):
            json_name = name[:-3] + code[:1].upper() + code[1:]
            label = f"{name[:-3]}.ofType({code})"
        yield Member(
            name=json_name,
            label=label,
            path=element["path"],
            group=name,
            type="id" if element.get("base", {}).get("path") == "Resource.id" else code,
            many=many,
            binding=binding(element),
            targets=tuple(t.rpartition("/")[2] for t in entry.get("targetProfile", ())),
            profiles=tuple(entry.get("profile", ())),
            constraints=constraints(element),
            attribute="xmlAttr" in element.get("representation", ()),
            max_length=element.get("maxLength"),
        )


def constraints(element: Json) -> tuple[Constraint, ...]:
    """The invariants said at an element, without those that every element inherits."""
    return tuple(
        Constraint(
            key=_text(entry["key"]),
            severity="warning" if entry.get("severity") == "warning" else "error",
            human=_text(entry.get("human", "")),
            expression=_text(entry["expression"]),
            source=_text(entry.get("source", "")),
            best_practice=any(e.get("url") == BEST_PRACTICE for e in entry.get("extension", ())),
        )
        for entry in element.get("constraint", ())
        if entry.get("key") not in INHERITED and entry.get("expression")
    )


def binding(element: Json) -> Binding | None:
    """The binding of an element, or None where it names no value set."""
    bound: Json | None = element.get("binding")
    if not bound or (not bound.get("valueSet") and not bound.get("extension")):
        return None
    maximum = None
    extra: list[tuple[str, str]] = []
    for extension in bound.get("extension", ()):
        if extension.get("url") == MAX_VALUE_SET:
            maximum = extension.get("valueCanonical") or extension.get("valueUri")
        elif extension.get("url") in ADDITIONAL:
            extra.extend(_additional(extension))
    extra += [(a["purpose"], a["valueSet"]) for a in bound.get("additional", ()) if not a.get("usage")]
    if not (bound.get("valueSet") or maximum or extra):
        return None
    said = tuple((_text(purpose), _text(value_set)) for purpose, value_set in extra)
    return Binding(_strength(bound["strength"]), _text(bound.get("valueSet", "")), maximum and _text(maximum), said)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("text is meant")
    return value


def _strength(value: Any) -> Strength:
    if value not in _STRENGTHS:
        raise ValueError("a binding has no such strength")
    return cast(Strength, value)


def _additional(extension: Json) -> Iterable[tuple[str, str]]:
    parts: dict[str, Any] = {}
    for part in extension.get("extension", ()):
        value = next((v for k, v in part.items() if k.startswith("value")), None)
        parts[part.get("url", "")] = value
    if "purpose" in parts and "valueSet" in parts and "usage" not in parts:
        yield parts["purpose"], parts["valueSet"]
