"""Conversions between system types. https://hl7.org/fhirpath/N1/#conversion"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import EMPTY, Code, Scope, from_truth, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.quantity import CALENDAR_UNITS, Quantity
from gateway.fhirpath.syntax import Call
from gateway.fhirpath.temporal import Temporal
from gateway.fhirpath.values import system, text_of

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d{1,10}")
_DECIMAL = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?")
_QUANTITY = re.compile(r"([+-]?\d{1,40}(?:\.\d{1,40})?)\s*(?:'([^']+)'|([a-zA-Z]+))?")


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return True if value.lower() in _TRUE else False if value.lower() in _FALSE else None
    if isinstance(value, int | Decimal):
        return True if value == 1 else False if value == 0 else None
    return None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    number = int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value
    return number if isinstance(number, int) and -(2**31) <= number < 2**31 else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(value))
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found[3] and found[3] not in CALENDAR_UNITS):
        return None
    unit = found[2] or CALENDAR_UNITS.get(found[3] or "", "1")
    return Quantity(Decimal(found[1]), unit, calendar=bool(found[3]))


def _date(value: Any) -> Temporal | None:
    moment = Temporal.parse(value) if isinstance(value, str) else value
    if not isinstance(moment, Temporal) or moment.kind == "Time":
        return None
    return Temporal.parse(moment.text.partition("T")[0])


def _date_time(value: Any) -> Temporal | None:
    moment = Temporal.parse(value) if isinstance(value, str) else value
    if not isinstance(moment, Temporal) or moment.kind == "Time":
        return None
    return moment if moment.kind == "DateTime" else Temporal.parse(moment.text + "T")


def _time(value: Any) -> Temporal | None:
    if isinstance(value, str):
        value = Temporal.parse("T" + value.removeprefix("T"))
    return value if isinstance(value, Temporal) and value.kind == "Time" else None


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Boolean": _boolean,
    "Integer": _integer,
    "Decimal": _decimal,
    "Quantity": _quantity,
    "Date": _date,
    "DateTime": _date_time,
    "Time": _time,
    "String": text_of,
}


def _conversion(name: str, convert: Callable[[Any], Any]) -> None:
    @function(f"to{name}", most=1 if name == "Quantity" else 0)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn, static = source.fn, source.type

        def call(t: Any, e: Env) -> list[Any]:
            value = system(one(fn(t, e), f"to{name}()"), static)
            result = None if value is None else convert(value)
            return EMPTY if result is None else [result]

        return Code(call, f"System.{name}", single=True)

    @function(f"convertsTo{name}", most=1 if name == "Quantity" else 0)
    def build_test(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn, static = source.fn, source.type

        def truth(t: Any, e: Env) -> bool | None:
            value = system(one(fn(t, e), f"convertsTo{name}()"), static)
            return None if value is None else convert(value) is not None

        return from_truth(truth)


for _name, _convert in _CONVERSIONS.items():
    _conversion(_name, _convert)
