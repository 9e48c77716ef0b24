"""Definitions: every structure, value set, code system and search parameter at hand, found by canonical.

    definitions = Definitions.load(["hl7.fhir.us.core#6.1.0", "some/package.tgz"], resources=[structure_definition])
    definitions.structure("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0")

R4 core and HL7 terminology are always there. A canonical with `|version` finds just that version (`|6.1` finds the
newest 6.1.x). One without is looked for in the `scope` it is read in (`name#version` of the package that holds the
reference, see `scope_of`) and in what that package depends on; else what was loaded last wins. A loose definition
wins over all. What is returned is shared: do not change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

from gateway.errors import BadProfile
from gateway.packages.facts import Entry
from gateway.packages.shelf import LOOSE, LooseDefinitions, Shelf, newest, open_packages
from gateway.packages.snapshot import with_snapshot

Json = dict[str, Any]

PUBLISHED = Path(__file__).parents[2] / "profiles" / "published"
"""Where condensed packages lie in a checkout; an installed gateway has them under `_data`."""
TYPE_BASE = "http://hl7.org/fhir/StructureDefinition/"
_TERMINOLOGY = "http://terminology.hl7.org/"
_REMEMBERED = 128
"""Definitions kept parsed at a time."""


def published_folder() -> Path:
    """The folder of condensed packages that came with this gateway."""
    installed = Path(__file__).parents[1] / "_data" / "profiles" / "published"
    return PUBLISHED if PUBLISHED.is_dir() else installed


class Definitions:
    """What is known of FHIR here. Build it with `load`."""

    def __init__(self, shelves: Sequence[Shelf], *, missing: Iterable[str] = ()) -> None:
        self._shelves = {shelf.id: shelf for shelf in shelves}
        self.packages: tuple[str, ...] = tuple(shelf.id for shelf in shelves)
        """`name#version` of everything loaded, first to last; loose definitions are `loose`."""
        self.missing: tuple[str, ...] = tuple(sorted(missing))
        """Dependencies (`name#version`) that are not at hand: what they define is unknown here."""
        self.fingerprint: str = hashlib.sha256("\n".join(shelf.digest for shelf in shelves).encode()).hexdigest()
        """Changes when any definition changes."""
        self._by_url: dict[tuple[str, str], list[tuple[Shelf, Entry]]] = {}
        for shelf in shelves:
            for entry in shelf.index:
                self._by_url.setdefault((entry.type, entry.url), []).append((shelf, entry))
        self._kinds: dict[str, frozenset[str]] = {}
        for type_, url in self._by_url:
            self._kinds[url] = self._kinds.get(url, frozenset()) | {type_}
        self._parsed: dict[tuple[str, str, str, str], Json] = {}
        self._whole: dict[str, str] | None = None
        self._supplements: dict[str, list[Json]] | None = None
        self._generating: set[tuple[str, str, str]] = set()
        self._making = RLock()

    @classmethod
    def load(
        cls,
        packages: str | Path | Iterable[str | Path] = (),
        *,
        folder: Path | None = None,
        resources: Iterable[Json | bytes] = (),
    ) -> Definitions:
        """Open packages (condensed ones by `name#version`, or paths of a .tgz, .facts or folder) and loose definitions.

        Raises BadPackage for what cannot be found or read, listing nothing half-loaded.
        """
        named = [packages] if isinstance(packages, str | Path) else packages
        opened, missing = open_packages(named, folder or published_folder())
        loose = LooseDefinitions(resources)
        return cls([*opened, *([loose] if loose.index else [])], missing=missing)

    # Lookups

    def structure(self, canonical: str, *, scope: str | None = None) -> Json | None:
        """The StructureDefinition, always with a snapshot. `Patient` means the type of that name.

        Raises BadProfile when it has only a differential from which no snapshot can be made.
        """
        found = self._find("StructureDefinition", _full(canonical), scope)
        if found is None:
            return None
        shelf, entry = found
        definition = self._read(shelf, entry)
        if definition.get("snapshot", {}).get("element"):
            return definition
        with self._making:
            return self._with_snapshot(shelf, entry, definition)

    def value_set(self, canonical: str, *, scope: str | None = None) -> Json | None:
        return self.get("ValueSet", canonical, scope=scope)

    def code_system(self, canonical: str, *, scope: str | None = None) -> Json | None:
        return self.get("CodeSystem", canonical, scope=scope)

    def search_parameters(self, base: str) -> list[Json]:
        """Search parameters that apply to a resource type by name (`Resource` and `DomainResource` are not implied).

        One per canonical: the version loaded last.
        """
        chosen: dict[str, tuple[Shelf, Entry]] = {}
        for (kind, url), candidates in self._by_url.items():
            if kind == "SearchParameter" and base in candidates[-1][1].base:
                chosen[url] = candidates[-1]
        return [self._read(*chosen[url]) for url in sorted(chosen)]

    def get(self, type: str, canonical: str, *, scope: str | None = None) -> Json | None:
        """Any definition by resource type and canonical, as it was published (a structure may lack its snapshot)."""
        found = self._find(type, canonical, scope)
        return None if found is None else self._read(*found)

    def find(self, type: str, canonical: str, *, scope: str | None = None) -> Entry | None:
        """What the index says of a definition, without reading it."""
        found = self._find(type, _full(canonical) if type == "StructureDefinition" else canonical, scope)
        return None if found is None else found[1]

    def every(self, type: str, url: str) -> list[Json]:
        """Every definition at hand of a url without version, whatever package it is in."""
        return [self._read(shelf, entry) for shelf, entry in self._by_url.get((type, url), ())]

    def kinds(self, canonical: str) -> frozenset[str]:
        """The types of resource that have a canonical, whatever its version; none where it is not known."""
        return self._kinds.get(canonical.partition("|")[0], frozenset())

    def scope_of(self, type: str, canonical: str, *, scope: str | None = None) -> str | None:
        """`name#version` of the package where a definition was found: the scope of the references inside it."""
        found = self._find(type, _full(canonical) if type == "StructureDefinition" else canonical, scope)
        return None if found is None else found[0].id

    def code_system_of(self, value_set: str) -> str | None:
        """The code system whose definition names `value_set` as the set of all its codes."""
        if self._whole is None:
            self._whole = {entry.of.partition("|")[0]: entry.url for _, entry in self.entries("CodeSystem") if entry.of}
        return self._whole.get(value_set)

    def supplements(self, system: str) -> list[Json]:
        """Code systems that supplement the code system `system`."""
        if self._supplements is None:
            found: dict[str, list[Json]] = {}
            for definition in self.resources("CodeSystem", lambda entry: entry.kind == "supplement"):
                url = definition.get("supplements", "").partition("|")[0]
                found.setdefault(url, []).append(definition)
            self._supplements = found
        return self._supplements.get(system, [])

    def entries(self, type: str) -> Iterator[tuple[str, Entry]]:
        """Every definition of a resource type as (scope, index row), in the order of loading."""
        for shelf in self._shelves.values():
            for entry in shelf.index:
                if entry.type == type:
                    yield shelf.id, entry

    def resources(self, type: str, wanted: Callable[[Entry], bool] | None = None) -> Iterator[Json]:
        """Every definition of a resource type, one at a time; `wanted` chooses by index row."""
        for scope, entry in self.entries(type):
            if wanted is None or wanted(entry):
                yield self._read(self._shelves[scope], entry)

    def types(self, kind: str) -> list[str]:
        """Names of base types: `kind` is `primitive-type`, `complex-type` or `resource`; abstract ones included."""
        return sorted(
            entry.of
            for _, entry in self.entries("StructureDefinition")
            if entry.kind.split("/")[0] == kind and entry.url == TYPE_BASE + entry.of
        )

    def forget(self) -> None:
        """Let go of parsed definitions, once everything is compiled."""
        self._parsed.clear()
        for shelf in self._shelves.values():
            shelf.forget()

    # How

    def _find(self, type: str, canonical: str, scope: str | None) -> tuple[Shelf, Entry] | None:
        url, _, version = canonical.partition("#")[0].partition("|")
        candidates = self._by_url.get((type, url))
        if not candidates:
            return None
        if version:
            return newest(candidates, version)
        if scope is not None and not url.startswith(_TERMINOLOGY) and candidates[-1][0].id != LOOSE:
            for near in self._reach(scope):
                for shelf, entry in reversed(candidates):
                    if shelf.id == near:
                        return shelf, entry
        return candidates[-1]

    def _reach(self, scope: str) -> Sequence[str]:
        shelf = self._shelves.get(scope)
        return shelf.reach if shelf is not None else ()

    def _read(self, shelf: Shelf, entry: Entry) -> Json:
        key = (shelf.id, entry.type, entry.url, entry.version)
        found = self._parsed.get(key)
        if found is None:
            found = self._remember(key, shelf.read(entry))
        return found

    def _remember(self, key: tuple[str, str, str, str], definition: Json) -> Json:
        if len(self._parsed) >= _REMEMBERED:
            self._parsed.clear()
        self._parsed[key] = definition
        return definition

    def _with_snapshot(self, shelf: Shelf, entry: Entry, definition: Json) -> Json:
        key = (shelf.id, entry.url, entry.version)
        if key in self._generating:
            raise BadProfile(f"{entry.url} is its own base, directly or through others.")
        self._generating.add(key)
        try:
            made = with_snapshot(definition, structure=lambda url: self.structure(url, scope=shelf.id))
        finally:
            self._generating.discard(key)
        return self._remember((shelf.id, entry.type, entry.url, entry.version), made)


def _full(canonical: str) -> str:
    name = canonical.partition("|")[0]
    return canonical if ":" in name else TYPE_BASE + canonical
