"""What a search of the store finds, on each engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.search.query import Query
from gateway.search.rules import Search
from gateway.store import SqlStore
from tests.databases import CALLER, OTHER
from tests.store.searching.conftest import (
    PEOPLE,
    Find,
    ids,
    keep,
)


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
