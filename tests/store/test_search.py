"""Searching the store, on each engine: what is found, in what order, page by page, with what around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import gateway.store
from gateway.errors import BadRequest, Gone
from gateway.packages.definitions import Definitions
from gateway.ports import Caller, Page
from gateway.search.parameters import Parameters
from gateway.search.query import Query
from gateway.search.rules import Search
from gateway.store import SqlStore
from gateway.store.search import search
from tests.databases import CALLER, OTHER

Find = Callable[..., Page]
TYPES = ("Patient", "ServiceRequest", "Task", "CareTeam", "Provenance", "Practitioner", "Goal", "Observation")
PACKAGES = ("hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")


@pytest.fixture(scope="module")
def rules() -> Search:
    clock = lambda: datetime.fromisoformat("2026-03-02T09:30:00-08:00")  # noqa: E731
    return Search(Parameters(Definitions.load(PACKAGES)), types=TYPES, clock=clock, base="https://gateway.example/fhir")


@pytest.fixture
def store(url: str, rules: Search, now: datetime) -> Iterator[SqlStore]:
    ticks = iter(range(1_000_000))
    opened = gateway.store.open(
        url, clock=lambda: now + timedelta(seconds=next(ticks)), index=rules.entries, wait_seconds=2
    )
    keep(opened, *PEOPLE, *REFERRALS, *AROUND)
    keep(opened, {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}]}, caller=OTHER)
    yield opened
    opened.close()


@pytest.fixture
def find(store: SqlStore, rules: Search) -> Find:
    def find(type: str, *pairs: tuple[str, str], caller: Caller = CALLER) -> Page:
        return store.search(caller, rules.parse(type, pairs))

    return find


def keep(store: SqlStore, *resources: dict[str, Any], caller: Caller = CALLER) -> None:
    with store.begin(caller) as tx:
        for resource in resources:
            tx.put(resource)


def ids(page: Page) -> list[str]:
    return [kept.id for kept in page.matches]


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


PEOPLE: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17", "gender": "female",
     "identifier": [{"system": "urn:cin", "value": "91234567A"}],
     "name": [{"family": "Zanzibarovna", "given": ["Ana"]}]},
    {"resourceType": "Patient", "id": "p2", "birthDate": "1980-06", "gender": "male",
     "identifier": [{"system": "urn:other", "value": "91234567A"}],
     "name": [{"family": "Žanzibarović-100%_[a-z]"}]},
    {"resourceType": "Patient", "id": "p3", "gender": "female", "name": [{"family": "De la Zanzibarovna"}]},
]  # fmt: skip
REFERRALS: list[dict[str, Any]] = [
    {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order", "subject": ref("Patient/p1"),
     "code": {"coding": [{"system": "urn:c", "code": "ecm"}]}, "authoredOn": "2026-02-01T08:00:00-08:00",
     "category": [{"coding": [{"system": "urn:k", "code": "social"}, {"code": "local"}]}],
     "requester": ref("Practitioner/d1")},
    {"resourceType": "ServiceRequest", "id": "s2", "status": "draft", "intent": "order", "subject": ref("Patient/p1"),
     "authoredOn": "2026-02-01", "category": [{"coding": [{"system": "urn:x", "code": "social"}]}]},
    {"resourceType": "ServiceRequest", "id": "s3", "status": "active", "intent": "plan", "subject": ref("Patient/p2"),
     "authoredOn": "2026-02", "requester": ref("https://elsewhere.example/fhir/Practitioner/d1")},
]  # fmt: skip
AROUND: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Zanzibarovna"}]},
    {"resourceType": "Task", "id": "t1", "status": "requested", "focus": ref("ServiceRequest/s1"),
     "for": ref("Patient/p1"), "owner": ref("Organization/o1")},
    {"resourceType": "Task", "id": "t2", "status": "accepted", "focus": ref("ServiceRequest/s3"),
     "for": ref("Patient/p2"), "partOf": [ref("Task/t1")]},
    {"resourceType": "Provenance", "id": "v1", "target": [ref("ServiceRequest/s1"), ref("Task/t1")]},
    {"resourceType": "CareTeam", "id": "c1", "status": "active", "subject": ref("Patient/p1"), "participant": [
        {"role": [{"coding": [{"system": "urn:r", "code": "lead"}]}], "member": ref("Practitioner/d1")},
        {"member": ref("Patient/p1")}]},
    {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "walk"},
     "subject": ref("Patient/p1"), "target": [{"dueDate": "2026-06-01"}]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "pairs", "expected"),
    [
        ("Patient", [], "p1 p2 p3"),
        ("Patient", [("_id", "p3,p1,nobody")], "p1 p3"),
        ("Patient", [("identifier", "91234567A")], "p1 p2"),
        ("Patient", [("identifier", "urn:cin|91234567A")], "p1"),
        ("Patient", [("identifier", "urn:cin|")], "p1"),
        ("Patient", [("identifier", "|91234567A")], ""),
        ("Patient", [("identifier", "91234567a")], ""),
        ("Patient", [("family", "zanzi")], "p1 p2"),
        ("Patient", [("family:exact", "Zanzibarovna")], "p1"),
        ("Patient", [("family:exact", "zanzibarovna")], ""),
        ("Patient", [("family:contains", "ZANZIBAROVNA")], "p1 p3"),
        ("Patient", [("family:contains", "100%_[")], "p2"),
        ("Patient", [("family:contains", "%")], "p2"),
        ("Patient", [("family", "%")], ""),
        ("Patient", [("family", "' OR 1=1 --")], ""),
        ("Patient", [("name", "ana"), ("gender", "female")], "p1"),
        ("Patient", [("name", "ana"), ("birthdate", "1980-05-17")], "p1"),
        ("Patient", [("birthdate", "1980")], "p1 p2"),
        ("Patient", [("birthdate", "ge1980-05-17"), ("birthdate", "lt1980-06-01")], "p1"),
        ("Patient", [("birthdate:missing", "true")], "p3"),
        ("Patient", [("birthdate:missing", "false")], "p1 p2"),
        ("Patient", [("gender:not", "male")], "p1 p3"),
        ("ServiceRequest", [("patient", "p1")], "s1 s2"),
        ("ServiceRequest", [("patient", "Patient/p1"), ("status", "active,draft")], "s1 s2"),
        ("ServiceRequest", [("patient", "p1"), ("category", "urn:k|social")], "s1"),
        (
            "ServiceRequest",
            [("patient", "p1"), ("category", "social"), ("authored", "ge2026-02-01T07:59:00-08:00")],
            "s1 s2",
        ),
        ("ServiceRequest", [("category", "|local")], "s1"),
        ("ServiceRequest", [("category:not", "social")], "s3"),
        ("ServiceRequest", [("patient", "https://gateway.example/fhir/Patient/p2")], "s3"),
        ("ServiceRequest", [("requester", "d1")], "s1"),
        ("ServiceRequest", [("requester", "https://elsewhere.example/fhir/Practitioner/d1")], "s3"),
        ("ServiceRequest", [("patient.identifier", "urn:cin|91234567A")], "s1 s2"),
        ("ServiceRequest", [("subject:Patient.name", "ana"), ("status", "draft")], "s2"),
        ("ServiceRequest", [("patient.birthdate:missing", "false")], "s1 s2 s3"),
        ("ServiceRequest", [("_has:Task:focus:status", "requested")], "s1"),
        ("ServiceRequest", [("_has:Task:focus:owner:missing", "true")], "s3"),
        ("Patient", [("_has:ServiceRequest:patient:requester.name", "zanz")], "p1"),
        ("Task", [("owner:missing", "true"), ("status", "accepted")], "t2"),
        ("Task", [("part-of.status", "requested")], "t2"),
        ("Task", [("focus:ServiceRequest.patient.gender", "female")], "t1"),
        ("CareTeam", [("patient", "p1"), ("status", "active")], "c1"),
        ("CareTeam", [("patient", "p1"), ("role", "urn:r|lead")], "c1"),
        ("CareTeam", [("participant", "Practitioner/d1")], "c1"),
        ("Goal", [("patient", "p1"), ("target-date", "2026-06")], "g1"),
        ("Goal", [("description:missing", "false")], "g1"),
        ("Task", [("status", "requested' OR '1'='1")], ""),
    ],
)
def test_is_found(find: Find, type: str, pairs: list[tuple[str, str]], expected: str) -> None:
    assert ids(find(type, *pairs)) == expected.split()


@pytest.mark.parametrize(
    ("prefix", "expected"),
    # s1: one second at 8:00 of the day, s2: the day, s3: the month
    [("", "s1 s2"), ("eq", "s1 s2"), ("ne", "s3"), ("gt", "s3"), ("lt", ""), ("ge", "s1 s2 s3"), ("le", "s1 s2"),
     ("sa", ""), ("eb", ""), ("ap", "s1 s2 s3")],
)  # fmt: skip
def test_a_date_prefix_compares_intervals(find: Find, prefix: str, expected: str) -> None:
    assert ids(find("ServiceRequest", ("authored", f"{prefix}2026-02-01"))) == expected.split()


def test_last_updated_is_that_of_the_current_version(find: Find, store: SqlStore) -> None:
    before = store.read(CALLER, "Patient", "p3")
    assert before is not None
    keep(store, {**PEOPLE[0], "gender": "unknown"})
    assert ids(find("Patient", ("_lastUpdated", f"gt{before.at.isoformat().replace('+00:00', 'Z')}"))) == ["p1"]
    assert ids(find("Patient", ("gender", "female"))) == ["p3"], "the index follows the current version"


def test_the_deleted_are_not_found(find: Find, store: SqlStore) -> None:
    with store.begin(CALLER) as tx:
        tx.delete("Patient", "p1")
    assert ids(find("Patient")) == ["p2", "p3"]
    assert ids(find("ServiceRequest", ("patient.name", "ana"))) == []
    assert ids(find("ServiceRequest", ("patient", "p1"))) == ["s1", "s2"]
    assert not find("ServiceRequest", ("_id", "s1"), ("_include", "ServiceRequest:patient")).included


def test_another_tenant_is_another_world(find: Find) -> None:
    assert ids(find("Patient", caller=OTHER)) == ["p1"]
    assert find("ServiceRequest", caller=OTHER).matches == []
    assert ids(find("Patient", ("_has:ServiceRequest:patient:status", "active"), caller=OTHER)) == []
    assert not find("Patient", ("_revinclude", "ServiceRequest:patient"), caller=OTHER).included
    assert find("Patient", ("_total", "accurate"), caller=OTHER).total == 1


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("birthdate", "p1 p2 p3"),
        ("-birthdate", "p2 p1 p3"),
        ("family", "p3 p2 p1"),
        ("-family", "p1 p2 p3"),
        ("gender,-_id", "p3 p1 p2"),
        ("_lastUpdated", "p1 p2 p3"),
        ("-_lastUpdated", "p3 p2 p1"),
        ("-_id", "p3 p2 p1"),
        ("-gender,birthdate", "p2 p1 p3"),
    ],
)
def test_pages_follow_the_sort_order(find: Find, sort: str, expected: str) -> None:
    assert ids(find("Patient", ("_sort", sort))) == expected.split()
    walked, page = [], find("Patient", ("_sort", sort), ("_count", "1"))
    while True:
        walked += ids(page)
        if page.next is None:
            break
        page = find("Patient", ("_sort", sort), ("_count", "1"), ("_page", page.next))
    assert walked == expected.split()


def test_a_page_mark_tells_nothing_and_fits_only_its_own_search(find: Find, store: SqlStore) -> None:
    import base64

    first = find("Patient", ("_sort", "family"), ("family", "zanz"), ("_count", "1"))
    assert first.next is not None
    told = base64.urlsafe_b64decode(first.next + "==").decode()
    assert "anzibar" not in told.lower()
    for pairs, caller in [
        ([("_sort", "family"), ("family", "d")], CALLER),
        ([("_sort", "-family"), ("family", "zanz")], CALLER),
        ([("_sort", "family"), ("family", "zanz")], OTHER),
    ]:
        with pytest.raises(BadRequest):
            find("Patient", *pairs, ("_page", first.next), caller=caller)
    for broken in ("x", "e30", "bnVsbA", first.next[:-2], "é"):
        with pytest.raises(BadRequest):
            find("Patient", ("_page", broken))
    with store.begin(CALLER) as tx:
        tx.delete("Patient", first.matches[0].id)
    with pytest.raises(Gone):
        find("Patient", ("_sort", "family"), ("family", "zanz"), ("_page", first.next))


def test_what_comes_between_pages_neither_repeats_nor_hides(find: Find, store: SqlStore) -> None:
    first = find("Patient", ("_count", "2"))
    keep(store, {"resourceType": "Patient", "id": "p0"}, {"resourceType": "Patient", "id": "p4"})
    assert first.next is not None
    assert ids(find("Patient", ("_count", "2"), ("_page", first.next))) == ["p3", "p4"]


def test_totals(find: Find) -> None:
    assert find("Patient").total == 3
    assert find("Patient", ("_count", "2")).total is None
    assert find("Patient", ("_count", "2"), ("_total", "accurate")).total == 3
    for pair in (("_count", "0"), ("_summary", "count")):
        counted = find("Patient", ("gender", "female"), pair)
        assert (counted.total, counted.matches, counted.next) == (2, (), None)


def around(page: Page) -> set[str]:
    return {kept.reference for kept in page.included}


def test_includes(find: Find) -> None:
    one = ("_id", "s1")
    include = "_include", "ServiceRequest:requester"
    assert around(find("ServiceRequest", one, include)) == {"Practitioner/d1"}
    assert around(find("ServiceRequest", one, ("_revinclude", "Provenance:target"))) == {"Provenance/v1"}
    both = find("ServiceRequest", one, ("_revinclude", "Task:focus"), ("_revinclude:iterate", "Provenance:target"))
    assert around(both) == {"Task/t1", "Provenance/v1"}
    assert around(find("CareTeam", ("_include", "CareTeam:participant:Practitioner"))) == {"Practitioner/d1"}
    assert around(find("CareTeam", ("_include", "CareTeam:participant"))) == {"Practitioner/d1", "Patient/p1"}
    far = find("Task", ("_id", "t2"), ("_include:iterate", "Task:part-of"), ("_include:iterate", "Task:focus"))
    assert around(far) == {"Task/t1", "ServiceRequest/s1", "ServiceRequest/s3"}
    ring = find("Task", ("_include:iterate", "Task:part-of"), ("_revinclude:iterate", "Task:part-of"))
    assert around(ring) == set(), "a match is not included again"


def part(code: str, value: str) -> dict[str, Any]:
    return {
        "code": {"coding": [{"system": "urn:l", "code": code}]},
        "valueQuantity": {"value": Decimal(value), "unit": "mm"},
    }


@pytest.mark.parametrize(
    ("param", "value", "expected"),
    [
        ("component-code-value-quantity", "sys$120", "o1"),
        ("component-code-value-quantity", "urn:l|dia$gt75", "o1 o2"),
        ("component-code-value-quantity", "sys$80", "o2"),
        ("component-code-value-quantity", "dia$120", "o2"),
        ("component-code-value-quantity", "dia$80,sys$80", "o1 o2"),
        ("component-code-value-quantity:missing", "true", "o3"),
        ("combo-code-value-quantity", "pulse$60", "o3"),
        ("code-value-quantity", "pulse$lt61||mm", "o3"),
        ("code-value-quantity", "sys$ge0", ""),
    ],
)
def test_composites_hold_what_belongs_together(
    find: Find, store: SqlStore, param: str, value: str, expected: str
) -> None:
    keep(
        store,
        {"resourceType": "Observation", "id": "o1", "component": [part("sys", "120"), part("dia", "80")]},
        {"resourceType": "Observation", "id": "o2", "component": [part("sys", "80"), part("dia", "120")]},
        {"resourceType": "Observation", "id": "o3", **part("pulse", "60")},
    )
    assert ids(find("Observation", (param, value))) == expected.split()


def test_a_search_inside_a_transaction_sees_what_it_wrote(store: SqlStore, rules: Search) -> None:
    query = rules.parse("Patient", [("identifier", "urn:new|1")])
    with store.begin(CALLER) as tx:
        tx.put({"resourceType": "Patient", "id": "p9", "identifier": [{"system": "urn:new", "value": "1"}]})
        assert ids(tx.search(query)) == ["p9"]


def test_an_empty_query_finds_all_of_a_type(store: SqlStore) -> None:
    assert len(store.search(CALLER, Query("Task")).matches) == 2


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
