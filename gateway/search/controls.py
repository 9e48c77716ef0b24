"""The parameters that shape the answer instead of filtering it. https://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Issue
from gateway.search.parameters import Parameters
from gateway.search.query import MAX_COUNT, Condition, Include, Query, Sort

CONTROLS = frozenset(
    ["_sort", "_count", "_include", "_revinclude", "_summary", "_total", "_elements", "_page", "_format", "_pretty"]
)
"""Names that are controls; `_format` and `_pretty` are the web room's affair."""
_ONCE = CONTROLS - {"_include", "_revinclude"}
_COLUMNS = {"date": "low", "number": "low", "quantity": "low"}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9\-.]{0,80}", re.ASCII)


@dataclass
class Controls:
    """What the controls of one search said."""

    settled: dict[str, Any] = field(default_factory=dict)
    includes: list[Include] = field(default_factory=list)

    def query(
        self,
        type: str,
        *,
        where: tuple[Condition, ...],
        used: tuple[tuple[str, str], ...],
        warnings: tuple[Issue, ...],
    ) -> Query:
        return Query(type, where=where, used=used, warnings=warnings, includes=tuple(self.includes), **self.settled)


def read_controls(
    type: str, pairs: Iterable[tuple[str, str]], *, parameters: Parameters, issues: list[Issue]
) -> Controls:
    """The controls of a search for `type`; what is wrong is added to `issues`."""
    found = Controls()
    seen: set[str] = set()

    def refuse(name: str, what: str) -> None:
        issues.append(Issue("error", "value", f"'{name}' {what}.", rule="search-control"))

    for whole, value in pairs:
        name, _, modifier = whole.partition(":")
        if name in _ONCE and (name in seen or modifier):
            refuse(name, "is given twice" if name in seen else "has no modifiers")
            continue
        seen.add(name)
        if name in ("_include", "_revinclude"):
            _include(type, name, modifier, value, parameters=parameters, into=found, refuse=refuse)
        elif name in _READERS:
            _READERS[name](type, value, parameters, found.settled, refuse)
    return found


Refuse = Callable[[str, str], None]


def _count(type: str, value: str, parameters: Parameters, out: dict[str, Any], refuse: Refuse) -> None:
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        refuse("_count", "is not a whole number from 0")
        return
    out["count"] = min(int(value), MAX_COUNT)


def _one_of(name: str, *allowed: str) -> Callable[..., None]:
    def read(type: str, value: str, parameters: Parameters, out: dict[str, Any], refuse: Refuse) -> None:
        if value not in allowed:
            refuse(name, f"is none of {', '.join(allowed)}")
        else:
            out[name[1:]] = value

    return read


def _elements(type: str, value: str, parameters: Parameters, out: dict[str, Any], refuse: Refuse) -> None:
    names = tuple(name.strip() for name in value.split(","))
    if all(_WORD.fullmatch(name) for name in names):
        out["elements"] = names
    else:
        refuse("_elements", "is not a list of element names")


def _page(type: str, value: str, parameters: Parameters, out: dict[str, Any], refuse: Refuse) -> None:
    if value and value.isascii() and len(value) <= 200:
        out["page"] = value
    else:
        refuse("_page", "is not a page of this server: begin the search again")


def _sort(type: str, value: str, parameters: Parameters, out: dict[str, Any], refuse: Refuse) -> None:
    keys: list[Sort] = []
    for text in value.split(","):
        code = text.strip().removeprefix("-")
        parameter = parameters.of(type).get(code)
        if parameter is None or parameter.kind == "composite":
            refuse("_sort", f"names what is not a search parameter of {type}")
            continue
        column: Any = {"_id": "id", "_lastUpdated": "at"}.get(code) or _COLUMNS.get(parameter.kind, "value")
        keys.append(Sort(code, column, text.strip().startswith("-")))
    if len(keys) > 4:
        refuse("_sort", "has more than 4 keys")
    out["sort"] = tuple(keys)


def _include(
    type: str,
    name: str,
    modifier: str,
    value: str,
    *,
    parameters: Parameters,
    into: Controls,
    refuse: Refuse,
) -> None:
    if modifier not in ("", "iterate", "recurse"):
        refuse(name, "has no such modifier")
        return
    parts = value.split(":")
    if len(parts) not in (2, 3) or not parameters.knows(parts[0]):
        refuse(name, "is not Type:parameter or Type:parameter:TargetType")
        return
    source, code, target = parts[0], parts[1], parts[2] if len(parts) == 3 else None
    parameter = parameters.of(source).get(code)
    if parameter is None or parameter.kind != "reference":
        refuse(name, f"names what is not a reference parameter of {source}")
        return
    reverse = name == "_revinclude"
    reach = type if reverse and not modifier else target
    if reach and parameter.targets and reach not in parameter.targets:
        refuse(name, f"asks for a type that {code} does not refer to")
    elif not reverse and not modifier and source != type:
        refuse(name, f"starts at another type than {type}: only :iterate may")
    else:
        into.includes.append(Include(source, code, target, reverse, bool(modifier)))


_READERS: dict[str, Callable[[str, str, Parameters, dict[str, Any], Refuse], None]] = {
    "_count": _count,
    "_elements": _elements,
    "_page": _page,
    "_sort": _sort,
    "_summary": _one_of("_summary", "true", "text", "data", "count", "false"),
    "_total": _one_of("_total", "none", "estimate", "accurate"),
}
