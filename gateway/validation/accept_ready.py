"""A compiled document of what is accepted, and its parts where resources are refused again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from gateway.validation.accept_parts import Part
from gateway.validation.accept_presence import PRESENT, Presence
from gateway.validation.schema_values import Schema

Run = Callable[[Any], bool]
Compile = Callable[[Schema], Run]

RECURSIVE = "recursive"
"""What a document that refers to itself has as its comment."""
_FEW = 4
"""Resources of a kind that are refused before its document is taken apart: that takes as long as some tens."""
_MOST = 12
"""Documents that are taken apart at a time; each takes some megabytes."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True, eq=False)
class Ready:
    """What accepts resources of a type by the same profiles. `document` gives its schema again."""

    run: Run
    presence: Presence
    members: frozenset[str]
    """Those that a resource may have: one that has others is refused before its schema is run."""
    recursive: bool
    document: Callable[[], Schema]
    part: Part | None = None
    """The document in parts, while it is taken apart."""
    refused: int = 0
    """How many were not accepted since it is not."""
    few: int = _FEW

    @classmethod
    def of(cls, schema: Schema, document: Callable[[], Schema], compile: Compile) -> Self:
        run, recursive = compile(schema), schema.get("$comment") == RECURSIVE
        presence = Presence(schema.get(PRESENT, []))
        return cls(_bounded(run) if recursive else run, presence, _members(schema), recursive, document)


class TakenApart:
    """The documents that are taken apart, to be asked where resources are refused: no more than some at a time."""

    def __init__(self, compile: Compile) -> None:
        self._compile = compile
        self._apart: list[Ready] = []

    def part(self, ready: Ready, resource: Any) -> Part | None:
        """A document in parts; None while that is not worth it. RecursionError where the resource is nested too deeply
        to be asked about."""
        if ready.recursive:
            _encode(resource)
        return ready.part or self._first(ready)

    def _first(self, ready: Ready) -> Part | None:
        ready.refused += 1
        if ready.refused <= ready.few:
            return None
        document = ready.document()
        part = ready.part = Part([document], document["$defs"], self._compile)
        self._apart.append(ready)
        if len(self._apart) > _MOST:
            oldest = self._apart.pop(0)
            oldest.part, oldest.refused, oldest.few = None, 0, oldest.few * 16
        return part


def _members(document: Schema) -> frozenset[str]:
    root = document["$defs"][document["$ref"].rpartition("/")[2]] if "$ref" in document else document
    return frozenset(root.get("properties", ()))


def _bounded(run: Run) -> Run:
    """For a schema that refers to itself: run only on data whose depth is bounded."""

    def holds(value: Any) -> bool:
        _encode(value)  # RecursionError where it is nested deeper than Python goes
        return run(value)

    return holds
