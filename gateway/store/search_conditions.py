"""Conditions of a Query as SQL over `resource` and `search_entry`: found by the index, or asked of a row."""

from __future__ import annotations

from collections.abc import Iterable
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
)
from gateway.store.search_values import Sql, marks, span, values_of
from gateway.store.sql import Dialect

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
            meets = values_of(condition.values, e, self._dialect)
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
            return Sql(f"{row}.id IN ({marks(condition.ids)})", condition.ids)
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
            meets, negated = values_of(condition.values, e, self._dialect), condition.negated
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
        meets += [values_of((part,), e, self._dialect) for part, e in zip(value.parts, (first, *others), strict=True)]
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
