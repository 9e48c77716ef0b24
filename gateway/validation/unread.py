"""Where bytes are no resource, in their file, and the element that JSON names twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.errors import Issue
from gateway.fhir.json_faults import Pointer, line_and_column, named_twice
from gateway.validation.run import Place, expression, root_place
from gateway.validation.shapes import Shapes


def begins(data: bytes, *, line: int | None = None) -> tuple[int, int]:
    """Where the JSON in the bytes begins that are `line` of their file."""
    here, column = line_and_column(data, len(data) - len(data.lstrip()))
    return here + (line or 1) - 1, column


def unread(issues: Sequence[Issue], data: bytes, *, shapes: Shapes, line: int | None = None) -> list[Issue]:
    """Why bytes were refused, as it is told of a resource that begins at `line` of its file."""
    return [_told(issue, data, shapes, line) for issue in issues]


def _told(issue: Issue, data: bytes, shapes: Shapes, line: int | None) -> Issue:
    place = None
    if issue.rule == "json-twice" and (found := named_twice(data)) is not None:
        place = expression(_element(found[0], json.loads(data), shapes)) or None
    first = (line or 1) - 1
    return issue.but(line=line if issue.line is None else issue.line + first, expression=place)


def _element(way: Pointer, value: Any, shapes: Shapes) -> Place | None:
    """The element that a way leads to, or the nearest one above it that is FHIR."""
    shape = _resource(value, shapes)
    if shape is None:
        return None
    place: Place = root_place(shape)
    for step in way:
        value = value[step]
        above, member, _, shape = place
        if isinstance(step, int):
            place = (above, member, step, _resource(value, shapes) if member.type == "Resource" else shape)
            continue
        found = shape.members.get(step.removeprefix("_")) if shape is not None else None
        if found is None or found.names_type:
            return place
        inner = _resource(value, shapes) if found.type == "Resource" else found.shape or shapes.find(found.type)
        place = (place, found, None, inner)
    return place


def _resource(value: Any, shapes: Shapes) -> Any:
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return shapes.find(kind) if isinstance(kind, str) else None
