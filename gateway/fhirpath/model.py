"""What FHIRPath must know of FHIR types: which members each has, and of which type. Compiled per type when first asked.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

CORE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = CORE + "structuredefinition-fhir-type"
PRIMITIVES = frozenset(
    "boolean integer string decimal uri url canonical base64Binary instant date dateTime time code oid id markdown "
    "unsignedInt positiveInt uuid xhtml".split()
)
_BY_LOWER = {name.lower(): name for name in PRIMITIVES}
SYSTEM_TYPES = frozenset({"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"})
_PRIMITIVE_BASE = {
    "code": "string",
    "id": "string",
    "markdown": "string",
    "url": "uri",
    "canonical": "uri",
    "oid": "uri",
    "uuid": "uri",
    "unsignedInt": "integer",
    "positiveInt": "integer",
}


class Structures(Protocol):
    """Where StructureDefinitions come from (`gateway.packages.Definitions`)."""

    def structure(self, canonical: str) -> dict[str, Any] | None: ...


class Field(msgspec.Struct, frozen=True):
    """One JSON member of a type: its key (`valueQuantity`), FHIRPath name (`value`) and type (`Quantity`).

    The type of a backbone element is its path (`Patient.contact`)."""

    key: str
    name: str
    type: str
    many: bool

    @property
    def primitive(self) -> bool:
        return self.type in PRIMITIVES


class TypeInfo(msgspec.Struct, frozen=True):
    """A type's members, by JSON key and by element name (a choice has one field per type)."""

    name: str
    base: str | None
    kind: str
    by_key: Mapping[str, Field]
    by_name: Mapping[str, tuple[Field, ...]]


class Model:
    """Types by name, out of the StructureDefinitions of `structures`."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._known: dict[str, TypeInfo | None] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}

    def info(self, name: str) -> TypeInfo | None:
        """The type `name` (`Patient`, `HumanName`, `Patient.contact`), or None when there is none."""
        try:
            return self._known[name]
        except KeyError:
            self._load(name.partition(".")[0])
            return self._known.setdefault(name, None)

    def fields(self, type: str, name: str) -> tuple[Field, ...]:
        """The fields that `name` may mean on `type`: none, one, or the types of a choice."""
        info = self.info(type)
        return () if info is None else info.by_name.get(name, ())

    def is_resource(self, name: str) -> bool:
        info = self.info(name)
        return info is not None and info.kind == "resource"

    def ancestors(self, name: str) -> tuple[str, ...]:
        """`name` and the types it specializes, nearest first."""
        found = self._ancestors.get(name)
        if found is None:
            found = self._ancestors[name] = self._climb(name)
        return found

    def resolve(self, name: str) -> str | None:
        """The type that a type specifier means: `Patient`, `FHIR.Patient`, `System.String`; None if there is none.

        An unqualified name that FHIR lacks is a primitive written with a capital (`DateTime`), as the published
        invariants do; it comes back in FHIR's spelling.
        """
        space, _, rest = name.partition(".")
        if space == "System":
            return name if rest in SYSTEM_TYPES else None
        if space == "FHIR":
            name = rest
        if self.info(name) is not None:
            return name
        return _BY_LOWER.get(name.lower())

    def _climb(self, name: str) -> tuple[str, ...]:
        found = [name]
        while len(found) < 12:
            info = self.info(found[-1])
            base = _PRIMITIVE_BASE.get(found[-1]) or (info.base if info else None)
            if base is None:
                break
            found.append(base)
        return tuple(found)

    def _load(self, name: str) -> None:
        if not name.isalnum():
            return
        definition = self._structures.structure(CORE + name)
        if not definition or definition.get("derivation") == "constraint" or definition.get("kind") == "logical":
            self._known[name] = None
            return
        self._add(definition)

    def _add(self, definition: Mapping[str, Any]) -> None:
        elements = definition["snapshot"]["element"]
        paths = {element["path"] for element in elements}
        parents = {path.rpartition(".")[0] for path in paths}
        members: dict[str, list[Field]] = {path: [] for path in parents if path}
        root = elements[0]["path"]
        members.setdefault(root, [])
        for element in elements[1:]:
            parent, _, name = element["path"].rpartition(".")
            if definition["kind"] == "primitive-type" and name == "value":
                continue
            members[parent] += _fields(element, name, backbone=element["path"] in parents)
        for path, fields in members.items():
            by_name: dict[str, tuple[Field, ...]] = {}
            for field in fields:
                by_name[field.name] = (*by_name.get(field.name, ()), field)
            base = _base(definition) if path == root else _backbone_base(elements, path)
            kind = definition["kind"] if path == root else "backbone"
            self._known[path] = TypeInfo(path, base, kind, {f.key: f for f in fields}, by_name)


def _base(definition: Mapping[str, Any]) -> str | None:
    base = definition.get("baseDefinition")
    return str(base).rpartition("/")[2] if base else None


def _backbone_base(elements: list[dict[str, Any]], path: str) -> str:
    codes = [t["code"] for e in elements if e["path"] == path for t in e.get("type", ())]
    return codes[0] if codes else "BackboneElement"


def _fields(element: Mapping[str, Any], name: str, *, backbone: bool) -> list[Field]:
    many = (element.get("base", {}).get("max") or element["max"]) not in ("0", "1")
    if "contentReference" in element:
        return [Field(name, name, element["contentReference"].rpartition("#")[2], many)]
    if backbone:
        return [Field(name, name, element["path"], many)]
    types = [type_code(entry) for entry in element.get("type", ())]
    if name.endswith("[x]"):
        stem = name[:-3]
        return [Field(stem + code[:1].upper() + code[1:], stem, code, many) for code in dict.fromkeys(types)]
    if not types:
        return []
    is_resource_id = element.get("base", {}).get("path") == "Resource.id"
    return [Field(name, name, "id" if is_resource_id else types[0], many)]


def type_code(entry: Mapping[str, Any]) -> str:
    """The FHIR type of an ElementDefinition.type, also where it hides behind a FHIRPath system type."""
    code: str = entry.get("code", "")
    if not code.startswith("http://hl7.org/fhirpath/System."):
        return code
    for extension in entry.get("extension", ()):
        if extension.get("url") == FHIR_TYPE:
            return str(extension.get("valueUrl") or extension.get("valueUri") or "string")
    bare = code.rpartition(".")[2]
    return bare[:1].lower() + bare[1:]
