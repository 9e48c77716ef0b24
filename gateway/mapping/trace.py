"""Where each field of a record ends up in FHIR, found by changing one field at a time and mapping again.

What is shown is what the mappers do, not what a document says they do; it needs no table that could be out of date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from gateway.fhir.codec import Json

Step = str | int
_CONSEQUENCES = {"id", "reference"}
"""Ids and references follow from keys: they change with nearly everything and explain nothing."""


def trace(record: Any, to_fhir: Callable[[Any], Json]) -> dict[str, tuple[str, ...]]:
    """Domain path -> FHIR elements (`ServiceRequest.priority`) that hold it; empty when no element does.

    `to_fhir` maps a record to a Bundle and is called once for every leaf of the record.
    """
    before = _elements(to_fhir(record))
    return {dotted(steps): _changed(record, steps, before, to_fhir) for steps in _leaves(record, ())}


def dotted(steps: tuple[Step, ...]) -> str:
    """`("member", "phones", 0, "number")` -> `member.phones[0].number`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _leaves(value: Any, steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if is_dataclass(value):
        for one in fields(value):
            yield from _leaves(getattr(value, one.name), (*steps, one.name))
    elif isinstance(value, tuple):
        for at, one in enumerate(value):
            yield from _leaves(one, (*steps, at))
    elif value is not None:
        yield steps


def _changed(
    record: Any, steps: tuple[Step, ...], before: Counter[tuple[str, str]], to_fhir: Callable[[Any], Json]
) -> tuple[str, ...]:
    """The elements that differ once the leaf is another one, or is gone where another is not possible."""
    for change in (_another, _nothing):
        try:
            after = _elements(to_fhir(_with(record, steps, change)))
        except (LookupError, ValueError, TypeError, AttributeError):
            continue
        return tuple(sorted({path for path, _ in (before - after) + (after - before)}))
    return _changed(record, steps[:-1], before, to_fhir) if len(steps) > 1 else ()


def _with(value: Any, steps: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    if not steps:
        return change(value)
    first, rest = steps[0], steps[1:]
    if isinstance(first, int):
        made = _with(value[first], rest, change)
        return (*value[:first], *(() if made is None else (made,)), *value[first + 1 :])
    return replace(value, **{first: _with(getattr(value, first), rest, change)})


def _another(value: Any) -> Any:
    """A different value of the same kind."""
    if isinstance(value, StrEnum):
        codes = list(type(value))
        return codes[(codes.index(value) + 1) % len(codes)]
    if isinstance(value, bool):
        return not value
    if isinstance(value, date):
        return value + timedelta(days=1)
    if isinstance(value, str):
        return f"{value}x"
    raise ValueError("not a leaf")


def _nothing(value: Any) -> None:
    return None


def _elements(bundle: Json) -> Counter[tuple[str, str]]:
    """How often each (element path, value) stands in the resources."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in bundle.get("entry", ()):
        resource = entry["resource"]
        _walk(resource, resource["resourceType"], found)
    return found


def _walk(value: Any, path: str, found: Counter[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in _CONSEQUENCES and name != "resourceType":
                _walk(part, f"{path}.{name}", found)
    elif isinstance(value, list):
        for one in value:
            url = one.get("url") if isinstance(one, dict) and path.endswith("xtension") else None
            _walk(one, f"{path}({url.rsplit('/', 1)[-1]})" if isinstance(url, str) else path, found)
    else:
        found[path, str(value)] += 1
