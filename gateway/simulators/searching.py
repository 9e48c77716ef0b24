"""How a simulated partner searches: a few parameters, what each kind insists on, pages that may repeat ids.

https://hl7.org/fhir/R4/search.html. An unknown parameter is refused, as careful servers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.simulators.faults import Answer, outcome

Json = dict[str, Any]
_REFERENCES = {"patient": ("subject", "for", "patient"), "subject": ("subject", "for"), "focus": ("focus",)}
_CONTROLS = ("_count", "_at")


@dataclass(frozen=True, slots=True)
class SearchRule:
    """What a kind asks of a search: one of `needs`, only `knows` (empty: all), `_lastUpdated` as a closed range."""

    needs: frozenset[str] = frozenset()
    knows: frozenset[str] = frozenset()
    closed_range: bool = False
    repeats: bool = False
    """Whether a page begins with the last entry of the page before."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as it is served, and when it was last written."""

    resource: Json
    at: datetime


def search(
    stored: Iterable[Stored], parameters: Sequence[tuple[str, str]], *, type: str, rule: SearchRule, base: str
) -> Answer:
    """A page of matches, oldest change first; 400 for what the kind does not take."""
    given = {name for name, _ in parameters}
    if rule.needs and not rule.needs & given:
        return Answer(400, outcome("required"))
    if rule.knows and given - rule.knows - set(_CONTROLS):
        return Answer(400, outcome("not-supported"))
    if rule.closed_range and not _closed([value for name, value in parameters if name == "_lastUpdated"]):
        return Answer(400, outcome("value"))
    try:
        found = [one for one in stored if all(_meets(one, name, value) for name, value in parameters)]
    except (KeyError, ValueError):
        return Answer(400, outcome("not-supported"))
    return _page(sorted(found, key=lambda one: one.at), dict(parameters), parameters, type=type, rule=rule, base=base)


def _page(
    found: Sequence[Stored],
    controls: Mapping[str, str],
    parameters: Sequence[tuple[str, str]],
    *,
    type: str,
    rule: SearchRule,
    base: str,
) -> Answer:
    count, at = int(controls.get("_count", "20")), int(controls.get("_at", "0"))
    first = max(0, at - 1) if rule.repeats else at
    shown, links = found[first : at + count], []
    if at + count < len(found):
        rest = [(name, value) for name, value in parameters if name != "_at"]
        query = "&".join(f"{name}={value}" for name, value in [*rest, ("_at", str(at + count))])
        links = [{"relation": "next", "url": f"{base}/{type}?{query.replace('|', '%7C').replace('+', '%2B')}"}]
    entries = [
        {"fullUrl": f"{base}/{type}/{one.resource['id']}", "resource": one.resource, "search": {"mode": "match"}}
        for one in shown
    ]
    body: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links, "entry": entries}
    return Answer(200, {name: value for name, value in body.items() if value != []})


def _meets(one: Stored, name: str, value: str) -> bool:
    resource = one.resource
    if name in _CONTROLS:
        return True
    if name == "_id":
        return resource["id"] in value.split(",")
    if name == "_lastUpdated":
        return _within(one.at, value)
    if name in ("code", "status", "identifier", "category"):
        return any(_token(held, value) for held in _listed(resource.get(name)))
    return any(
        str((resource.get(element) or {}).get("reference", "")).endswith(value.rpartition("/")[2])
        for element in _REFERENCES[name]
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _token(held: Any, value: str) -> bool:
    system, bar, code = value.rpartition("|")
    if isinstance(held, str):
        return held == code
    pairs = [(one.get("system"), one.get("code")) for one in held.get("coding", [])] or [
        (held.get("system"), held.get("value"))
    ]
    return any(code in (had, "") and (not bar or system == named) for named, had in pairs)


def _closed(values: Sequence[str]) -> bool:
    prefixes = {value[:2] for value in values}
    return not values or prefixes == {"ge", "le"} or all(len(value) == 10 for value in values)


def _within(at: datetime, value: str) -> bool:
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if prefix == "eq":
        return moment <= at < moment + timedelta(days=1)
    return {"ge": at >= moment, "gt": at > moment, "le": at <= moment, "lt": at < moment}[prefix]
