"""Paths of elements, such as `Patient.contact.name`, in the types of R4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.validation.compiled import Member, Shape

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_PLAIN = re.compile(r"[A-Z][A-Za-z]+(?:\.[a-z][A-Za-z0-9]*(?:\[x\])?)+")
_ANY = ("Resource", "DomainResource", "Element", "BackboneElement")


def leads_nowhere(engine: Engine, path: str) -> bool:
    """Whether a plain path surely names an element that its type does not have."""
    if not _PLAIN.fullmatch(path):
        return False
    root, *names = path.split(".")
    shape = engine.shapes.find(root)
    if shape is None:
        return False
    return element_at(engine, shape, names) == []


def element_at(engine: Engine, shape: Shape, names: list[str]) -> list[Member] | None:
    """The members that a path of names leads to (several for a choice), none where there is no such element; None
    where that cannot be told, as beyond a choice."""
    at: Shape | None = shape
    found: list[Member] = []
    for number, name in enumerate(names):
        if at is None or at.name in _ANY:
            return None
        found = step(at, name)
        if not found or number == len(names) - 1:
            return found
        at = shape_of(engine, found[0]) if len(found) == 1 else None
    return found


def step(shape: Shape, name: str) -> list[Member]:
    """The members of a name: one, or all of a choice (`value[x]`, or `value` as FHIRPath has it)."""
    bare = name.removesuffix("[x]")
    return [m for m in shape.members.values() if m.name == bare or m.group == f"{bare}[x]"]


def shape_of(engine: Engine, member: Member) -> Shape | None:
    """The shape of what a member holds; None where that depends on the instance."""
    if member.shape is not None:
        return member.shape
    return None if member.type in _ANY else engine.shapes.find(member.type)
