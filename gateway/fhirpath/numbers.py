"""Math functions. https://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import EMPTY, Code, Scope, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed
from gateway.fhirpath.quantity import Quantity
from gateway.fhirpath.syntax import Call
from gateway.fhirpath.values import is_number, system

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler


def _on_number(name: str, apply: Callable[..., Any], *, least: int = 0, most: int | None = None) -> None:
    """A function of one number and number arguments; what has no real result gives empty."""

    @function(name, least=least, most=most)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn, static = source.fn, source.type
        arguments = [(code.fn, code.type) for code in (compiler.code(a, scope) for a in node.arguments)]

        def call(t: Any, e: Env) -> list[Any]:
            values = [system(one(fn(t, e), name), static)]
            values += [system(one(make(t, e), name), of) for make, of in arguments]
            if any(value is None for value in values):
                return EMPTY
            if name == "abs" and isinstance(values[0], Quantity):
                quantity = values[0]
                return [Quantity(abs(quantity.value), quantity.unit, quantity.system, quantity.calendar)]
            if not all(is_number(value) for value in values):
                raise Failed(f"{name}() is given what is no number")
            try:
                result = apply(*values)
            except (DecimalException, ArithmeticError, ValueError):
                return EMPTY
            return EMPTY if result is None else [result]

        return Code(call, None, single=True)


def _power(base: Any, exponent: Any) -> Any:
    value = Decimal(base) ** Decimal(exponent)
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent >= 0
    return int(value) if whole and abs(value) < 2**31 else value


def _round(value: Any, places: int = 0) -> Any:
    if not 0 <= places <= 28:
        raise ValueError
    return Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


_on_number("abs", abs)
_on_number("ceiling", lambda value: math.ceil(value))
_on_number("floor", lambda value: math.floor(value))
_on_number("truncate", lambda value: math.trunc(value))
_on_number("exp", lambda value: Decimal(value).exp())
_on_number("ln", lambda value: Decimal(value).ln())
_on_number("log", lambda value, base: Decimal(value).ln() / Decimal(base).ln(), least=1)
_on_number("sqrt", lambda value: Decimal(value).sqrt())
_on_number("power", _power, least=1)
_on_number("round", _round, most=1)
