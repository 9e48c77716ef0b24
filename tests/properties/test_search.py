"""Whatever is asked, SQL finds what a plain reading of the same index entries finds, in the same order, everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gateway.store
from gateway.packages.definitions import Definitions
from gateway.search.emit import Entry
from gateway.search.parameters import Parameters
from gateway.search.query import (
    Amount,
    Chain,
    Condition,
    Ids,
    Is,
    Missing,
    Query,
    Reverse,
    Sort,
    Span,
    Target,
    Text,
    Token,
    Updated,
    Uri,
    Value,
)  # fmt: skip
from gateway.search.rules import Search
from gateway.store import SqlStore
from tests.databases import CALLER, OTHER

TYPES = ("Patient", "Observation", "Task")
WORDS = ["ana", "Ana", "ÁNA", "an", "zanzibarovna", "Zanzi", "a_b", "a%b", "", "\U0001f600 x"]
SYSTEMS = ["urn:a", "urn:b", None]
CODES = ["x", "y", "X", "x y", "ä"]
DATES = ["2025", "2026", "2026-02", "2026-02-28", "2026-03-01", "2026-02-28T23:59:59-08:00", "2026-03-01T07:59:59.5Z"]
NUMBERS = ["5", "5.0", "5.4", "-3", "0", "100", "1e2", "-0.5"]
Pair = tuple[str, str]


def population() -> list[dict[str, Any]]:
    """A small crowded world: few values, many coincidences."""
    chance = random.Random(7)
    pick = chance.choice

    def coding() -> dict[str, Any]:
        return {k: v for k, v in (("system", pick(SYSTEMS)), ("code", pick([*CODES, None]))) if v}

    def period() -> dict[str, str]:
        return {k: pick(DATES) for k in ("start", "end") if chance.random() < 0.7} or {"start": "2026"}

    made: list[dict[str, Any]] = []
    for number in range(12):
        one: dict[str, Any] = {"resourceType": "Patient", "id": f"p{number}"}
        if chance.random() < 0.8:
            one["name"] = [{"family": pick(WORDS) or "-"}, {"text": pick(WORDS) or "-"}][: chance.randint(1, 2)]
        if chance.random() < 0.7:
            one["birthDate"] = pick(DATES[:5])
        one["identifier"] = [
            {"system": pick(SYSTEMS) or "urn:c", "value": pick(CODES)} for _ in range(chance.randint(0, 2))
        ]
        made.append(one)
    for number in range(20):
        value = {"value": Decimal(pick(NUMBERS)), **coding(), "unit": pick(CODES)}
        one = {"resourceType": "Observation", "id": f"o{number}", "code": {"coding": [coding(), coding()]}}
        one["subject"] = {"reference": f"Patient/p{chance.randint(0, 14)}"}
        one |= pick([{"valueQuantity": value}, {"effectiveDateTime": pick(DATES)}, {"effectivePeriod": period()}])
        made.append(one)
    for number in range(20):
        one = {"resourceType": "Task", "id": f"t{number}", "status": pick(["requested", "accepted"])}
        if chance.random() < 0.7:
            one["for"] = {"reference": f"Patient/p{chance.randint(0, 14)}"}
        if chance.random() < 0.5:
            one["focus"] = {
                "reference": pick(["Observation/o1", "Observation/o2", "https://x.example/y/Task/t1", "#in"])
            }
        if chance.random() < 0.5:
            one["instantiatesUri"] = pick(["urn:x", "http://e/a", "http://e/a/b", "http://e/ab"])
        made.append(one)
    return made


words, codes, dates = st.sampled_from([w for w in WORDS if w]), st.sampled_from(CODES), st.sampled_from(DATES)
prefixes = st.sampled_from(["", "eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap"])
token = st.one_of(codes, st.builds("{}|{}".format, st.sampled_from(["urn:a", "urn:b", ""]), codes), st.just("urn:a|"))
date = st.builds("{}{}".format, prefixes, dates)
number = st.builds("{}{}".format, prefixes, st.sampled_from(NUMBERS))
quantity = st.one_of(
    number, st.builds("{}|{}|{}".format, number, st.sampled_from(["urn:a", ""]), st.sampled_from(["x", ""]))
)


def pairs(names: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[Pair]:
    several = st.lists(values, min_size=1, max_size=3).map(",".join)
    return st.tuples(st.sampled_from(names), several)


def missing(*names: str) -> st.SearchStrategy[Pair]:
    return st.tuples(st.sampled_from([f"{n}:missing" for n in names]), st.sampled_from(["true", "false"]))


PATIENT = st.one_of(
    pairs(["name", "name:exact", "name:contains", "family", "family:exact"], words),
    pairs(["birthdate"], date),
    pairs(["identifier", "identifier:not"], token),
    pairs(["_id"], st.sampled_from(["p1", "p2", "p99"])),
    missing("name", "birthdate", "identifier"),
    pairs(["_has:Observation:patient:date", "_has:Observation:subject:date"], date),
    pairs(["_has:Task:patient:status:not", "_has:Task:patient:status"], st.just("accepted")),
)
patients = st.sampled_from(["p1", "p2", "Patient/p3", "https://gateway.example/fhir/Patient/p4"])
OBSERVATION = st.one_of(
    pairs(["code", "code:not"], token),
    pairs(["date"], date),
    pairs(["value-quantity"], quantity),
    pairs(["patient", "subject:Patient"], patients),
    missing("date", "value-quantity", "code"),
    pairs(["patient.name", "subject:Patient.name:contains"], words),
    pairs(["patient.birthdate"], date),
)
TASK = st.one_of(
    pairs(["status", "status:not"], st.sampled_from(["requested", "accepted"])),
    pairs(["patient"], patients),
    pairs(["focus"], st.sampled_from(["Observation/o1", "https://x.example/y/Task/t1"])),
    missing("patient", "focus"),
    pairs(["focus:Observation.code", "focus:Observation.patient.identifier"], token),
)
SORTS = {
    "Patient": ["birthdate", "-birthdate", "family", "-name", "_lastUpdated", "-_id", "identifier"],
    "Observation": ["date", "-date", "code", "-value-quantity", "_id"],
    "Task": ["status", "-status", "patient", "-focus", "_lastUpdated"],
}
ASKED = st.one_of(
    st.tuples(st.just("Patient"), st.lists(PATIENT, max_size=3)),
    st.tuples(st.just("Observation"), st.lists(OBSERVATION, max_size=3)),
    st.tuples(st.just("Task"), st.lists(TASK, max_size=3)),
)


@pytest.fixture(scope="module")
def rules() -> Search:
    now = datetime.fromisoformat("2026-03-02T09:30:00-08:00")
    definitions = Definitions.load(["hl7.fhir.us.core#7.0.0"])
    return Search(Parameters(definitions), types=TYPES, clock=lambda: now, base="https://gateway.example/fhir")


@pytest.fixture
def store(url: str, rules: Search, clock: Callable[[], datetime]) -> Iterator[SqlStore]:
    opened = gateway.store.open(url, clock=clock, index=rules.entries, wait_seconds=2)
    for caller in (CALLER, OTHER):
        with opened.begin(caller) as tx:
            for resource in population()[:: 1 if caller is CALLER else 2]:
                tx.put(resource)
    yield opened
    opened.close()


def test_sql_finds_what_a_plain_reading_finds(store: SqlStore, rules: Search) -> None:
    world = World(rules)

    @given(asked=ASKED, data=st.data())
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(asked: tuple[str, list[Pair]], data: st.DataObject) -> None:
        type, conditions = asked
        sort = data.draw(st.lists(st.sampled_from(SORTS[type]), max_size=2, unique=True))
        size = data.draw(st.sampled_from([1, 3, 50]))
        given_pairs = [*conditions, ("_count", str(size)), *([("_sort", ",".join(sort))] if sort else [])]
        query = rules.parse(type, given_pairs)
        assert walk(store, rules, type, given_pairs) == world.find(query)
        counted = store.search(CALLER, rules.parse(type, [*conditions, ("_summary", "count")]))
        assert counted.total == len(world.find(query))

    check()


def walk(store: SqlStore, rules: Search, type: str, asked: list[Pair]) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    mark: list[Pair] = []
    while True:
        page = store.search(CALLER, rules.parse(type, [*asked, *mark]))
        found += [kept.id for kept in page.matches]
        if page.next is None:
            return found
        assert page.matches, "an empty page leads on"
        mark = [("_page", page.next)]


class World:
    """The plain reading: every resource's entries, one condition at a time."""

    def __init__(self, rules: Search) -> None:
        self.entries = {(r["resourceType"], r["id"]): rules.entries(r) for r in population()}

    def find(self, query: Query) -> list[str]:
        found = [
            name for name in self.entries if name[0] == query.type and all(self.meets(name, c) for c in query.where)
        ]
        ordered = sorted(found, key=lambda name: name[1])
        for sort in reversed(query.sort):
            ordered = self.sorted(ordered, sort)
        return [id for _, id in ordered]

    def sorted(self, names: list[tuple[str, str]], sort: Sort) -> list[tuple[str, str]]:
        if sort.column == "at":
            return names  # all were kept at one instant
        if sort.column == "id":
            return sorted(names, key=lambda name: name[1], reverse=sort.descending)
        column = "high" if sort.column == "low" and sort.descending else sort.column
        best = max if sort.descending else min

        def key(name: tuple[str, str]) -> Any:
            values = [v for e in self.entries[name] if e.param == sort.param and (v := getattr(e, column)) is not None]
            return best(values) if values else None

        having = [name for name in names if key(name) is not None]
        return [*sorted(having, key=key, reverse=sort.descending), *(n for n in names if key(n) is None)]

    def meets(self, name: tuple[str, str], condition: Condition) -> bool:
        mine = self.entries[name]
        if isinstance(condition, Ids):
            return name[1] in condition.ids
        if isinstance(condition, Missing):
            return condition.missing != any(e.param == condition.param for e in mine)
        if isinstance(condition, Is):
            hit = any(holds(value, e) for e in mine if e.param == condition.param for value in condition.values)
            return hit != condition.negated
        if isinstance(condition, Chain):
            reached = {e.value for e in mine if e.param == condition.param}
            return any(
                f"{t}/{id}" in reached and self.meets((t, id), inner)
                for target, inner in condition.targets
                for t, id in self.entries
                if t == target
            )
        if isinstance(condition, Reverse):
            return any(
                e.param == condition.param and e.value == "/".join(name) and self.meets(other, condition.condition)
                for other, entries in self.entries.items()
                if other[0] == condition.type
                for e in entries
            )
        assert not isinstance(condition, Updated)
        raise AssertionError(condition)


