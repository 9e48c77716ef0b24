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
    Together,
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


NEVER = 9
"""Rank of a condition that finds nothing by index: it can only test."""
FENCE = "LIMIT 1 OFFSET 0"
"""Keeps PostgreSQL from joining a test to all rows instead of asking it of each."""


def rank(condition: Condition) -> int:
    """How much a condition is expected to narrow: the lowest leads."""
    if isinstance(condition, Ids):
        return 0
    if isinstance(condition, Chain):
        worst = max(rank(inner) for _, inner in condition.targets)
        return NEVER if worst == NEVER else max(3, worst)
    if isinstance(condition, Reverse):
        return NEVER if rank(condition.condition) == NEVER else 8
    if isinstance(condition, Updated):
        return 8
    if isinstance(condition, Is) and not condition.negated:
        first = condition.values[0]
        if isinstance(first, Together):
            return NEVER
        if isinstance(first, Text):
            return NEVER if first.how == "contains" else 4
        if isinstance(first, Token):
            return 2 if condition.param.endswith("identifier") else 5
        return {Target: 1, Uri: 6, Span: 7, Amount: 7}[type(first)]
    return NEVER


class Maker:
    """Conditions as SQL within one tenant: `keys` finds resources by index, `test` asks of a resource row."""

    def __init__(self, tenant: str, dialect: Dialect) -> None:
        self._tenant = tenant
        self._dialect = dialect
        self._numbers = count(1)

    def keys(self, condition: Condition, type: str) -> Sql:
        """A SELECT of the keys (some may come twice) of resources of `type` that meet a condition of rank < NEVER."""
        if isinstance(condition, Is):
            e = self._alias("e")
            meets = _values(condition.values, e, self._dialect)
            text = f"SELECT {e}.key FROM search_entry {e} WHERE {_entry(e)} AND {meets.text}"  # noqa: S608
            return Sql(text, (self._tenant, type, condition.param, *meets.parameters))
        if isinstance(condition, Chain):
            return _union(self._chain_keys(condition, type, *target) for target in condition.targets)
        if isinstance(condition, Reverse):
            return self._reverse_keys(condition, type)
        row = self._alias("r")
        meets = self.test(condition, row, type)
        text = f"SELECT {row}.key FROM resource {row} WHERE {_current(row)} AND {meets.text}"  # noqa: S608
        return Sql(text, (self._tenant, type, *meets.parameters))

    def test(self, condition: Condition, row: str, type: str) -> Sql:
        """Whether the resource row `row`, of `type`, meets the condition."""
        if isinstance(condition, Ids):
            return Sql(f"{row}.id IN ({_marks(condition.ids)})", condition.ids)
        if isinstance(condition, Updated):
            return Sql.any(span(value, f"{row}.at", f"{row}.at + 1") for value in condition.values)
        if isinstance(condition, Chain):
            return Sql.any(self._chain_test(condition.param, row, *target) for target in condition.targets)
        if isinstance(condition, Reverse):
            return self._reverse_test(condition, row)
        if isinstance(condition, Is) and isinstance(condition.values[0], Together):
            return Sql.any(
                self._composite(condition.param, row, v) for v in condition.values if isinstance(v, Together)
            )
        e = self._alias("e")
        if isinstance(condition, Missing):
            meets, negated = Sql("1 = 1"), condition.missing
        else:
            meets, negated = _values(condition.values, e, self._dialect), condition.negated
        return self._some(e, row, condition.param, meets, word="NOT EXISTS" if negated else "EXISTS")

    def _composite(self, param: str, row: str, value: Together) -> Sql:
        """The components' entries of one group: `param$7.0` belongs with `param$7.1`. "%" is the letter behind "$"."""
        first, *others = [self._alias("e") for _ in value.parts]
        source = " CROSS JOIN ".join(f"search_entry {e}" for e in (first, *others))
        meets = [
            Sql(
                f"{first}.key = {row}.key AND {first}.param >= ? AND {first}.param < ?"
                f" AND substr({first}.param, length({first}.param) - 1) = '.0'",
                (f"{param}$", f"{param}%"),
            )
        ]
        for number, e in enumerate(others, 1):
            group = f"substr({first}.param, 1, length({first}.param) - 1)"
            meets.append(Sql(f"{e}.key = {row}.key AND {e}.param = {group} || '{number}'"))
        meets += [_values((part,), e, self._dialect) for part, e in zip(value.parts, (first, *others), strict=True)]
        where = Sql.all(meets)
        return Sql(f"EXISTS (SELECT 1 FROM {source} WHERE {where.text} {FENCE})", where.parameters)  # noqa: S608

    @staticmethod
    def _some(e: str, row: str, param: str, meets: Sql, *, source: str = "", word: str = "EXISTS") -> Sql:
        where = f"{e}.key = {row}.key AND {e}.param = ? AND {meets.text}"
        text = f"{word} (SELECT 1 FROM search_entry {e}{source} WHERE {where} {FENCE})"  # noqa: S608
        return Sql(text, (param, *meets.parameters))

    def _chain_keys(self, chain: Chain, type: str, target: str, condition: Condition) -> Sql:
        e, t, f = self._alias("e"), self._alias("t"), self._alias("f")
        inner = self.keys(condition, target)
        text = (
            f"SELECT {e}.key FROM (SELECT DISTINCT key FROM ({inner.text}) {f}0) {f} CROSS JOIN resource {t}"  # noqa: S608
            f" CROSS JOIN search_entry {e} WHERE {t}.key = {f}.key AND {_current(t)}"
            f" AND {_entry(e)} AND {e}.value = {t}.type || '/' || {t}.id"
        )
        return Sql(text, (*inner.parameters, self._tenant, target, self._tenant, type, chain.param))

    def _chain_test(self, param: str, row: str, target: str, condition: Condition) -> Sql:
        e, t = self._alias("e"), self._alias("t")
        inner = self.test(condition, t, target)
        points = Sql(
            f"{e}.value >= ? AND {e}.value < ? AND {_current(t)} AND {t}.id = substr({e}.value, ?)",
            (f"{target}/", f"{target}0", self._tenant, target, len(target) + 2),
        )
        return self._some(e, row, param, points.and_(inner), source=f" CROSS JOIN resource {t}")

    def _reverse_keys(self, reverse: Reverse, type: str) -> Sql:
        e, r, f = self._alias("e"), self._alias("r"), self._alias("f")
        inner = self.keys(reverse.condition, reverse.type)
        text = (
            f"SELECT {r}.key FROM (SELECT DISTINCT key FROM ({inner.text}) {f}0) {f} CROSS JOIN search_entry {e}"  # noqa: S608
            f" CROSS JOIN resource {r} WHERE {e}.key = {f}.key AND {e}.param = ?"
            f" AND {e}.value >= ? AND {e}.value < ? AND {_current(r)} AND {r}.id = substr({e}.value, ?)"
        )
        place = (reverse.param, f"{type}/", f"{type}0", self._tenant, type, len(type) + 2)
        return Sql(text, inner.parameters + place)

    def _reverse_test(self, reverse: Reverse, row: str) -> Sql:
        e, t = self._alias("e"), self._alias("t")
        inner = self.test(reverse.condition, t, reverse.type)
        text = (
            f"EXISTS (SELECT 1 FROM search_entry {e} CROSS JOIN resource {t} WHERE {_entry(e)}"  # noqa: S608
            f" AND {e}.value = {row}.type || '/' || {row}.id AND {t}.key = {e}.key AND {t}.deleted = 0"
            f" AND {inner.text} {FENCE})"
        )
        return Sql(text, (self._tenant, reverse.type, reverse.param, *inner.parameters))

    def _alias(self, letter: str) -> str:
        return f"{letter}{next(self._numbers)}"


def _entry(e: str) -> str:
    """Entries of a tenant, type and parameter that have a value: three parameters."""
    return f"{e}.tenant = ? AND {e}.type = ? AND {e}.param = ?"


def _current(row: str) -> str:
    """Resources of a tenant and type that are there: two parameters."""
    return f"{row}.tenant = ? AND {row}.type = ? AND {row}.deleted = 0"


def _union(parts: Iterable[Sql]) -> Sql:
    listed = list(parts)
    return Sql(" UNION ALL ".join(p.text for p in listed), tuple(x for p in listed for x in p.parameters))


def _values(values: Sequence[Value | Together], e: str, dialect: Dialect) -> Sql:
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


def _value(value: Value | Together, e: str, dialect: Dialect) -> Sql:
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
