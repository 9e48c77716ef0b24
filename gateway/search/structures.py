"""FHIR's types as search parameters need them: which members a type has and what types those may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from gateway.fhirpath.model import type_code

Json = dict[str, Any]


class Structures:
    """Members by type, read from StructureDefinition snapshots as they are asked for."""

    def __init__(self, structure: Callable[[str], Json | None]) -> None:
        """`structure` gives the base definition of a type, with its snapshot, or None."""
        self._structure = structure
        self._members = cache(self._read)
        self._bound: dict[str, str] = {}

    def elements(self, type: str) -> Mapping[str, Sequence[str]]:
        """Members of a type or backbone path with their types; see `gateway.search.paths.Model`."""
        return self._members(type.partition(".")[0]).get(type, {})

    def value_set(self, type: str, members: Sequence[str]) -> str | None:
        """The value set that the element at the end of `members` is bound to, where it is required."""
        at, path = type, type
        for member in members:
            path = f"{at}.{member}"
            at = next(iter(self.elements(at).get(member, ())), "")
        return self._bound.get(path)

    def _read(self, root: str) -> dict[str, dict[str, list[str]]]:
        definition = self._structure(root)
        found: dict[str, dict[str, list[str]]] = {root: {}}
        for element in (definition or {}).get("snapshot", {}).get("element", ()):
            path: str = element["path"]
            parent, dot, name = path.rpartition(".")
            if dot and "sliceName" not in element:
                found.setdefault(parent, {})[name] = _types(element, path)
                binding = element.get("binding", {})
                if binding.get("strength") == "required" and "valueSet" in binding:
                    self._bound[path] = binding["valueSet"]
        return found


def _types(element: Json, path: str) -> list[str]:
    if "contentReference" in element:
        return [element["contentReference"].partition("#")[2]]
    codes = [type_code(kind) for kind in element.get("type", ())]
    return [path if code in ("BackboneElement", "Element") else code for code in codes]
