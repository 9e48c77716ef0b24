"""A Query as SQL over the search index, the same on both engines, a page at a time.

The most selective condition finds resources by the index, the others are looked up for each of those. Pages follow the
sort order by keyset, not by offset: what is added or removed meanwhile neither repeats nor hides a match. The page mark
names the last resource shown, never a value; it fits only the query it was made for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import replace

from gateway.errors import BadRequest, Gone, Issue
from gateway.ports import Kept, Page
from gateway.search.query import Query, Sort
from gateway.store.included import included
from gateway.store.rows import kept, kept_columns, micros
from gateway.store.search_conditions import NEVER, Maker, rank
from gateway.store.search_values import Sql
from gateway.store.sql import Reader, Row

_SURE = 3
"""Conditions up to this rank (ids, references, identifiers) always lead; others only if not many meet them."""
_MANY = 500
_LAST = {"value": "\U0010ffff", "low": 2**63 - 1}
_FIRST = {"value": "", "low": -(2**63)}


def search(query: Query, *, tenant: str, reader: Reader) -> Page:
    """The page of `query` within `tenant`. BadRequest: the page mark is of another query; Gone: it is no more."""
    if query.counts_only:
        return Page(matches=(), total=_count(query, tenant, reader))
    rows = _page(query, tenant, reader)
    more, rows = len(rows) > query.count, rows[: query.count]
    matches = [(row[0], kept(row[1:])) for row in rows]
    total = None
    if query.total != "none":
        total = _count(query, tenant, reader)
    elif not more and query.page is None:
        total = len(matches)
    return Page(
        matches=[match for _, match in matches],
        included=included(query, matches, tenant=tenant, reader=reader),
        total=total,
        next=_mark(query, matches[-1][1], tenant) if more else None,
    )


def _source(query: Query, tenant: str, reader: Reader, *, ordered: bool) -> Sql:
    """FROM and WHERE that give the matches as resource rows `r`.

    `ordered`: only the first of them are wanted, in the order of their ids. Then a condition that many meet is better
    asked of one row after the other; else it finds them all by the index.
    """
    maker = Maker(tenant, reader.dialect)
    rest = sorted(query.where, key=rank)
    leads = bool(rest) and rank(rest[0]) < NEVER
    lead = maker.keys(rest[0], query.type) if leads else None
    if lead is not None and ordered and rank(rest[0]) > _SURE and _many(lead, reader):
        lead = None
    tests = [maker.test(condition, "r", query.type) for condition in (rest[1:] if lead else rest)]
    source = "resource r"
    found: tuple[object, ...] = ()
    if lead is not None:
        source = f"(SELECT DISTINCT key FROM ({lead.text}) f0) f CROSS JOIN resource r"  # noqa: S608
        found = lead.parameters
        tests.insert(0, Sql("r.key = f.key"))
    where = Sql("r.tenant = ? AND r.type = ? AND r.deleted = 0", (tenant, query.type)).and_(Sql.all(tests))
    return Sql(f"{source} WHERE {where.text}", found + where.parameters)


def _many(keys: Sql, reader: Reader) -> bool:
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM ({keys.text}) f0 LIMIT {_MANY}) f"  # noqa: S608
    return bool(reader.rows(sql, keys.parameters)[0][0] == _MANY)


def _count(query: Query, tenant: str, reader: Reader) -> int:
    source = _source(query, tenant, reader, ordered=False)
    found: int = reader.rows(f"SELECT COUNT(*) FROM {source.text}", source.parameters)[0][0]  # noqa: S608
    return found


def _page(query: Query, tenant: str, reader: Reader) -> list[Row]:
    keys = [_key(sort, number) for number, sort in enumerate(query.sort)]
    columns = f"r.key, r.tenant, r.type, r.id, r.version{''.join(f', {key.text}' for key in keys)}"
    source = _source(query, tenant, reader, ordered=not query.sort)
    after = _after(query, tenant, reader)
    order = ", ".join([*(f"q.s{n}{' DESC' if s.descending else ''}" for n, s in enumerate(query.sort)), "q.id"])
    sql = (
        f"SELECT q.key, {kept_columns(reader.dialect)} FROM"  # noqa: S608
        f" (SELECT * FROM (SELECT {columns} FROM {source.text}) q"
        f" WHERE {after.text} ORDER BY {order} LIMIT {query.count + 1}) q"
        " JOIN resource_version v ON v.tenant = q.tenant AND v.type = q.type AND v.id = q.id AND v.version = q.version"
        f" ORDER BY {order}"
    )
    return reader.rows(sql, (*(p for key in keys for p in key.parameters), *source.parameters, *after.parameters))


def _key(sort: Sort, number: int) -> Sql:
    """One sort key as a column: the lowest value (highest when descending); those without one come last."""
    if sort.column in ("id", "at"):
        return Sql(f"r.{sort.column} AS s{number}")
    best, missing = ("MAX", _FIRST) if sort.descending else ("MIN", _LAST)
    column = "high" if sort.column == "low" and sort.descending else sort.column
    text = (
        f"COALESCE((SELECT {best}(e.{column}) FROM search_entry e WHERE e.key = r.key AND e.param = ?), ?) AS s{number}"  # noqa: S608
    )
    return Sql(text, (sort.param, missing[sort.column]))


def _after(query: Query, tenant: str, reader: Reader) -> Sql:
    """Only what comes behind the resource that the page mark names."""
    if query.page is None:
        return Sql("1 = 1")
    id, at = _read_mark(query, tenant)
    place = _place(query, id, at, tenant, reader)
    alternatives: list[Sql] = []
    for number in range(len(place)):
        same = [Sql(f"q.{name} = ?", (value,)) for name, _, value in place[:number]]
        name, compare, value = place[number]
        alternatives.append(Sql.all([*same, Sql(f"q.{name} {compare} ?", (value,))]))
    return Sql.any(alternatives)


def _place(query: Query, id: str, at: int, tenant: str, reader: Reader) -> list[tuple[str, str, object]]:
    """The sort values of the resource `id`, with the comparison that leads on from each."""
    if not query.sort:
        return [("id", ">", id)]
    keys = [_key(sort, number) for number, sort in enumerate(query.sort)]
    sql = f"SELECT {', '.join(k.text for k in keys)} FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND r.deleted = 0"  # noqa: S608, E501
    found = reader.rows(sql, (*(p for k in keys for p in k.parameters), tenant, query.type, id))
    if not found:
        raise Gone("The resource at which this page begins is no more: begin the search again.")
    values = [at if sort.column == "at" else value for sort, value in zip(query.sort, found[0], strict=True)]
    names = [
        (f"s{n}", "<" if s.descending else ">", value)
        for n, (s, value) in enumerate(zip(query.sort, values, strict=True))
    ]
    return [*names, ("id", ">", id)]


def _fingerprint(query: Query, tenant: str) -> str:
    same = replace(query, page=None, used=(), warnings=(), count=0, total="none", elements=())
    return hashlib.sha256(f"{tenant} {same!r}".encode()).hexdigest()[:16]


def _mark(query: Query, last: Kept, tenant: str) -> str:
    text = json.dumps([_fingerprint(query, tenant), last.id, micros(last.at)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_mark(query: Query, tenant: str) -> tuple[str, int]:
    assert query.page is not None
    try:
        padded = query.page + "=" * (-len(query.page) % 4)
        fingerprint, id, at = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if fingerprint == _fingerprint(query, tenant) and isinstance(id, str) and isinstance(at, int):
            return id, at
    except (ValueError, TypeError, binascii.Error):
        pass
    issue = Issue("error", "value", "The page mark does not belong to this search: begin it again.", rule="search-page")
    raise BadRequest(issues=[issue])
