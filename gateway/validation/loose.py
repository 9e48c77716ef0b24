"""Loose definitions, as dicts or as the bytes of JSON or XML, read before there is a validator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.errors import BadPackage, Malformed
from gateway.fhir import codec, xml
from gateway.packages.definitions import Definitions
from gateway.validation.compiled import Json
from gateway.validation.shapes import Shapes

_XML = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*<|\xff\xfe<\x00|\xfe\xff\x00<")


def loose_definitions(given: Json | bytes | Iterable[Json | bytes], *, folder: Path | None = None) -> list[Json]:
    """Every definition of those given, as dicts, in their order; a Bundle gives those that it holds.

    BadPackage, with its number, for what cannot be read.
    """
    found: list[Json] = []
    for number, one in enumerate([given] if isinstance(given, dict | bytes) else given, start=1):
        try:
            found += _held(one if isinstance(one, dict) else read_definition(one, folder=folder))
        except BadPackage as error:
            raise BadPackage(f"Loose definition {number}: {error}") from None
    return found


def read_definition(data: bytes, *, folder: Path | None = None) -> Json:
    """A definition from JSON or XML bytes; BadPackage where it is none."""
    if not isinstance(data, bytes):
        raise BadPackage("It is neither a dict nor the bytes of JSON or XML.")
    try:
        found = xml.read(data, _core(folder)).value if looks_like_xml(data) else codec.read(data)
    except Malformed as error:
        raise BadPackage(f"It cannot be read. {error}") from None
    if not isinstance(found, dict):
        raise BadPackage("It is no FHIR resource.")
    return found


def _held(definition: Json) -> Iterator[Json]:
    entries: Any = definition.get("entry") if definition.get("resourceType") == "Bundle" else None
    if not isinstance(definition.get("resourceType"), str):
        raise BadPackage("It is no FHIR resource: it does not say its resourceType.")
    if not isinstance(entries, list):
        yield definition
        return
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield from _held(resource) if resource.get("resourceType") != "Bundle" else ()


def looks_like_xml(data: bytes) -> bool:
    """Whether bytes are meant as XML rather than JSON."""
    return _XML.match(data) is not None


@lru_cache(maxsize=2)
def _core(folder: Path | None) -> Shapes:
    return Shapes(Definitions.load([], folder=folder))
