"""What `_include` and `_revinclude` bring beside the matches. https://hl7.org/fhir/R4/search.html#revinclude"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from gateway.errors import BadRequest, Issue
from gateway.ports import Kept
from gateway.search.query import Include, Query
from gateway.store.rows import kept, kept_columns
from gateway.store.sql import Reader

MAX_INCLUDED = 1000
"""Most resources that one page brings beside its matches: more is refused, never cut."""
_ROUNDS = 5
_AT_ONCE = 400

T = TypeVar("T")
Found = tuple[int, Kept]


def included(query: Query, matches: Sequence[Found], *, tenant: str, reader: Reader) -> list[Kept]:
    """The resources around `matches` (key and resource), each once and no match again."""
    if not query.includes or not matches:
        return []
    seen = {key for key, _ in matches}
    found: list[Found] = []
    frontier = list(matches)
    includes: Sequence[Include] = query.includes
    for _ in range(_ROUNDS):
        brought: dict[int, Kept] = {}
        for include in includes:
            step = _reverse if include.reverse else _forward
            brought |= {key: one for key, one in step(include, frontier, tenant, reader) if key not in seen}
        seen |= brought.keys()
        frontier = list(brought.items())
        found += frontier
        if len(found) > MAX_INCLUDED:
            text = f"More than {MAX_INCLUDED} resources would be included: ask for fewer with _count."
            raise BadRequest(issues=[Issue("error", "too-costly", text, rule="search-include")])
        includes = [include for include in query.includes if include.iterate]
        if not frontier or not includes:
            break
    return [one for _, one in found]


def _forward(include: Include, sources: Sequence[Found], tenant: str, reader: Reader) -> list[Found]:
    keys = [key for key, one in sources if one.type == include.type]
    ids: dict[str, list[str]] = {}
    for some in _chunks(keys):
        sql = f"SELECT DISTINCT e.value FROM search_entry e WHERE e.key IN ({_marks(some)}) AND e.param = ?"  # noqa: S608
        for (value,) in reader.rows(sql, (*some, include.param)):
            type, slash, id = (value or "").partition("/")
            if slash and "/" not in id and ":" not in type and include.target in (None, type):
                ids.setdefault(type, []).append(id)
    return [
        one
        for type, wanted in ids.items()
        for some in _chunks(wanted)
        for one in _read(f"r.type = ? AND r.id IN ({_marks(some)})", (), (type, *some), tenant, reader)
    ]


def _reverse(include: Include, targets: Sequence[Found], tenant: str, reader: Reader) -> list[Found]:
    references = [one.reference for _, one in targets if include.target in (None, one.type)]
    found: list[Found] = []
    for some in _chunks(references):
        sources = (
            "(SELECT DISTINCT e.key FROM search_entry e"  # noqa: S608
            f" WHERE e.tenant = ? AND e.type = ? AND e.param = ? AND e.value IN ({_marks(some)})) f CROSS JOIN"
        )
        found += _read("r.key = f.key", (tenant, include.type, include.param, *some), (), tenant, reader, first=sources)
    return found


def _read(
    where: str,
    before: tuple[object, ...],
    after: tuple[object, ...],
    tenant: str,
    reader: Reader,
    *,
    first: str = "",
) -> list[Found]:
    """Current resources `r` that meet `where`; `first` is what they are joined to, with the parameters `before`."""
    sql = (
        f"SELECT r.key, {kept_columns(reader.dialect)} FROM {first} resource r CROSS JOIN resource_version v"  # noqa: S608
        " WHERE v.tenant = r.tenant AND v.type = r.type AND v.id = r.id AND v.version = r.version"
        f" AND r.tenant = ? AND r.deleted = 0 AND {where} ORDER BY r.type, r.id LIMIT {MAX_INCLUDED + 1}"
    )
    return [(row[0], kept(row[1:])) for row in reader.rows(sql, (*before, tenant, *after))]


def _chunks(values: Sequence[T]) -> list[Sequence[T]]:
    return [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
