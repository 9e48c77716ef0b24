"""A narrow question looks things up, whatever the engine makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.search.rules import Search
from gateway.store import SqlStore
from gateway.store.search import search
from tests.databases import CALLER


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("type", "pairs"),
    [
        ("ServiceRequest", [("patient", "p1"), ("category", "social"), ("authored", "ge2026")]),
        ("ServiceRequest", [("patient.identifier", "urn:cin|91234567A")]),
        ("ServiceRequest", [("_has:Task:focus:status", "requested"), ("patient", "p1")]),
        ("Patient", [("identifier", "91234567A"), ("family", "z")]),
        ("Task", [("patient", "p1"), ("owner:missing", "true"), ("_sort", "-_lastUpdated")]),
        ("ServiceRequest", [("_id", "s1"), ("_revinclude", "Task:focus"), ("_include", "ServiceRequest:patient")]),
    ],
)
def test_a_narrow_question_looks_things_up_instead_of_reading_all(
    store: SqlStore, rules: Search, type: str, pairs: list[tuple[str, str]]
) -> None:
    plans: list[str] = []

    class Watched:
        dialect = store.engine.dialect

        def rows(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
            plans.extend(row[3] for row in store.engine.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
            return store.engine.rows(sql, parameters)

    search(rules.parse(type, pairs), tenant=CALLER.tenant, reader=Watched())
    tables = ("resource", "r", "v", "e")
    scans = [plan for plan in plans if plan.startswith("SCAN") and plan.split()[1].rstrip("0123456789") in tables]
    assert plans
    assert not scans, scans
    whole = [p for p in plans if "resource_name (tenant=? AND type=?)" in p or "resource_at (tenant=? AND type=?)" in p]
    assert not whole, "every resource of the type would be read"
