"""Arithmetic on system values. https://hl7.org/fhirpath/N1/#math-1"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.fhirpath.errors import Failed, TooCostly
from gateway.fhirpath.quantity import Quantity
from gateway.fhirpath.temporal import Temporal
from gateway.fhirpath.values import is_number, text_of

MAX_TEXT = 1_000_000
"""Characters that an expression may put together."""
_INTEGERS = range(-(2**31), 2**31)


def joined(left: Any, right: Any) -> str:
    first, second = text_of(left), text_of(right)
    if first is None or second is None:
        raise Failed("text is put together from what is no text")
    if len(first) + len(second) > MAX_TEXT:
        raise TooCostly("the text grows too long")
    return first + second


def calculated(operator: str, x: Any, y: Any) -> Any:
    """`x operator y`, None where it has no result; Failed for values that cannot be joined."""
    if is_number(x) and is_number(y):
        value = _numeric(operator, x, y)
        return None if isinstance(value, int) and value not in _INTEGERS else value
    if operator == "+" and isinstance(x, str) and isinstance(y, str):
        return joined(x, y)
    if isinstance(x, Temporal) and isinstance(y, Quantity) and operator in ("+", "-"):
        return x.plus(y.value if operator == "+" else -y.value, y.unit)
    if isinstance(x, Quantity) or isinstance(y, Quantity):
        return _with_units(operator, x, y)
    raise Failed(f"{operator} is given values that it cannot join")


def _numeric(operator: str, x: Any, y: Any) -> Any:
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case "/":
            return Decimal(x) / Decimal(y)
        case "div":
            return int(Decimal(x) / Decimal(y)) if y else None
        case _:
            remainder = Decimal(x) % Decimal(y) if y else None
            return int(remainder) if remainder is not None and isinstance(x, int) and isinstance(y, int) else remainder


def _with_units(operator: str, x: Any, y: Any) -> Any:
    if isinstance(x, Quantity) and isinstance(y, Quantity) and operator in ("+", "-"):
        if x.unit != y.unit or x.system != y.system:
            return None
        total = x.value + y.value if operator == "+" else x.value - y.value
        return Quantity(total, x.unit, x.system, x.calendar)
    if isinstance(x, Quantity) and is_number(y) and operator in ("*", "/"):
        return Quantity(x.value * y if operator == "*" else x.value / Decimal(y), x.unit, x.system, x.calendar)
    if isinstance(y, Quantity) and is_number(x) and operator == "*":
        return Quantity(y.value * x, y.unit, y.system, y.calendar)
    return None
