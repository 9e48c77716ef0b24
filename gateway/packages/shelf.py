"""Where definitions stand before they are looked up: opened packages with their dependencies, and loose definitions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.errors import BadPackage
from gateway.packages.condense import as_given
from gateway.packages.facts import SUFFIX, Entry, Package, describe, pack
from gateway.packages.source import read_source

Json = dict[str, Any]

CORE = "hl7.fhir.r4.core#4.0.1"
_CUMULATIVE = ("hl7.terminology", "hl7.fhir.uv.extensions", "supplement.")
"""Packages whose newer versions only add: any version at hand stands in for the one that is named."""
_ALWAYS = ("hl7.terminology.r4", "supplement.r5.subscription-codes")
LOOSE = "loose"

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Shelf(Protocol):
    """A set of definitions under one name: a package, or the loose ones."""

    id: str
    version: str
    """Of the package: that of definitions in it which state none."""
    digest: str
    index: Sequence[Entry]
    reach: Sequence[str]
    """Ids where an unversioned reference from here is looked for, nearest first (itself, then dependencies)."""

    def read(self, entry: Entry) -> Json: ...

    def forget(self) -> None: ...


AnyShelf = TypeVar("AnyShelf", bound=Shelf)


class PackageShelf:
    """An opened package."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.about = package.about
        self.id = package.id
        self.version = package.about.version
        self.digest = f"{package.id} {package.about.content}"
        self.index: Sequence[Entry] = package.index
        self.reach: Sequence[str] = (package.id,)

    def read(self, entry: Entry) -> Json:
        return self._package.read(entry)

    def forget(self) -> None:
        self._package.forget()


class LooseDefinitions:
    """Definitions given one by one, as JSON bytes or as dicts; a later one replaces an earlier of the same version."""

    def __init__(self, resources: Iterable[Json | bytes]) -> None:
        self.id = LOOSE
        self.version = ""
        self.reach: Sequence[str] = (LOOSE,)
        self._definitions: dict[tuple[str, str, str], bytes] = {}
        entries: dict[tuple[str, str, str], Entry] = {}
        for resource in resources:
            definition = _parse(resource) if isinstance(resource, bytes) else resource
            if not isinstance(definition, dict):
                raise BadPackage("A loose definition is not a JSON object.")
            small = as_given(definition)
            if small is None:
                continue
            entry = describe(small)
            key = (entry.type, entry.url, entry.version)
            entries.pop(key, None)
            entries[key] = entry
            self._definitions[key] = _encode(small)
        self.index: Sequence[Entry] = tuple(entries.values())
        digest = hashlib.sha256()
        for key in entries:
            digest.update(self._definitions[key])
        self.digest = f"loose {digest.hexdigest()}"

    def read(self, entry: Entry) -> Json:
        found = _decode(self._definitions[(entry.type, entry.url, entry.version)])
        assert isinstance(found, dict)
        return found

    def forget(self) -> None:
        """Nothing is kept parsed here."""


def _parse(data: bytes) -> Any:
    try:
        return _decode(data)
    except (ValueError, RecursionError, ArithmeticError):
        raise BadPackage("A loose definition is not well-formed JSON.") from None


def open_packages(wanted: Iterable[str | Path], folder: Path) -> tuple[list[PackageShelf], set[str]]:
    """Open R4 core, HL7 terminology, `wanted` and what they depend on; with the dependencies that are not at hand.

    What merely came as a dependency stands before what was named, so that of the packages named the last wins.
    """
    at_hand = {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    named = {package.id: package for package in [_package(item, at_hand, folder) for item in wanted]}
    opening = _Opening(at_hand, named)
    if CORE not in named:
        _package(CORE, at_hand, folder)  # says what to do when it is not there
    opening.open(CORE)
    for name in _ALWAYS:
        found = choose(f"{name}#", opening.available)
        if found is not None:
            opening.open(found)
    for package in named:
        opening.open(package)
    last = [package for package in named if package != CORE and package.partition("#")[0] not in _ALWAYS]
    first = [shelf for shelf in opening.shelves.values() if shelf.id not in last]
    return [*first, *(opening.shelves[package] for package in last)], opening.missing


class _Opening:
    """Packages opened so far, dependencies before what needs them; packages that need each other are no trouble."""

    def __init__(self, at_hand: dict[str, Path], named: dict[str, Package]) -> None:
        self._at_hand = at_hand
        self._named = named
        self.available = [*named, *(package for package in at_hand if package not in named)]
        self.shelves: dict[str, PackageShelf] = {}
        self.missing: set[str] = set()

    def open(self, name: str) -> PackageShelf:
        if name in self.shelves:
            return self.shelves[name]
        package = self._named.get(name) or Package.open(self._at_hand[name])
        shelf = self.shelves[name] = PackageShelf(package)
        reach = [shelf.id]
        for wanted in (f"{part}#{version}" for part, version in sorted(package.about.dependencies.items())):
            found = choose(wanted, self.available)
            if found is None:
                self.missing.add(wanted)
            else:
                reach += [near for near in self.open(found).reach if near not in reach]
        shelf.reach = [*reach, CORE] if CORE not in reach else reach
        return shelf


def _package(item: str | Path, at_hand: dict[str, Path], folder: Path) -> Package:
    if isinstance(item, str) and item in at_hand:
        return Package.open(at_hand[item])
    path = Path(item)
    if path.is_file() and path.suffix == SUFFIX:
        return Package.open(path)
    if path.is_file() or path.is_dir():
        return Package(pack(read_source(path, keep=as_given), compress=False), origin=path.name)
    raise BadPackage(
        f"The package {item} is neither among the condensed packages in {folder.name}/ nor a file or folder: "
        "bring it in with `ecm-gateway packages import`."
    )


def choose(wanted: str, at_hand: Iterable[str]) -> str | None:
    """The package at hand that serves for `name#version`: itself, or for a cumulative one its newest version."""
    ids = list(at_hand)
    if wanted in ids:
        return wanted
    name = wanted.partition("#")[0].removesuffix(".r4")
    if not name.startswith(_CUMULATIVE):
        return None
    same = [item for item in ids if item.partition("#")[0].removesuffix(".r4") == name]
    return max(same, key=lambda item: version_key(item.partition("#")[2]), default=None)


def version_key(version: str) -> tuple[Any, ...]:
    """Orders `6.1.0` before `6.10.0` and a pre-release before its release; dates and names as text, before numbers."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})*)(-.*)?", version)
    if found is None or version.count("-") > 1:
        return (0, version)
    return (1, tuple(int(part) for part in found[1].split(".")), found[2] is None, found[2] or "")


def newest(candidates: Sequence[tuple[AnyShelf, Entry]], version: str) -> tuple[AnyShelf, Entry] | None:
    """The candidate of exactly this version (the last loaded), or else the newest of which it is the start."""
    for candidate in reversed(candidates):
        if candidate[1].version == version:
            return candidate
    # A definition without this version is meant by its package's: R4 core binds to its v3 value sets as `|4.0.1`.
    for candidate in reversed(candidates):
        if candidate[0].version == version:
            return candidate
    starts = [candidate for candidate in candidates if candidate[1].version.startswith(version + ".")]
    return max(starts, key=lambda candidate: version_key(candidate[1].version), default=None)
