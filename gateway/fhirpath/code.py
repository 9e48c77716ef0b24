"""Compiled pieces of an expression: what the compiler's parts hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed
from gateway.fhirpath.syntax import Call, Syntax
from gateway.fhirpath.values import Node

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler

Fn = Callable[[Any, Env], list[Any]]
"""(the item that `$this` is, surroundings) -> items. The list may be part of the data: never change it."""
Truth = Callable[[Any, Env], bool | None]
"""Three-valued: None is the empty collection."""

EMPTY: Final[list[Any]] = []
TRUE: Final[list[Any]] = [True]
FALSE: Final[list[Any]] = [False]
BOOLEAN: Final = "System.Boolean"
STRING: Final = "System.String"
INTEGER: Final = "System.Integer"


class Code(msgspec.Struct):
    """A compiled sub-expression. `type` is the FHIR or System type that all its plain items have, None where items
    carry their own type; `single` promises at most one item; `truth` is its fast three-valued form; `const` its items
    where they depend on nothing; `focus` marks `$this` itself."""

    fn: Fn
    type: str | None = None
    single: bool = False
    truth: Truth | None = None
    const: list[Any] | None = None
    focus: bool = False


class Scope(msgspec.Struct, frozen=True):
    """What is known of `$this` while compiling: its type, or that there is none (`nothing`)."""

    type: str | None
    nothing: bool = False


Builder = Callable[["Compiler", Call, Code, Scope], Code]
FUNCTIONS: dict[str, tuple[int, int, Builder]] = {}
"""Function name -> (fewest arguments, most arguments, builder)."""


def function(name: str, *, least: int = 0, most: int | None = None) -> Callable[[Builder], Builder]:
    """Register a builder for the FHIRPath function `name`."""

    def register(builder: Builder) -> Builder:
        FUNCTIONS[name] = (least, least if most is None else most, builder)
        return builder

    return register


def constant(items: list[Any], type: str | None) -> Code:
    """Code that always gives `items`."""
    return Code(lambda t, e: items, type, single=len(items) <= 1, const=items)


def nothing() -> Code:
    return constant(EMPTY, None)


def from_truth(truth: Truth) -> Code:
    """Boolean code out of its three-valued form."""

    def fn(t: Any, e: Env) -> list[Any]:
        value = truth(t, e)
        return EMPTY if value is None else (TRUE if value else FALSE)

    return Code(fn, BOOLEAN, single=True, truth=truth)


def singleton_truth(items: list[Any]) -> bool | None:
    """Singleton evaluation of a collection as Boolean: a single item that is no Boolean counts as true.

    https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    if not items:
        return None
    if len(items) > 1:
        raise Failed("several items where one truth value is meant")
    value = items[0]
    if type(value) is Node and value.value is not None:
        value = value.value
    return value if value is True or value is False else True


def truth_of(code: Code) -> Truth:
    """The three-valued form of any code."""
    if code.truth is not None:
        return code.truth
    fn = code.fn
    return lambda t, e: singleton_truth(fn(t, e))


def one(items: list[Any], what: str) -> Any:
    """The only item, None when there is none; Failed when there are several."""
    if not items:
        return None
    if len(items) > 1:
        raise Failed(f"{what} is given several items where one is meant")
    return items[0]


def mentions(node: Syntax | None, names: frozenset[str]) -> bool:
    """Whether any member, function or variable below `node` has one of the names."""
    if node is None:
        return False
    if getattr(node, "name", None) in names:
        return True
    children: list[Any] = []
    for slot in node.__struct_fields__:
        value = getattr(node, slot)
        children += value if isinstance(value, tuple) else [value]
    return any(isinstance(child, Syntax) and mentions(child, names) for child in children)
