"""The syntax tree of a FHIRPath expression. https://hl7.org/fhirpath/N1/#grammar"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: str, bool, int, Decimal, Temporal, Quantity; `value` is None for `{}`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """`$this`, `$index` or `$total`, without the dollar."""

    name: str


@dataclass(frozen=True, slots=True)
class External:
    """`%name`, without the percent sign and quotes."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`; a `target` of None is the focus."""

    target: Syntax | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`target.name(arguments)`; a `target` of None is the focus."""

    target: Syntax | None
    name: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """`target[index]`"""

    target: Syntax
    index: Syntax


@dataclass(frozen=True, slots=True)
class Unary:
    """`+x` or `-x`"""

    operator: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`"""

    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class TypeTest:
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
