"""Values of a Query compared with index entries, as SQL. Values are always parameters, never text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.search.query import Amount, Span, Target, Text, Together, Token, Uri, Value
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


def values_of(values: Sequence[Value | Together], e: str, dialect: Dialect) -> Sql:
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
        rest.append(Sql(f"{e}.value IN ({marks(equal)})", tuple(equal)))
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


def marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