def holds(value: Value, e: Entry) -> bool:
    if isinstance(value, Token):
        if value.code is None:
            return e.system == value.system and e.value is not None
        return e.value == value.code and (value.system is None or (e.system or "") == value.system)
    if isinstance(value, Text):
        if value.how == "exact":
            return e.system == value.written
        return e.value is not None and (
            e.value.startswith(value.value) if value.how == "starts" else value.value in e.value
        )
    if isinstance(value, Target):
        return e.value in value.references
    if isinstance(value, Uri):
        return e.value == value.value
    assert e.low is not None
    assert e.high is not None
    if isinstance(value, Span):
        contained = value.low <= e.low and e.high <= value.high
        return {
            "eq": contained, "ne": not contained, "gt": e.high > value.high, "lt": e.low < value.low,
            "ge": e.high > value.high or contained, "le": e.low < value.low or contained,
            "sa": e.low >= value.high, "eb": e.high <= value.low, "ap": e.low < value.high and e.high > value.low,
        }[value.prefix]  # fmt: skip
    assert isinstance(value, Amount)
    if value.system not in (None, e.system) or value.unit not in (None, e.value):
        return False
    within = value.low <= e.low < value.high
    return {
        "eq": within, "ap": within, "ne": not within, "gt": e.low > value.point, "sa": e.low > value.point,
        "lt": e.low < value.point, "eb": e.low < value.point, "ge": e.low >= value.point, "le": e.low <= value.point,
    }[value.prefix]  # fmt: skip
