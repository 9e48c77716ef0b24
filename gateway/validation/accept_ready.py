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
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True, eq=False)
class Ready:
    """What accepts resources of a type by the same profiles. `document` gives its schema again."""

    run: Run
    presence: Presence
    recursive: bool
    document: Callable[[], Schema]
    refused: int = 0
    """How many were not accepted, until the document is taken apart."""
    part: Part | None = None

    @classmethod
    def of(cls, schema: Schema, document: Callable[[], Schema], compile: Compile) -> Self:
        run, recursive = compile(schema), schema.get("$comment") == RECURSIVE
        return cls(_bounded(run) if recursive else run, Presence(schema.get(PRESENT, [])), recursive, document)

    def taken_apart(self, resource: Any, compile: Compile) -> Part | None:
        """The document in parts, to be asked where a resource is refused; None while that is not worth it.
        RecursionError where it is nested too deeply to be asked."""
        if self.recursive:
            _encode(resource)
        if self.part is None:
            self.refused += 1
            if self.refused > _FEW:
                document = self.document()
                self.part = Part([document], document["$defs"], compile)
        return self.part


def _bounded(run: Run) -> Run:
    """For a schema that refers to itself: run only on data whose depth is bounded."""

    def holds(value: Any) -> bool:
        _encode(value)  # RecursionError where it is nested deeper than Python goes
        return run(value)

    return holds
