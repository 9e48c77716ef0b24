"""Operators. https://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from decimal import DivisionByZero, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.arithmetic import calculated, joined
from gateway.fhirpath.code import (
    EMPTY,
    STRING,
    Code,
    Scope,
    Truth,
    constant,
    from_truth,
    one,
)
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed
from gateway.fhirpath.model import PRIMITIVES
from gateway.fhirpath.navigate import as_nodes
from gateway.fhirpath.quantity import Quantity
from gateway.fhirpath.syntax import Binary, Literal, Member, Unary
from gateway.fhirpath.temporal import written_alike
from gateway.fhirpath.values import MOMENTS, compare, equal, equivalent, is_number, key_of, system

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler


def binary(compiler: Compiler, node: Binary, scope: Scope) -> Code:
    operator = node.operator
    if operator in ("and", "or", "xor", "implies"):
        return from_truth(_LOGIC[operator](compiler.truth(node.left, scope), compiler.truth(node.right, scope)))
    if operator in ("=", "!="):
        fast = _text_equality(compiler, node, scope)
        if fast is not None:
            return from_truth(fast)
    left, right = compiler.code(node.left, scope), compiler.code(node.right, scope)
    if operator == "|":
        return union(left, right)
    if operator in ("in", "contains"):
        return from_truth(_membership(left, right) if operator == "in" else _membership(right, left))
    if operator in ("=", "!="):
        return from_truth(_equality(left, right, wanted=operator == "="))
    if operator in ("~", "!~"):
        return from_truth(_equivalence(left, right, wanted=operator == "~"))
    if operator in _ORDER:
        return from_truth(_ordering(operator, left, right))
    return _calculation(operator, left, right)


def unary(compiler: Compiler, node: Unary, scope: Scope) -> Code:
    operand = compiler.code(node.operand, scope)
    if node.operator == "+":
        return operand
    fn, static = operand.fn, operand.type

    def negate(t: Any, e: Env) -> list[Any]:
        value = system(one(fn(t, e), "-"), static)
        if value is None:
            return EMPTY
        if isinstance(value, Quantity):
            return [Quantity(-value.value, value.unit, value.system, value.calendar)]
        if not is_number(value):
            raise Failed("- is given what is no number")
        return [-value]

    kind = operand.type if operand.type and operand.type.startswith("System.") else None
    return constant(negate(None, Env()), kind) if operand.const else Code(negate, kind, single=True)


# Logic


def _and(left: Truth, right: Truth) -> Truth:
    def truth(t: Any, e: Env) -> bool | None:
        first = left(t, e)
        if first is False:
            return False
        second = right(t, e)
        if second is False:
            return False
        return True if first and second else None

    return truth


def _or(left: Truth, right: Truth) -> Truth:
    def truth(t: Any, e: Env) -> bool | None:
        first = left(t, e)
        if first:
            return True
        second = right(t, e)
        if second:
            return True
        return False if first is False and second is False else None

    return truth


def _xor(left: Truth, right: Truth) -> Truth:
    def truth(t: Any, e: Env) -> bool | None:
        first, second = left(t, e), right(t, e)
        return None if first is None or second is None else first is not second

    return truth


def _implies(left: Truth, right: Truth) -> Truth:
    def truth(t: Any, e: Env) -> bool | None:
        first = left(t, e)
        if first is False:
            return True
        second = right(t, e)
        if second:
            return True
        return False if first and second is False else None

    return truth


_LOGIC: dict[str, Callable[[Truth, Truth], Truth]] = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


# Equality


def _text_equality(compiler: Compiler, node: Binary, scope: Scope) -> Truth | None:
    """`name = 'text'` where `name` is a single text member of the focus: the commonest test by far."""
    if not (isinstance(node.right, Literal) and isinstance(node.right.value, str) and isinstance(node.left, Member)):
        return None
    if node.left.target is not None or scope.type is None or scope.type in PRIMITIVES or scope.nothing:
        return None
    fields = compiler.model.fields(scope.type, node.left.name)
    if len(fields) != 1 or fields[0].many or fields[0].type not in ("string", "code", "uri", "id", "canonical", "url"):
        return None
    key, text = fields[0].key, node.right.value
    if node.operator == "=":
        return lambda t, e: None if (value := t.get(key)) is None else value == text
    return lambda t, e: None if (value := t.get(key)) is None else value != text


def _equality(left: Code, right: Code, *, wanted: bool) -> Truth:
    first, second, kind, other = left.fn, right.fn, left.type, right.type

    def truth(t: Any, e: Env) -> bool | None:
        xs, ys = first(t, e), second(t, e)
        if not xs or not ys:
            return None
        if len(xs) != len(ys):
            return not wanted
        answer: bool | None = True
        for x, y in zip(xs, ys, strict=True):
            same = equal(system(x, kind), system(y, other))
            if same is False:
                return not wanted
            answer = None if same is None else answer
        return None if answer is None else wanted

    return truth


def _equivalence(left: Code, right: Code, *, wanted: bool) -> Truth:
    first, second, kind, other = left.fn, right.fn, left.type, right.type

    def truth(t: Any, e: Env) -> bool | None:
        xs, ys = first(t, e), [system(y, other) for y in second(t, e)]
        if len(xs) != len(ys):
            return not wanted
        e.spend(len(xs) * len(xs))
        for x in xs:
            value = system(x, kind)
            place = next((n for n, y in enumerate(ys) if equivalent(value, y)), None)
            if place is None:
                return not wanted
            del ys[place]
        return wanted

    return truth


def _membership(item: Code, collection: Code) -> Truth:
    first, second, kind, other = item.fn, collection.fn, item.type, collection.type
    if collection.const is not None and all(isinstance(value, str) for value in collection.const):
        texts = frozenset(collection.const)

        def among(t: Any, e: Env) -> bool | None:
            value = system(one(first(t, e), "in"), kind)
            return None if value is None else type(value) is str and value in texts

        return among

    def truth(t: Any, e: Env) -> bool | None:
        value = system(one(first(t, e), "in"), kind)
        if value is None:
            return None
        items = second(t, e)
        e.spend(len(items))
        return any(equal(value, system(y, other)) for y in items)

    return truth


def union(left: Code, right: Code) -> Code:
    """Both collections without duplicates."""
    if left.const is not None and right.const is not None:
        items = distinct(left.const + right.const, None)
        return constant(items, left.type if left.type == right.type else None)
    if left.const == EMPTY or right.const == EMPTY:
        only = right if left.const == EMPTY else left
        return only if only.single else Code(_distinct_of(only), only.type)
    if left.type != right.type or left.type is None:
        left, right = as_nodes(left), as_nodes(right)
    first, second, kind = left.fn, right.fn, left.type

    def both(t: Any, e: Env) -> list[Any]:
        xs, ys = first(t, e), second(t, e)
        e.spend(len(xs) + len(ys))
        return distinct([*xs, *ys], kind) if xs or ys else EMPTY

    return Code(both, kind)


def _distinct_of(code: Code) -> Callable[[Any, Env], list[Any]]:
    fn, kind = code.fn, code.type
    return lambda t, e: distinct(fn(t, e), kind)


def distinct(items: list[Any], static: str | None) -> list[Any]:
    """The items without later ones that equal an earlier one."""
    if len(items) < 2:
        return items
    seen: set[Any] = set()
    rest: list[Any] = []
    found: list[Any] = []
    for item in items:
        value = system(item, static)
        key = key_of(value)
        if key is None:
            if any(equal(value, other) for other in rest):
                continue
            rest.append(value)
        elif key in seen:
            continue
        seen.add(key)
        found.append(item)
    return found


# Order and arithmetic

_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda n: n < 0,
    ">": lambda n: n > 0,
    "<=": lambda n: n <= 0,
    ">=": lambda n: n >= 0,
}


def _ordering(operator: str, left: Code, right: Code) -> Truth:
    first, second, kind, other, test = left.fn, right.fn, left.type, right.type, _ORDER[operator]
    moments = kind in MOMENTS and other in MOMENTS

    def truth(t: Any, e: Env) -> bool | None:
        x, y = one(first(t, e), operator), one(second(t, e), operator)
        if x is None or y is None:
            return None
        if moments and type(x) is str and type(y) is str and written_alike(x, y):
            return test((x > y) - (x < y))
        order = compare(system(x, kind), system(y, other))
        return None if order is None else test(order)

    return truth


def _calculation(operator: str, left: Code, right: Code) -> Code:
    first, second, kind, other = left.fn, right.fn, left.type, right.type

    def calculate(t: Any, e: Env) -> list[Any]:
        x = system(one(first(t, e), operator), kind)
        y = system(one(second(t, e), operator), other)
        if operator == "&":
            return [joined("" if x is None else x, "" if y is None else y)]
        if x is None or y is None:
            return EMPTY
        try:
            value = calculated(operator, x, y)
        except (DivisionByZero, InvalidOperation, ZeroDivisionError, Overflow):
            return EMPTY
        return EMPTY if value is None else [value]

    return Code(calculate, STRING if operator == "&" else None, single=True)
