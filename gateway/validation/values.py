"""Whether a value equals a fixed one, or holds a pattern. https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition"""

from __future__ import annotations

from typing import Any


def same(value: Any, fixed: Any) -> bool:
    """Exactly equal, order of members aside; true is not 1, and 1.0 equals 1.00."""
    if isinstance(fixed, dict):
        return isinstance(value, dict) and value.keys() == fixed.keys() and all(same(value[k], fixed[k]) for k in fixed)
    if isinstance(fixed, list):
        return isinstance(value, list) and len(value) == len(fixed) and all(map(same, value, fixed))
    return (type(value) is bool) == (type(fixed) is bool) and bool(value == fixed)


def holds(value: Any, pattern: Any) -> bool:
    """At least what the pattern has: each member, and for each item of a list some item that holds it."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(k in value and holds(value[k], p) for k, p in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(holds(v, p) for v in value) for p in pattern)
    return same(value, pattern)
