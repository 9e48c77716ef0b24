"""One FHIR value as index entries, by kind of parameter and FHIR type of the value.

https://hl7.org/fhir/R4/search.html#ptypes. Every emitter takes the parameter's code and the value, and adds to a list.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from gateway.search.dates import EARLIEST, LATEST, interval
from gateway.search.numbers import sortable
from gateway.search.references import normal
from gateway.search.text import bounded, folded


class Entry(NamedTuple):
    """One row of the search index; `gateway.search.extract` says what each kind keeps where."""

    param: str
    system: str | None = None
    value: str | None = None
    low: int | None = None
    high: int | None = None


Emit = Callable[[str, Any, "list[Entry]"], None]
_NAME_PARTS = ("family", "given", "prefix", "suffix", "text")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country", "text")


def _code(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, str):
        out.append(Entry(param, None, bounded(value)))
    elif isinstance(value, bool):
        out.append(Entry(param, None, "true" if value else "false"))


def _token(param: str, system: str | None, code: str | None, out: list[Entry]) -> None:
    """A system without a code has the empty code: `system|` finds it."""
    if system:
        out.append(Entry(param, bounded(system), bounded(code) if code else ""))
    else:
        out.append(Entry(param, None, bounded(code) if code else None))


def _coding(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, dict):
        _token(param, value.get("system"), value.get("code"), out)


def _concept(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, dict):
        codings = value.get("coding")
        for coding in codings or ():
            _coding(param, coding, out)
        if not codings:
            out.append(Entry(param))


def _identifier(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, dict):
        _token(param, value.get("system"), value.get("value"), out)


def _contact(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, dict):
        number = value.get("value")
        out.append(Entry(param, None, bounded(number) if number else None))


def _string(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, str):
        out.append(Entry(param, bounded(value), folded(value)))


def _parts(names: tuple[str, ...]) -> Emit:
    def emit(param: str, value: Any, out: list[Entry]) -> None:
        if not isinstance(value, dict):
            return
        for name in names:
            part = value.get(name)
            for text in part if isinstance(part, list) else (part,):
                if text:
                    _string(param, text, out)

    return emit


def _date(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, str):
        low, high = interval(value)
        out.append(Entry(param, None, None, low, high))


def _period(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        low = interval(start)[0] if start else EARLIEST
        out.append(Entry(param, None, None, low, interval(end)[1] if end else LATEST))


def _timing(param: str, value: Any, out: list[Entry]) -> None:
    if not isinstance(value, dict):
        return
    spans = [interval(event) for event in value.get("event", ()) if isinstance(event, str)]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if spans:
        out.append(Entry(param, None, None, min(low for low, _ in spans), max(high for _, high in spans)))
    elif bounds:
        _period(param, bounds, out)
    else:
        out.append(Entry(param, None, None, EARLIEST, LATEST))


def _number(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        point = sortable(value)
        out.append(Entry(param, None, None, point, point))


def _quantity(param: str, value: Any, out: list[Entry]) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("value"), (int, Decimal)):
        return
    point = sortable(value["value"])
    system, code = value.get("system"), value.get("code") or value.get("currency")
    unit = value.get("unit")
    out.append(Entry(param, bounded(system) if system else None, bounded(code) if code else None, point, point))
    if unit and unit != code:
        out.append(Entry(param, None, bounded(unit), point, point))


def _canonical(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, str):
        address, _, version = value.partition("|")
        out.append(Entry(param, version or None, bounded(address)))


def _uri(param: str, value: Any, out: list[Entry]) -> None:
    if isinstance(value, str):
        out.append(Entry(param, None, bounded(value)))


def reference(base: str) -> Emit:
    """Emit references; those under `base`, this server's own address, become relative."""

    def emit(param: str, value: Any, out: list[Entry]) -> None:
        if not isinstance(value, dict):
            return
        literal = value.get("reference")
        target = normal(literal, base=base) if isinstance(literal, str) else None
        out.append(Entry(param, None, bounded(target) if target else None))
        if isinstance(value.get("identifier"), dict):
            _identifier(f"{param}:identifier", value["identifier"], out)

    return emit


_TOKEN: dict[str, Emit] = {
    "CodeableConcept": _concept,
    "Coding": _coding,
    "Identifier": _identifier,
    "ContactPoint": _contact,
}
_DATE: dict[str, Emit] = {"Period": _period, "Timing": _timing}


def emitter(kind: str, leaf: str, *, base: str = "") -> Emit:
    """How values of FHIR type `leaf` are indexed for a parameter of `kind`."""
    if kind == "token":
        return _TOKEN.get(leaf, _code)
    if kind == "string":
        return {"HumanName": _parts(_NAME_PARTS), "Address": _parts(_ADDRESS_PARTS)}.get(leaf, _string)
    if kind == "date":
        return _DATE.get(leaf, _date)
    if kind == "reference":
        return {"Reference": reference(base), "canonical": _canonical}.get(leaf, _uri)
    if kind == "uri":
        return _canonical if leaf == "canonical" else _uri
    return {"number": _number, "quantity": _quantity}[kind]


def shape(value: Any) -> str:
    """The FHIR type that a value found by the full engine looks like."""
    if not isinstance(value, dict):
        return "string"
    if value.keys() & {"family", "given"}:
        return "HumanName"
    if value.keys() & {"line", "city", "postalCode"}:
        return "Address"
    if value.keys() & {"reference"}:
        return "Reference"
    if value.keys() & {"start", "end"}:
        return "Period"
    if "code" in value:
        return "Coding"
    return "Identifier" if "value" in value else "CodeableConcept"
