"""Where a resource was not accepted, told by asking its schema in parts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from gateway.validation.accept_checks import Acceptance
from gateway.validation.accept_parts import Part
from gateway.validation.compiled import Json, Member, Shape


class Refused(NamedTuple):
    """Where an object was not accepted: the members in which, and what of each; those that are missing; and whether for
    something else about the object as a whole."""

    names: dict[str, Within]
    missing: frozenset[str]
    whole: bool

    def shallow(self, deeper: frozenset[str]) -> Refused:
        """The same, of arrays no more than the items, and of the items of the members `deeper` the members."""
        names: dict[str, Within] = {}
        for name, within in self.names.items():
            if within is None or None in within:
                names[name] = None
            elif name in deeper:
                names[name] = {
                    at: inner._replace(names=dict.fromkeys(inner.names)) if inner is not None else None
                    for at, inner in within.items()
                }
            else:
                names[name] = dict.fromkeys(within)
        return self._replace(names=names)


Items = dict[int | None, Refused | None]
"""The items of an array that were not accepted (None: the one value), and where in these. None: everything there."""
Within = Items | None
LookedItems = dict[str, dict[int | None, frozenset[str] | None]]
"""Items of members that were looked at again for being refused: of each the members (None: all of it)."""


def refused_in(part: Part, value: Json, shape: Shape, *, state: Acceptance) -> Refused | None:
    """Where a resource is not accepted, but for what must be there; None when that is not known. What could not be
    told there is not accepted."""
    whole = not part.own(value) or state.unsure
    state.unsure = False
    names = _names(part, value, shape, state)
    return None if state.ids else Refused(names, frozenset(), whole)  # ids of elements must differ between members


def first_refused(part: Part, value: Json, shape: Shape, *, state: Acceptance) -> Refused | None:
    """The first member in which a resource is not accepted, and where in it; None where there is none."""
    listed = _listed(shape)
    checks = part.checks(listed)
    for name, inner in value.items():
        if name in listed or not checks[name](inner):
            member = shape.members.get(name)
            within = None if member is None or member.primitive else _within(part.members[name], inner, member, state)
            if within is None or within:
                return Refused({name: within}, frozenset(), whole=False)
    return None


def _names(part: Part, value: Json, shape: Shape, state: Acceptance) -> dict[str, Within]:
    listed = _listed(shape)
    checks = part.checks(listed)
    if value.keys() <= checks.keys():
        refused = [name for name, inner in value.items() if not checks[name](inner)]
    else:
        refused = [name for name, inner in value.items() if not checks.get(name, _never)(inner)]
    if state.unsure:
        refused = [name for name, inner in value.items() if not _surely(part, name, inner, state)]
    elif not listed.isdisjoint(value):
        refused += [name for name in value if name in listed and name in checks]
    found: dict[str, Within] = {}
    for name in refused:
        member = shape.members.get(name)
        if member is None or member.primitive or name not in checks:
            found[name] = None
            continue
        within = _within(part.members[name], value[name], member, state)
        if state.unsure:
            state.unsure, within = False, None
        if within is None or within:
            found[name] = within
    return found


@lru_cache(maxsize=1024)
def _listed(shape: Shape) -> frozenset[str]:
    """Members that hold arrays of the backbone or of extensions, which are asked item by item at once."""
    members = (member for member in shape.members.values() if member.many)
    return frozenset(member.name for member in members if member.shape is not None or member.type == "Extension")


def _never(value: Any) -> bool:
    return False


def _surely(part: Part, name: str, value: Any, state: Acceptance) -> bool:
    state.unsure = False
    holds = name in part.members and part.members[name].holds(value) and not state.unsure
    state.unsure = False
    return holds


def _within(part: Part, value: Any, member: Member, state: Acceptance) -> Within:
    if not member.many:
        inner = _inner(part, value, member, state)
        return None if inner is None else {None: inner}
    aside = member.shape is not None or member.type == "Extension"
    if type(value) is not list or (len(value) == 1 and not aside) or not part.own(value):
        return None
    holds, items = part.items.holds, part.items
    found: Items = {at: _inner(items, one, member, state) for at, one in enumerate(value) if not holds(one)}
    return found if found or aside else None


def _inner(part: Part, value: Any, member: Member, state: Acceptance) -> Refused | None:
    """Where in an object of the backbone; None where all of it must be looked at."""
    if member.shape is None or type(value) is not dict or not part.own(value):
        return None
    names = _names(part, value, member.shape, state)
    return Refused(names, frozenset(), whole=False) if names else None
