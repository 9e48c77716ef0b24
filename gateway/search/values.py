"""Parameter values as they are written, into values that compare. https://hl7.org/fhir/R4/search.html#ptypes

A value that cannot be read raises ValueError with a sentence's end that never quotes the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import cast

from gateway.search.dates import instant, interval
from gateway.search.numbers import decimal, implied, sortable
from gateway.search.parameters import Parameter
from gateway.search.query import Amount, Prefix, Span, Target, Text, Together, Token, Uri, Value
from gateway.search.references import normal, type_of
from gateway.search.text import bounded, folded

_PREFIXED = re.compile(r"(eq|ne|lt|gt|le|ge|sa|eb|ap)?(.*)", re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]*:\S+", re.ASCII | re.IGNORECASE)


def split(text: str, mark: str) -> list[str]:
    """`text` at every `mark` that no backslash precedes; the parts stay escaped."""
    parts: list[str] = []
    part = ""
    escaped = False
    for letter in text:
        if letter == mark and not escaped:
            parts.append(part)
            part = ""
        else:
            part += letter
        escaped = letter == "\\" and not escaped
    return [*parts, part]


def plain(text: str) -> str:
    """`text` without its escapes: `\\,` `\\|` `\\$` `\\\\`; ValueError for any other backslash."""
    if "\\" not in text:
        return text
    if not re.fullmatch(r"(?:[^\\]|\\[,|$\\])*", text, re.DOTALL):
        raise ValueError(r"has a backslash that escapes none of , | $ \ (write \\ for a backslash)")
    return re.sub(r"\\([,|$\\])", r"\1", text)


def token(text: str, *, codes_of: tuple[str, ...] | None = None) -> Token:
    """`code`, `system|code`, `|code` or `system|`. `codes_of`: the values are plain codes of these systems."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1:
        return Token(None, bounded(parts[0]))
    if len(parts) > 2 or not any(parts):
        raise ValueError("is not code, system|code, |code or system|")
    system, code = parts
    if codes_of is not None and system:
        if system not in codes_of or not code:
            raise ValueError("is a code of a fixed list: write the code alone, or with the list's own system")
        return Token(None, bounded(code))
    return Token(bounded(system), bounded(code) if code else None)


def string(text: str, how: str | None) -> Text:
    """A string with the modifier `exact`, `contains` or none."""
    written = plain(text)
    value = folded(written)
    if how == "exact":
        return Text(value, "exact", bounded(written))
    if not value:
        raise ValueError("is blank")
    return Text(value, "contains" if how == "contains" else "starts")


def span(text: str, *, now: datetime | None = None) -> Span:
    """A date with its prefix; `ap` widens by a tenth of the distance to now."""
    prefix, written = _prefixed(text)
    try:
        low, high = interval(written)
    except ValueError:
        raise ValueError("is not a FHIR date like 2026-03-02 or 2026-03-02T09:30:00-08:00") from None
    if prefix == "ap":
        away = abs(instant(now) - low) // 10 if now else 0
        low, high = low - away, high + away
    return Span(prefix, low, high)


def amount(text: str, *, quantity: bool) -> Amount:
    """A number, or `number|system|code` for a quantity, with its prefix."""
    prefix, written = _prefixed(text)
    parts = [plain(part) for part in split(written, "|")]
    if len(parts) not in ((1, 3) if quantity else (1,)):
        raise ValueError("is not number or number|system|code" if quantity else "is not a number")
    try:
        value = decimal(parts[0])
    except ValueError:
        raise ValueError("does not begin with a number" if quantity else "is not a number") from None
    low, high = implied(value)
    if prefix == "ap":
        low, high = min(low, value - abs(value) / 10), max(high, value + abs(value) / Decimal(10))
    system, unit = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    return Amount(
        prefix, sortable(value), sortable(low), sortable(high), bounded(system) or None, bounded(unit) or None
    )


def reference(text: str, *, parameter: Parameter, type: str | None, base: str) -> Target | Uri:
    """`id`, `Type/id` or an address; `type` from the modifier `:Type`."""
    written = plain(text)
    if parameter.routes and all(route.leaf != "Reference" for route in parameter.routes):
        return uri(text, below=False, versioned=True)
    if _ID.fullmatch(written):
        types = (type,) if type else parameter.targets
        if not types:
            raise ValueError("is an id without a type: write Type/id")
        return Target(tuple(f"{name}/{written}" for name in types))
    target = normal(written, base=base)
    if target is None or not (type_of(target) or _ADDRESS.fullmatch(target)):
        raise ValueError("is not an id, Type/id or an absolute address")
    if type and type_of(target) not in (type, None):
        raise ValueError("names another type than the parameter's modifier")
    return Target((bounded(target),))


def uri(text: str, *, below: bool, versioned: bool) -> Uri:
    """An address as written; a canonical's version after `|` narrows it."""
    written = plain(text.replace("|", "\\|") if "\\" not in text else text)
    if not written:
        raise ValueError("is empty")
    address, mark, version = written.partition("|") if versioned else (written, "", "")
    return Uri(bounded(address), version if mark else None, below)


def together(text: str, *, parameter: Parameter, now: datetime | None, base: str) -> Together:
    """A composite's value: one value for each component, with $ between them."""
    texts = split(text, "$")
    if len(texts) != len(parameter.parts):
        raise ValueError(f"is not {len(parameter.parts)} values with $ between them")
    found: list[Value] = []
    for part, one in zip(parameter.parts, texts, strict=True):
        routes = tuple(route for _, some in part.routes for route in some)
        read = reader(Parameter(parameter.code, part.kind, routes=routes), None, now=now, base=base)
        value = read(one) if read and one else None
        if value is None or isinstance(value, Together):
            raise ValueError("has an empty value")
        found.append(value)
    return Together(tuple(found))


def reader(
    parameter: Parameter, modifier: str | None, *, now: datetime | None = None, base: str = ""
) -> Callable[[str], Value | Together] | None:
    """How values of `parameter` are read under `modifier`; None when it has no such modifier."""
    kind = parameter.kind
    if kind == "composite" and modifier is None:
        return lambda text: together(text, parameter=parameter, now=now, base=base)
    if kind == "token" and modifier in (None, "not"):
        return lambda text: token(text, codes_of=parameter.systems if parameter.codes_only else None)
    if kind == "string" and modifier in (None, "exact", "contains"):
        return lambda text: string(text, modifier)
    if kind == "date" and modifier is None:
        return lambda text: span(text, now=now)
    if kind in ("number", "quantity") and modifier is None:
        return lambda text: amount(text, quantity=kind == "quantity")
    if kind == "uri" and modifier in (None, "below"):
        versioned = any(route.leaf == "canonical" for route in parameter.routes)
        return lambda text: uri(text, below=modifier == "below", versioned=versioned)
    if kind == "reference" and modifier == "identifier":
        return token
    if kind == "reference" and (modifier is None or (modifier[:1].isupper() and _targets(parameter, modifier))):
        return lambda text: reference(text, parameter=parameter, type=modifier, base=base)
    return None


def _targets(parameter: Parameter, type: str) -> bool:
    return not parameter.targets or type in parameter.targets


def _prefixed(text: str) -> tuple[Prefix, str]:
    found = _PREFIXED.fullmatch(text)
    assert found
    return cast(Prefix, found[1] or "eq"), found[2]
