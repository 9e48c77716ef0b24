"""Conditions of a Query as SQL over `resource` and `search_entry`. Values are always parameters, never text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from gateway.search.query import (
    Amount,
    Chain,
    Condition,
    Ids,
    Is,
    Missing,
    Reverse,
    Span,
    Target,
    Text,
    Token,
    Updated,
    Uri,
    Value,
)
from gateway.store.sql import Dialect


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the parameters that its `?` stand for."""

    text: str
    parameters: tuple[object, ...] = ()

    def and_(self, other: Sql) -> Sql:
        return Sql(f"{self.text} AND {other.text}", self.parameters + other.parameters)

    @staticmethod
    def all(parts: Iterable[Sql]) -> Sql:
        return _joined(list(parts), " AND ", empty="1 = 1")

    @staticmethod
    def any(parts: Iterable[Sql]) -> Sql:
        return _joined(list(parts), " OR ", empty="1 = 0")


def _joined(parts: list[Sql], by: str, *, empty: str) -> Sql:
    text = by.join(f"({part.text})" for part in parts) or empty
    return Sql(f"({text})", tuple(p for part in parts for p in part.parameters))


def conjunction(where: Sequence[Condition], *, alias: str, type: str, tenant: str, dialect: Dialect) -> Sql:
    """All conditions on the resource row `alias`: the most selective one leads."""
    maker = _Maker(tenant, dialect)
    ranked = sorted(where, key=_rank)
    if not ranked:
        return Sql("1 = 1")
    leads = _rank(ranked[0]) < _NEVER
    return Sql.all(maker.condition(c, alias, type, lead=leads and n == 0) for n, c in enumerate(ranked))


_NEVER = 9


def _rank(condition: Condition) -> int:
    """How much a condition is expected to narrow: the lowest leads."""
    if isinstance(condition, Ids):
        return 0
    if isinstance(condition, Chain | Reverse):
        return 3
    if isinstance(condition, Is) and not condition.negated:
        first = condition.values[0]
        if isinstance(first, Text):
            return _NEVER if first.how == "contains" else 4
        if isinstance(first, Token):
            return 2 if condition.param.endswith("identifier") else 5
        return {Target: 1, Uri: 6, Span: 7, Amount: 7}[type(first)]
    return _NEVER


class _Maker:
    def __init__(self, tenant: str, dialect: Dialect) -> None:
        self._tenant = tenant
        self._dialect = dialect
        self._numbers = count(1)

    def condition(self, condition: Condition, row: str, type: str, *, lead: bool = False) -> Sql:
        if isinstance(condition, Is):
            return self._is(condition, row, type, lead=lead)
        if isinstance(condition, Missing):
            word = "NOT EXISTS" if condition.missing else "EXISTS"
            e = self._alias("e")
            text = f"{word} (SELECT 1 FROM search_entry {e} WHERE {e}.key = {row}.key AND {e}.param = ?)"  # noqa: S608
            return Sql(text, (condition.param,))
        if isinstance(condition, Ids):
            return Sql(f"{row}.id IN ({_marks(condition.ids)})", condition.ids)
        if isinstance(condition, Updated):
            return Sql.any(span(value, f"{row}.at", f"{row}.at + 1") for value in condition.values)
        if isinstance(condition, Chain):
            return self._chain(condition, row, type, lead=lead)
        return self._reverse(condition, row)

    def _is(self, condition: Is, row: str, type: str, *, lead: bool) -> Sql:
        e = self._alias("e")
        meets = _values(condition.values, e, self._dialect)
        if lead:
            return self._leading(e, row, type, condition.param, meets)
        word = "NOT EXISTS" if condition.negated else "EXISTS"
        text = f"{word} (SELECT 1 FROM search_entry {e} WHERE {e}.key = {row}.key AND {e}.param = ? AND {meets.text})"  # noqa: S608
        return Sql(text, (condition.param, *meets.parameters))

    def _leading(self, e: str, row: str, type: str, param: str, meets: Sql) -> Sql:
        text = (
            f"{row}.key IN (SELECT {e}.key FROM search_entry {e}"  # noqa: S608
            f" WHERE {e}.tenant = ? AND {e}.type = ? AND {e}.param = ? AND {meets.text})"
        )
        return Sql(text, (self._tenant, type, param, *meets.parameters))

    def _chain(self, chain: Chain, row: str, type: str, *, lead: bool) -> Sql:
        e = self._alias("e")
        reached = []
        for target, condition in chain.targets:
            t = self._alias("t")
            inner = self.condition(condition, t, target, lead=_rank(condition) < _NEVER)
            text = (
                f"{e}.value IN (SELECT {t}.type || '/' || {t}.id FROM resource {t}"  # noqa: S608
                f" WHERE {t}.tenant = ? AND {t}.type = ? AND {t}.deleted = 0 AND {inner.text})"
            )
            reached.append(Sql(text, (self._tenant, target, *inner.parameters)))
        meets = Sql.any(reached)
        if lead:
            return self._leading(e, row, type, chain.param, meets)
        text = f"EXISTS (SELECT 1 FROM search_entry {e} WHERE {e}.key = {row}.key AND {e}.param = ? AND {meets.text})"  # noqa: S608
        return Sql(text, (chain.param, *meets.parameters))

    def _reverse(self, reverse: Reverse, row: str) -> Sql:
        e, t = self._alias("e"), self._alias("t")
        inner = self.condition(reverse.condition, t, reverse.type, lead=_rank(reverse.condition) < _NEVER)
        text = (
            f"{row}.type || '/' || {row}.id IN (SELECT {e}.value FROM search_entry {e} JOIN resource {t}"  # noqa: S608
            f" ON {t}.key = {e}.key WHERE {e}.tenant = ? AND {e}.type = ? AND {e}.param = ? AND {e}.value IS NOT NULL"
            f" AND {t}.deleted = 0 AND {inner.text})"
        )
        return Sql(text, (self._tenant, reverse.type, reverse.param, *inner.parameters))

    def _alias(self, letter: str) -> str:
        return f"{letter}{next(self._numbers)}"


