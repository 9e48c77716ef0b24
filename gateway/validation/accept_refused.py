"""Where a resource was not accepted, told by asking its schema in parts."""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.validation.accept_parts import Part
from gateway.validation.compiled import Json, Member, Shape


class Refused(NamedTuple):
    """Where an object was not accepted: the members in which, and what of each; those that are missing; and whether for
    something else about the object as a whole."""

    names: dict[str, Within]
    missing: frozenset[str]
    whole: bool

    def shallow(self) -> Refused:
        """The same, of arrays no more than the items; where in an object is not told."""
        names = {
            name: dict.fromkeys(inner) if inner and None not in inner else None for name, inner in self.names.items()
        }
        return self._replace(names=names)


Items = dict[int | None, Refused | None]
"""The items of an array that were not accepted (None: the one value), and where in these. None: everything there."""
Within = Items | None


def refused_in(part: Part, value: Json, shape: Shape) -> Refused:
    """Where a resource is not accepted, but for what must be there."""
    return Refused(_names(part, value, shape), frozenset(), not part.own(value))


def _names(part: Part, value: Json, shape: Shape) -> dict[str, Within]:
    parts = part.members
    found: dict[str, Within] = {}
    for name, inner in value.items():
        one = parts.get(name)
        if one is None:
            found[name] = None
        elif not one.holds(inner):
            found[name] = _within(one, inner, shape.members.get(name))
    return found


def _within(part: Part, value: Any, member: Member | None) -> Within:
    if member is None or member.primitive:
        return None
    if not member.many:
        inner = _inner(part, value, member)
        return None if inner is None else {None: inner}
    if type(value) is not list or (len(value) == 1 and member.shape is None) or not part.own(value):
        return None
    items = part.items
    return {at: _inner(items, one, member) for at, one in enumerate(value) if not items.holds(one)} or None


def _inner(part: Part, value: Any, member: Member) -> Refused | None:
    """Where in an object of the backbone; None where all of it must be looked at."""
    if member.shape is None or type(value) is not dict or not part.own(value):
        return None
    names = _names(part, value, member.shape)
    return Refused(names, frozenset(), whole=False) if names else None
