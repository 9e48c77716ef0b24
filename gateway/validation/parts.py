"""Parts of a resource with their places, for rules that hold between them: what is not of the right form is left out,
as the walk tells of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.validation.compiled import Json
from gateway.validation.run import Place


def member(place: Place, name: str, index: int | None = None) -> Place:
    """The place of a member of an object."""
    shape = place[3]
    found = shape.members.get(name) if shape is not None else None
    return place if found is None else (place, found, index, found.shape)


def parts(holder: Json, name: str, place: Place) -> Iterator[tuple[Json, Place]]:
    """The objects of a repeating member, with their places."""
    listed = holder.get(name)
    for index, one in enumerate(listed if type(listed) is list else ()):
        if type(one) is dict:
            yield one, member(place, name, index)


def part(holder: Json, name: str, place: Place) -> tuple[Json, Place]:
    """The object of a member, empty where there is none, with its place."""
    found = holder.get(name)
    return (found if type(found) is dict else {}), member(place, name)


def texts(holder: Json, name: str, place: Place) -> Iterator[tuple[str, Place]]:
    """The strings of a repeating member, with their places."""
    listed = holder.get(name)
    for index, one in enumerate(listed if type(listed) is list else ()):
        if type(one) is str:
            yield one, member(place, name, index)


def text(holder: Json, name: str) -> str | None:
    """A string member; None where it is missing or none."""
    found: Any = holder.get(name)
    return found if type(found) is str else None
