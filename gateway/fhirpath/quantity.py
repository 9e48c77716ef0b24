"""Quantities and the units that can be compared offline. https://hl7.org/fhirpath/N1/#quantity"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

UCUM = "http://unitsofmeasure.org"
CALENDAR_UNITS = {
    word + plural: code
    for word, code in {
        "year": "a",
        "month": "mo",
        "week": "wk",
        "day": "d",
        "hour": "h",
        "minute": "min",
        "second": "s",
        "millisecond": "ms",
    }.items()
    for plural in ("", "s")
}
_SCALE: dict[str, tuple[str, Decimal]] = {  # UCUM code -> (dimension, factor to its base)
    code: (dimension, Decimal(factor))
    for dimension, codes in {
        "mass": {
            "kg": "1000",
            "g": "1",
            "mg": "0.001",
            "ug": "0.000001",
            "[lb_av]": "453.59237",
            "[oz_av]": "28.349523125",
        },
        "length": {"km": "1000", "m": "1", "cm": "0.01", "mm": "0.001", "[in_i]": "0.0254", "[ft_i]": "0.3048"},
        "volume": {"L": "1", "l": "1", "dL": "0.1", "dl": "0.1", "mL": "0.001", "ml": "0.001", "uL": "0.000001"},
        "time": {"wk": "604800", "d": "86400", "h": "3600", "min": "60", "s": "1", "ms": "0.001"},
        "months": {"a": "12", "mo": "1"},
        "ratio": {"1": "1", "%": "0.01"},
    }.items()
    for code, factor in codes.items()
}


class Quantity(msgspec.Struct, frozen=True):
    """`unit` is a UCUM code (`1` for none), or with `system` set a code of that system."""

    value: Decimal
    unit: str = "1"
    system: str | None = None
    calendar: bool = False

    def ratio_to(self, other: Quantity) -> tuple[Decimal, Decimal] | None:
        """Both values on one scale, or None when they cannot be compared."""
        if self.system != other.system:
            return None
        if self.unit == other.unit:
            return self.value, other.value
        mine, theirs = _SCALE.get(self.unit), _SCALE.get(other.unit)
        if self.system is not None or mine is None or theirs is None or mine[0] != theirs[0]:
            return None
        return self.value * mine[1], other.value * theirs[1]

    def compare(self, other: Quantity) -> int | None:
        """-1, 0, 1, or None when the units cannot be compared."""
        values = self.ratio_to(other)
        if values is None:
            return None
        return (values[0] > values[1]) - (values[0] < values[1])

    @property
    def text(self) -> str:
        return f"{self.value} '{self.unit}'"


def from_fhir(value: dict[str, Any]) -> Quantity | None:
    """A FHIR Quantity as a FHIRPath one; None without a plain value, or with a comparator (it is then a range)."""
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | Decimal | float) or "comparator" in value:
        return None
    system = value.get("system")
    unit = value.get("code") or value.get("unit") or "1"
    if not isinstance(unit, str):
        return None
    return Quantity(Decimal(str(number)), unit, None if system in (None, UCUM) else str(system))
