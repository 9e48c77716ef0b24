"""A condensed package: one file `<name>#<version>.facts`, opened at once and read one definition at a time.

    bytes 0-7    b"ECMFACTS"
    byte  8      form (1)
    byte  9      0 stored, 1 zlib
    bytes 10-13  length of the head as packed, big-endian
    head         JSON: about (manifest, sha256 of source and content), index (one row a resource), blocks (their sizes)
    blocks       condensed resources, one after the other, about 128 KB unpacked each

Writing the same source with the same zlib gives the same bytes; `Package.content` is the hash that holds across zlibs.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from gateway.errors import BadPackage
from gateway.packages.source import SourcePackage

Json = dict[str, Any]

SUFFIX = ".facts"
_MAGIC = b"ECMFACTS"
_FORM = 1
_BLOCK = 128 * 1024
_MAX_HEAD = 64 * 1024 * 1024
_MAX_BLOCK = 128 * 1024 * 1024

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One row of a package's index: what a lookup needs, so that the definition itself stays unread."""

    type: str
    url: str
    version: str
    id: str
    name: str
    of: str
    """StructureDefinition: the type it constrains; SearchParameter: its code; CodeSystem: its value set."""
    kind: str
    """StructureDefinition: `<kind>/<derivation>`, with `/abstract` behind an abstract one; CodeSystem: its content."""
    base: tuple[str, ...]
    """SearchParameter: resource types it applies to; StructureDefinition: its base definition, if any."""
    block: int = 0
    start: int = 0
    length: int = 0


class About(msgspec.Struct, frozen=True):
    """Where a package comes from."""

    name: str
    version: str
    licence: str
    canonical: str
    fhir: tuple[str, ...]
    """FHIR versions it is for."""
    dependencies: dict[str, str]
    source: str
    """sha256 of the published package."""
    content: str = ""
    """sha256 of the condensed definitions, unpacked."""

    @property
    def id(self) -> str:
        return f"{self.name}#{self.version}"


class _Head(msgspec.Struct):
    about: About
    index: list[Entry]
    blocks: list[tuple[int, int]]
    """Size in the file and unpacked, of each block."""


def describe(resource: Json) -> Entry:
    """The index row of a definition (condensed or not); BadPackage when it cannot have one."""
    kind, of = "", ""
    base: Any = ()
    if resource["resourceType"] == "StructureDefinition":
        abstract = "/abstract" if resource.get("abstract") else ""
        kind = f"{resource.get('kind', '')}/{resource.get('derivation', '')}{abstract}"
        of = resource.get("type", "")
        base = (resource["baseDefinition"],) if "baseDefinition" in resource else ()
    elif resource["resourceType"] == "SearchParameter":
        of, base = resource.get("code", ""), resource.get("base", ())
    elif resource["resourceType"] == "CodeSystem":
        kind, of = resource.get("content", ""), resource.get("valueSet", "")
    identity = resource.get("id", "")
    row = {
        "type": resource["resourceType"],
        "url": resource.get("url") or f"{resource['resourceType']}/{identity}",
        "version": resource.get("version", ""),
        "id": identity,
        "name": resource.get("name", ""),
        "of": of,
        "kind": kind,
        "base": base,
    }
    try:
        return msgspec.convert(tuple(row.values()), Entry)
    except msgspec.ValidationError:
        raise BadPackage(f"A {row['type']} has a url, version, name, type or base that is not a text.") from None


def about(source: SourcePackage) -> About:
    """The description of a source package; BadPackage when its manifest lacks name or version, or is not for R4."""
    manifest = source.manifest
    try:
        found = msgspec.convert(
            {
                "name": manifest.get("name"),
                "version": manifest.get("version"),
                "licence": manifest.get("license") or "not stated",
                "canonical": manifest.get("canonical") or "",
                "fhir": manifest.get("fhirVersions") or manifest.get("fhir-version-list") or [],
                "dependencies": dict(sorted((manifest.get("dependencies") or {}).items())),
                "source": source.sha256,
            },
            About,
        )
    except (msgspec.ValidationError, AttributeError, TypeError, ValueError):
        raise BadPackage("package.json does not name the package, its version and dependencies.") from None
    if found.fhir and not any(version.startswith("4.0") for version in found.fhir):
        raise BadPackage(f"{found.id} is for FHIR {', '.join(found.fhir)}; this gateway speaks R4 (4.0.1).")
    return found


