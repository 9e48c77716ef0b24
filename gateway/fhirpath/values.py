"""Items at run time, and when two are equal, equivalent or in order. https://hl7.org/fhirpath/N1/#equality

An item is a plain JSON value whose FHIR type the compiled expression knows, a system value (bool, int, str, Decimal,
Temporal, Quantity), or a Node where the type is known only at run time or a primitive carries extensions.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from gateway.fhirpath.errors import Failed
from gateway.fhirpath.model import PRIMITIVES
from gateway.fhirpath.quantity import Quantity, from_fhir
from gateway.fhirpath.temporal import Temporal

ABSTRACT: Final = frozenset({"Resource", "DomainResource"})
QUANTITIES: Final = frozenset({"Quantity", "SimpleQuantity", "Age", "Duration", "Distance", "Count", "MoneyQuantity"})
MOMENTS: Final = frozenset({"date", "dateTime", "instant"})
_SYSTEM: Final = {
    bool: "System.Boolean",
    int: "System.Integer",
    str: "System.String",
    Decimal: "System.Decimal",
    float: "System.Decimal",
    Quantity: "System.Quantity",
}


class Node:
    """A JSON value with its FHIR type; of a primitive, `element` is the sibling `_name` (id and extensions) and
    `value` is None when it has only that."""

    __slots__ = ("element", "type", "value")

    def __init__(self, value: Any, type: str | None, element: dict[str, Any] | None = None) -> None:
        self.value = value
        self.type = type
        self.element = element


def type_of(item: Any, static: str | None) -> str | None:
    """The FHIR type of an item, or `System.X`; None for an object of unknown type."""
    if type(item) is Node:
        item, static = item.value, item.type
    if static is not None and static not in ABSTRACT:
        return static
    if type(item) is dict:
        named = item.get("resourceType")
        return named if isinstance(named, str) else static
    if type(item) is Temporal:
        return "System." + item.kind
    return _SYSTEM.get(type(item))


def raw(item: Any) -> Any:
    """The JSON or system value; the sibling object of a primitive that has no value."""
    if type(item) is Node:
        return item.element if item.value is None else item.value
    return item


def system(item: Any, static: str | None) -> Any:
    """The system value that FHIRPath operators work on; dicts other than quantities stay; None has no value."""
    if type(item) is Node:
        item, static = item.value, item.type
    if type(item) is str:
        if static in MOMENTS:
            return Temporal.parse(item) or item
        return Temporal.parse("T" + item) or item if static == "time" else item
    if type(item) is dict and static in QUANTITIES:
        return from_fhir(item) or item
    return Decimal(repr(item)) if type(item) is float else item


def equal(left: Any, right: Any) -> bool | None:
    """`=` on two system values."""
    if left is None or right is None:
        return None
    kind, other = type(left), type(right)
    if kind is other and (kind is str or kind is int or kind is bool):
        return bool(left == right)
    if kind is Temporal or other is Temporal:
        return _equal_moments(left, right)
    if kind is Quantity or other is Quantity:
        return _equal_quantities(left, right)
    if (kind is bool) != (other is bool):
        return False
    if kind is dict and other is dict:
        return bool(_plain(left) == _plain(right))
    return bool(left == right)


def _plain(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != "id"} if "id" in value and "resourceType" not in value else value


def _equal_moments(left: Any, right: Any) -> bool | None:
    if isinstance(left, str):
        left = Temporal.parse(left)
    if isinstance(right, str):
        right = Temporal.parse(right)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return left.equal(right)
    return False


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Quantity(Decimal(value))
    return None


def _equal_quantities(left: Any, right: Any) -> bool | None:
    one, two = _quantity(left), _quantity(right)
    if one is None or two is None:
        return False
    compared = one.compare(two)
    return None if compared is None else compared == 0


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 for two system values; None where it is open; Failed for values of different kinds."""
    if left is None or right is None:
        return None
    if isinstance(left, Temporal) or isinstance(right, Temporal):
        one = Temporal.parse(left) if isinstance(left, str) else left
        two = Temporal.parse(right) if isinstance(right, str) else right
        if isinstance(one, Temporal) and isinstance(two, Temporal):
            return one.compare(two)
    elif isinstance(left, Quantity) or isinstance(right, Quantity):
        first, second = _quantity(left), _quantity(right)
        if first is not None and second is not None:
            return first.compare(second)
    elif (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return int(left > right) - int(left < right)
    elif isinstance(left, dict) or isinstance(right, dict):
        return None
    raise Failed("values of different kinds are put in order")


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def equivalent(left: Any, right: Any) -> bool:
    """`~` on two system values: text without case and spacing, numbers to the lesser precision."""
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.lower().split()) == " ".join(right.lower().split())
    if is_number(left) and is_number(right):
        places = min(_places(left), _places(right))
        return bool(round(Decimal(left), places) == round(Decimal(right), places))
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return left.compare(right) == 0
    if isinstance(left, dict) and isinstance(right, dict):
        keys = {k for k in (*left, *right) if k != "id"}
        return all(k in left and k in right and _alike(left[k], right[k]) for k in keys)
    return equal(left, right) is True


def _alike(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        rest = list(right)
        return len(left) == len(right) and all(_struck(one, rest) for one in left)
    return equivalent(left, right)


def _struck(one: Any, rest: list[Any]) -> bool:
    for place, other in enumerate(rest):
        if _alike(one, other):
            del rest[place]
            return True
    return False


def _places(value: Any) -> int:
    exponent = Decimal(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def key_of(value: Any) -> Any:
    """A hashable key for a system value such that equal values have equal keys, or None when there is no such key."""
    if isinstance(value, str | bool):
        return (type(value), value)
    if isinstance(value, int | Decimal):
        return (int, value)
    return None


def text_of(value: Any) -> str | None:
    """How a system value is written as a string; None for what cannot be."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Temporal | Quantity):
        return value.text
    return None


def is_primitive(item: Any, static: str | None) -> bool:
    """Whether the item is a FHIR primitive or system value (not an object)."""
    if type(item) is Node:
        return item.type in PRIMITIVES or (item.type is None and type(item.value) is not dict)
    return type(item) is not dict
