"""The syntax tree of a FHIRPath expression. https://hl7.org/fhirpath/N1/#grammar"""

from __future__ import annotations

from typing import Any

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A constant: str, bool, int, Decimal, Temporal, Quantity; `value` is None for `{}`."""

    value: Any


class Variable(msgspec.Struct, frozen=True):
    """`$this`, `$index` or `$total`, without the dollar."""

    name: str


class External(msgspec.Struct, frozen=True):
    """`%name`, without the percent sign and quotes."""

    name: str


class Member(msgspec.Struct, frozen=True):
    """`target.name`; a `target` of None is the focus."""

    target: Syntax | None
    name: str


class Call(msgspec.Struct, frozen=True):
    """`target.name(arguments)`; a `target` of None is the focus."""

    target: Syntax | None
    name: str
    arguments: tuple[Syntax, ...]


class Item(msgspec.Struct, frozen=True):
    """`target[index]`"""

    target: Syntax
    index: Syntax


class Unary(msgspec.Struct, frozen=True):
    """`+x` or `-x`"""

    operator: str
    operand: Syntax


class Binary(msgspec.Struct, frozen=True):
    """`left operator right`"""

    operator: str
    left: Syntax
    right: Syntax


class TypeTest(msgspec.Struct, frozen=True):
    """`operand is type` or `operand as type`"""

    operator: str
    operand: Syntax
    type: str


Syntax = Literal | Variable | External | Member | Call | Item | Unary | Binary | TypeTest


def type_name(node: Syntax) -> str | None:
    """The qualified identifier that a function argument such as `ofType(FHIR.Patient)` stands for, or None."""
    if isinstance(node, Member):
        if node.target is None:
            return node.name
        head = type_name(node.target)
        return None if head is None else f"{head}.{node.name}"
    return None


def of_the_resource(node: Syntax | None) -> bool:
    """Whether this is %resource, or members below it: the same wherever in the resource it is asked."""
    while isinstance(node, Member):
        node = node.target
    return isinstance(node, External) and node.name in ("resource", "rootResource")
