"""Whether a text is a UCUM unit, case-sensitive form. https://ucum.org/ucum, sections 2.1 to 2.4."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.validation.terminology.registries import words

MAX_LENGTH = 1_000
"""Characters of a unit that is looked at; the longest in published value sets has 50."""

_PREFIXES = frozenset(words("ucum", "prefixes"))
_METRIC = frozenset(words("ucum", "metric"))
_ATOMS = _METRIC | frozenset(words("ucum", "other"))
_LONGEST_PREFIX = max(map(len, _PREFIXES))

_ANNOTATION = r"\{[\x20-\x7A\x7C\x7E]*\}"  # spaces: UCUM has none there, but FHIR's own unit lists do
_SYMBOL = r"(?:[^\[\]{}()./\x00-\x20\x7F-\U0010FFFF]|\[[\x21-\x5A\x5C\x5E-\x7E]+\])+"
_TOKEN = re.compile(rf"(?P<symbol>{_SYMBOL})|(?P<annotation>{_ANNOTATION})|(?P<mark>[()./])")
_EXPONENT = re.compile(r"[+-]?[0-9]+\Z")


def is_unit(text: str) -> bool:
    """Whether `text` is a valid unit: `mg/dL`, `10*3/uL`, `{score}`, `kg.m/s2`, `/min`."""
    if not text or len(text) > MAX_LENGTH:
        return False
    depth = 0
    unit_next, annotatable = True, False  # whether a unit must come next; whether an annotation may follow
    for place, found in enumerate(_tokens(text)):
        if found is None:
            return False
        kind, part = found
        if kind == "annotation":
            if not (unit_next or annotatable):
                return False
            unit_next, annotatable = False, False
        elif kind == "symbol":
            if not unit_next or not _is_simple(part):
                return False
            unit_next, annotatable = False, True
        elif part == "(":
            if not unit_next:
                return False
            depth += 1
        elif part == ")":
            if unit_next or depth == 0:
                return False
            depth, annotatable = depth - 1, True
        else:
            if unit_next and not (part == "/" and place == 0):
                return False
            unit_next, annotatable = True, False
    return not unit_next and depth == 0


def _tokens(text: str) -> list[tuple[str, str] | None]:
    found: list[tuple[str, str] | None] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return [*found, None]
        assert match.lastgroup is not None
        found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


def _is_simple(symbol: str) -> bool:
    """A number, or an atom with or without prefix and exponent."""
    if symbol.isdecimal() and symbol.isascii():
        return True
    exponent = _EXPONENT.search(symbol)
    if exponent is None:
        return _is_atom(symbol)
    # The digits at the end may be the atom's own: `10*` does not end in one, so trying both is enough.
    return _is_atom(symbol[: exponent.start()]) or _is_atom(symbol)


def _is_atom(symbol: str) -> bool:
    if symbol in _ATOMS:
        return True
    return any(
        symbol[:length] in _PREFIXES and symbol[length:] in _METRIC
        for length in range(1, min(_LONGEST_PREFIX, len(symbol) - 1) + 1)
    )


_POWERS = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3,
    "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_SAME = {
    "L": ("l", Decimal(1)), "min": ("s", Decimal(60)), "h": ("s", Decimal(3600)), "d": ("s", Decimal(86_400)),
    "wk": ("s", Decimal(604_800)), "mo": ("s", Decimal(2_629_800)), "a": ("s", Decimal(31_557_600)),
}  # fmt: skip
"""Units that are so many of another: https://ucum.org/ucum, tables 5 and 12."""


def ratio(one: str, other: str) -> Decimal | None:
    """How many of the second unit the first is, as `mg` is 0.001 of `g`; None where the two measure different things,
    or are more than prefixed atoms with one division."""
    if one == other:
        return Decimal(1)
    left, right = _reduced(one), _reduced(other)
    if left is None or right is None or left[0] != right[0]:
        return None
    return left[1] / right[1]


_MEASURED = ("g", "l", "s", "m", "mol")
"""Atoms that measure mass, volume, time, length and amount: none can be had from another."""


def incomparable(one: str, other: str) -> bool:
    """Whether two units surely measure different things, as mg and mL."""
    left, right = _reduced(one), _reduced(other)
    if left is None or right is None:
        return False
    return len(left[0]) == len(right[0]) == 1 and left[0] != right[0] and {*left[0], *right[0]} <= {*_MEASURED}


def _reduced(unit: str) -> tuple[tuple[str, ...], Decimal] | None:
    """The atoms above and below the line, and the factor before them."""
    parts = unit.split("/") if len(unit) <= MAX_LENGTH else []
    found = [_atom_and_factor(part) for part in parts if len(parts) <= 2]
    if not found or any(one is None for one in found):
        return None
    (above, factor), *rest = (one for one in found if one is not None)
    for _, below in rest:
        factor /= below
    return (above, *(atom for atom, _ in rest)), factor


def _atom_and_factor(symbol: str) -> tuple[str, Decimal] | None:
    if symbol in _SAME:
        return _SAME[symbol]
    if symbol in _ATOMS:
        return symbol, Decimal(1)
    for prefix, power in _POWERS.items():
        atom = symbol.removeprefix(prefix)
        if atom != symbol and atom in _METRIC:
            known, factor = _SAME.get(atom, (atom, Decimal(1)))
            return known, factor.scaleb(power)
    return None
