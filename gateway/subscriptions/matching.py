"""Search conditions asked of one version's index entries, without a database.

The same values and the same meaning as `gateway.store.search_conditions` gives them in SQL (a test compares), so that
what a filter lets through is exactly what a search with it would find. Chains need other resources and are refused
when a Subscription is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from gateway.ports import Change
from gateway.search.emit import Entry
from gateway.search.query import (
    Amount,
    Condition,
    Ids,
    Is,
    Missing,
    Span,
    Target,
    Text,
    Together,
    Token,
    Updated,
    Uri,
    Value,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Entries = Mapping[str, Sequence[Entry]]


def meets(conditions: Sequence[Condition], change: Change) -> bool:
    """Whether the version that was kept meets every condition."""
    by_param: dict[str, list[Entry]] = {}
    for entry in change.entries:
        by_param.setdefault(entry.param, []).append(entry)
    return all(_meets(condition, change, by_param) for condition in conditions)


def _meets(condition: Condition, change: Change, entries: Entries) -> bool:
    if isinstance(condition, Ids):
        return change.id in condition.ids
    if isinstance(condition, Updated):
        at = (change.at - _EPOCH) // timedelta(microseconds=1)
        return any(_span(value, at, at + 1) for value in condition.values)
    if isinstance(condition, Missing):
        return condition.missing != bool(entries.get(condition.param))
    if isinstance(condition, Is):
        found = any(_value(value, entry) for entry in entries.get(condition.param, ()) for value in condition.values)
        return found != condition.negated
    raise TypeError("a chain cannot be asked of one resource")


def _value(value: Value | Together, entry: Entry) -> bool:
    if isinstance(value, Together):
        raise TypeError("a composite is no filter")
    if isinstance(value, Token):
        return _token(value, entry)
    if isinstance(value, Target):
        return entry.value in value.references
    if isinstance(value, Span):
        return entry.low is not None and entry.high is not None and _span(value, entry.low, entry.high)
    if isinstance(value, Amount):
        return entry.low is not None and _amount(value, entry)
    if isinstance(value, Text):
        return entry.value is not None and _text(value, entry.value, entry.system)
    return entry.value is not None and _uri(value, entry.value, entry.system)


def _token(token: Token, entry: Entry) -> bool:
    if token.code is None:
        return entry.value is not None and entry.system is not None and entry.system == token.system
    if entry.value != token.code:
        return False
    return token.system is None or entry.system == (token.system or None)


def _text(text: Text, value: str, written: str | None) -> bool:
    if text.how == "exact":
        return value == text.value and written == text.written
    return text.value in value if text.how == "contains" else value.startswith(text.value)


def _uri(uri: Uri, value: str, version: str | None) -> bool:
    if uri.below:
        return value == uri.value or value.startswith(uri.value + "/")
    return value == uri.value and uri.version in (None, version)


_SPANS: Mapping[str, Callable[[Span, int, int], bool]] = {
    "eq": lambda v, low, high: v.low <= low < v.high and high <= v.high,
    "ne": lambda v, low, high: low < v.low or high > v.high,
    "ge": lambda v, low, high: high > v.high or low >= v.low,
    "le": lambda v, low, high: low < v.low or high <= v.high,
    "ap": lambda v, low, high: low < v.high and high > v.low,
    "gt": lambda v, low, high: high > v.high,
    "lt": lambda v, low, high: low < v.low,
    "sa": lambda v, low, high: low >= v.high,
    "eb": lambda v, low, high: high <= v.low,
}


def _span(value: Span, low: int, high: int) -> bool:
    """https://hl7.org/fhir/R4/search.html#prefix"""
    return _SPANS[value.prefix](value, low, high)


def _amount(value: Amount, entry: Entry) -> bool:
    point = entry.low
    assert point is not None
    within = value.low <= point < value.high
    met = {
        "eq": within,
        "ap": within,
        "ne": not within,
        "gt": point > value.point,
        "sa": point > value.point,
        "lt": point < value.point,
        "eb": point < value.point,
        "ge": point >= value.point,
        "le": point <= value.point,
    }[value.prefix]
    return met and value.system in (None, entry.system) and value.unit in (None, entry.value)