def pack(source: SourcePackage, *, compress: bool = True) -> bytes:
    """The `.facts` file of a source package."""
    described = about(source)
    found: dict[tuple[str, str, str], tuple[Entry, bytes]] = {}
    for small in source.resources:
        entry = describe(small)
        key = (entry.type, entry.url, entry.version)
        if key in found:
            raise BadPackage(f"{entry.url} is defined twice in {described.id}.")
        found[key] = (entry, _encode(small))
    return _file(described, [found[key] for key in sorted(found)], compress=compress)


def _file(described: About, definitions: Iterable[tuple[Entry, bytes]], *, compress: bool) -> bytes:
    index: list[Entry] = []
    blocks: list[bytearray] = [bytearray()]
    digest = hashlib.sha256()
    for entry, data in definitions:
        if len(blocks[-1]) >= _BLOCK:
            blocks.append(bytearray())
        place = {"block": len(blocks) - 1, "start": len(blocks[-1]), "length": len(data)}
        index.append(msgspec.structs.replace(entry, **place))
        blocks[-1] += data
        digest.update(data)
    packed = [zlib.compress(bytes(block), 9) if compress else bytes(block) for block in blocks]
    head = _encode(
        _Head(
            about=msgspec.structs.replace(described, content=digest.hexdigest()),
            index=index,
            blocks=[(len(small), len(block)) for small, block in zip(packed, blocks, strict=True)],
        )
    )
    head = zlib.compress(head, 9) if compress else head
    start = _MAGIC + bytes([_FORM, int(compress)]) + len(head).to_bytes(4, "big")
    return b"".join([start, head, *packed])


class Package:
    """A condensed package at hand. Reading a definition unpacks only its block."""

    def __init__(self, data: bytes, *, origin: str) -> None:
        """Open the bytes of a `.facts` file; `origin` names it in errors."""
        self._data = data
        self._origin = origin
        if data[:9] != _MAGIC + bytes([_FORM]):
            self._broken()
        self._packed = data[9:10] == b"\x01"
        start = 14 + int.from_bytes(data[10:14], "big")
        try:
            head = msgspec.json.decode(self._unpack(data[14:start], _MAX_HEAD), type=_Head)
        except (ValueError, zlib.error):
            self._broken()
        self.about: About = head.about
        self.index: list[Entry] = head.index
        self._blocks: list[tuple[int, int, int]] = []
        for size, unpacked in head.blocks:
            if unpacked > _MAX_BLOCK or start + size > len(data):
                self._broken()
            self._blocks.append((start, size, unpacked))
            start += size
        self._last: tuple[int, bytes] = (-1, b"")

    @classmethod
    def open(cls, path: Path) -> Package:
        try:
            return cls(path.read_bytes(), origin=path.name)
        except OSError as error:
            raise BadPackage(f"{path.name} cannot be read: {error.strerror}.") from None

    @property
    def id(self) -> str:
        """`name#version`."""
        return self.about.id

    def read(self, entry: Entry) -> Json:
        """The definition of one of this package's index rows; a fresh dict."""
        return self.decode(self.raw(entry))

    def raw(self, entry: Entry) -> bytes:
        """The condensed definition's JSON bytes."""
        number, block = self._last
        if number != entry.block:
            try:
                start, size, unpacked = self._blocks[entry.block]
                block = self._unpack(self._data[start : start + size], unpacked)
            except (zlib.error, IndexError):
                self._broken()
            self._last = (entry.block, block)
        return block[entry.start : entry.start + entry.length]

    def decode(self, data: bytes) -> Json:
        try:
            found = _decode(data)
        except ValueError:
            self._broken()
        assert isinstance(found, dict)
        return found

    def forget(self) -> None:
        """Let go of the block unpacked last."""
        self._last = (-1, b"")

    def _unpack(self, data: bytes, limit: int) -> bytes:
        if not self._packed:
            return data
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(data, limit)
        if not unpacker.eof:
            self._broken()
        return found

    def _broken(self) -> NoReturn:
        raise BadPackage(f"{self._origin} is not a condensed package of this gateway: import it again.")