def _values(values: Sequence[Value], e: str, dialect: Dialect) -> Sql:
    """Any of the values; what equals one of several is asked for with IN, which the index answers."""
    plain = [v.code for v in values if isinstance(v, Token) and v.system is None and v.code is not None]
    targets = [reference for v in values if isinstance(v, Target) for reference in v.references]
    rest = [
        _value(value, e, dialect)
        for value in values
        if not isinstance(value, Target) and not (isinstance(value, Token) and value.system is None)
    ]
    equal = [*plain, *targets]
    if equal:
        rest.append(Sql(f"{e}.value IN ({_marks(equal)})", tuple(equal)))
    return Sql.any(rest)


def _value(value: Value, e: str, dialect: Dialect) -> Sql:
    if isinstance(value, Token):
        return _token(value, e)
    if isinstance(value, Text):
        return _text(value, e, dialect)
    if isinstance(value, Span):
        return span(value, f"{e}.low", f"{e}.high")
    if isinstance(value, Amount):
        return _amount(value, e)
    if isinstance(value, Uri):
        return _uri(value, e)
    raise AssertionError(value)


def _token(token: Token, e: str) -> Sql:
    if token.code is None:
        return Sql(f"{e}.system = ? AND {e}.value IS NOT NULL", (token.system,))
    if token.system == "":
        return Sql(f"{e}.value = ? AND {e}.system IS NULL", (token.code,))
    return Sql(f"{e}.value = ? AND {e}.system = ?", (token.code, token.system))


def _text(text: Text, e: str, dialect: Dialect) -> Sql:
    if text.how == "exact":
        return Sql(f"{e}.value = ? AND {e}.system = ?", (text.value, text.written))
    if text.how == "contains":
        find = "instr" if dialect == "sqlite" else "strpos"
        return Sql(f"{find}({e}.value, ?) > 0", (text.value,))
    return Sql(f"{e}.value >= ? AND {e}.value < ?", (text.value, text.value + "\U0010ffff"))


def _uri(uri: Uri, e: str) -> Sql:
    if uri.below:  # "0" is the letter behind "/"
        return Sql(
            f"{e}.value = ? OR ({e}.value >= ? AND {e}.value < ?)", (uri.value, uri.value + "/", uri.value + "0")
        )
    if uri.version is not None:
        return Sql(f"{e}.value = ? AND {e}.system = ?", (uri.value, uri.version))
    return Sql(f"{e}.value = ?", (uri.value,))


def span(value: Span, low: str, high: str) -> Sql:
    """The interval in columns `low` and `high` compared with a date. https://hl7.org/fhir/R4/search.html#prefix"""
    if value.prefix == "eq":
        return Sql(f"{low} >= ? AND {low} < ? AND {high} <= ?", (value.low, value.high, value.high))
    if value.prefix == "ne":
        return Sql(f"{low} < ? OR {high} > ?", (value.low, value.high))
    if value.prefix == "ge":
        return Sql(f"{high} > ? OR {low} >= ?", (value.high, value.low))
    if value.prefix == "le":
        return Sql(f"{low} < ? OR {high} <= ?", (value.low, value.high))
    if value.prefix == "ap":
        return Sql(f"{low} < ? AND {high} > ?", (value.high, value.low))
    text, bound = {
        "gt": (f"{high} > ?", value.high),
        "lt": (f"{low} < ?", value.low),
        "sa": (f"{low} >= ?", value.high),
        "eb": (f"{high} <= ?", value.low),
    }[value.prefix]
    return Sql(text, (bound,))


def _amount(value: Amount, e: str) -> Sql:
    if value.prefix in ("eq", "ap"):
        meets = Sql(f"{e}.low >= ? AND {e}.low < ?", (value.low, value.high))
    elif value.prefix == "ne":
        meets = Sql(f"({e}.low < ? OR {e}.low >= ?)", (value.low, value.high))
    else:
        compare = {"gt": ">", "sa": ">", "lt": "<", "eb": "<", "ge": ">=", "le": "<="}[value.prefix]
        meets = Sql(f"{e}.low {compare} ?", (value.point,))
    if value.system is not None:
        meets = meets.and_(Sql(f"{e}.system = ?", (value.system,)))
    if value.unit is not None:
        meets = meets.and_(Sql(f"{e}.value = ?", (value.unit,)))
    return meets


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
