"""Index entries: what each parameter keeps of a resource."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.errors import Invalid
from gateway.search.dates import EARLIEST, LATEST, interval
from gateway.search.numbers import sortable
from gateway.search.rules import Search

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": ["http://example.org/p|1.2"], "tag": [{"system": "urn:t", "code": "x"}], "lastUpdated": "2026"},
    "identifier": [{"system": "urn:cin", "value": "91234567A"}, {"value": "loose"}, {"system": "urn:only"}],
    "active": True,
    "name": [{"family": "Žanzibarovna", "given": ["Ana", "María José"]}],
    "telecom": [{"system": "phone", "value": "555-0100"}, {"system": "email", "value": "a@example.org"}],
    "birthDate": "1980-05-17",
    "managingOrganization": {"reference": "https://gateway.example/fhir/Organization/o1/_history/3"},
    "generalPractitioner": [{"identifier": {"system": "urn:npi", "value": "1"}}, {"reference": "#inside"}],
    "link": [{"other": {"reference": "https://elsewhere.example/Patient/9"}, "type": "seealso"}],
}


def found(rules: Search, resource: dict[str, Any], param: str) -> list[tuple[Any, ...]]:
    return [tuple(entry)[1:] for entry in rules.entries(resource) if entry.param == param]


@pytest.mark.parametrize(
    ("param", "entries"),
    [
        (
            "identifier",
            [("urn:cin", "91234567A", None, None), (None, "loose", None, None), ("urn:only", "", None, None)],
        ),
        ("active", [(None, "true", None, None)]),
        ("family", [("Žanzibarovna", "zanzibarovna", None, None)]),
        ("given", [("Ana", "ana", None, None), ("María José", "maria jose", None, None)]),
        ("phone", [(None, "555-0100", None, None)]),
        ("email", [(None, "a@example.org", None, None)]),
        ("birthdate", [(None, None, *interval("1980-05-17"))]),
        ("organization", [(None, "Organization/o1", None, None)]),
        ("general-practitioner", [(None, None, None, None)]),
        ("general-practitioner:identifier", [("urn:npi", "1", None, None)]),
        ("link", [(None, "https://elsewhere.example/Patient/9", None, None)]),
        ("_profile", [("1.2", "http://example.org/p", None, None)]),
        ("_tag", [("urn:t", "x", None, None)]),
        ("_id", []),
        ("_lastUpdated", []),
    ],
)  # fmt: skip
def test_a_patient_is_found_by(rules: Search, param: str, entries: list[Any]) -> None:
    assert found(rules, PATIENT, param) == entries


def test_patient_means_a_patient_and_not_a_group(rules: Search) -> None:
    request = {"resourceType": "ServiceRequest", "id": "s1", "subject": {"reference": "Group/g1"}}
    assert found(rules, request, "subject") == [(None, "Group/g1", None, None)]
    assert found(rules, request, "patient") == []
    typed = {**request, "subject": {"type": "Patient", "identifier": {"value": "91234567A"}}}
    assert found(rules, typed, "patient:identifier") == [(None, "91234567A", None, None)]


@pytest.mark.parametrize(
    ("member", "value", "span"),
    [
        ("occurrenceDateTime", "2026-03", interval("2026-03")),
        ("occurrencePeriod", {"start": "2026-03-02"}, (interval("2026-03-02")[0], LATEST)),
        ("occurrencePeriod", {"end": "2026-03-02"}, (EARLIEST, interval("2026-03-02")[1])),
        ("occurrenceTiming", {"event": ["2026-03-05", "2026-03-02"]},
         (interval("2026-03-02")[0], interval("2026-03-05")[1])),
        ("occurrenceTiming", {"repeat": {"boundsPeriod": {"start": "2026"}}}, (interval("2026")[0], LATEST)),
        ("occurrenceTiming", {"code": {"text": "daily"}}, (EARLIEST, LATEST)),
    ],
)  # fmt: skip
def test_a_time_covers(rules: Search, member: str, value: Any, span: tuple[int, int]) -> None:
    request = {"resourceType": "ServiceRequest", "id": "s1", member: value}
    assert found(rules, request, "occurrence") == [(None, None, *span)]


def test_a_concept_without_codes_is_not_missing(rules: Search) -> None:
    goal = {"resourceType": "Goal", "id": "g1", "description": {"text": "walk"}}
    assert found(rules, goal, "description") == [(None, None, None, None)]


def test_quantities_are_found_by_code_and_by_label(rules: Search) -> None:
    value = {"value": Decimal("5.40"), "unit": "mmol", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    observation = {"resourceType": "Observation", "id": "o1", "valueQuantity": value}
    point = sortable(Decimal("5.40"))
    assert found(rules, observation, "value-quantity") == [
        ("http://unitsofmeasure.org", "mmol/L", point, point),
        (None, "mmol", point, point),
    ]


def test_output_of_gravity_is_found_by_reference(rules: Search) -> None:
    task = {"resourceType": "Task", "id": "t1", "output": [{"valueReference": {"reference": "Procedure/p"}}]}
    assert found(rules, task, "output") == [(None, "Procedure/p", None, None)]


def test_what_is_too_long_for_a_key_is_kept_as_a_hash(rules: Search) -> None:
    long = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"value": "9" * 5000}],
        "name": [{"text": "a" * 9000}],
    }
    assert all(len(e.value or "") <= 400 and len(e.system or "") <= 400 for e in rules.entries(long))


def test_a_date_that_cannot_be_read_is_refused_without_telling_it(rules: Search) -> None:
    with pytest.raises(Invalid) as refused:
        rules.entries({"resourceType": "Patient", "id": "p1", "birthDate": "17.5.1980"})
    assert "17.5" not in str(refused.value)


@pytest.mark.parametrize("type", ["Patient", "ServiceRequest", "Task", "CarePlan", "CareTeam", "Goal", "Coverage"])
def test_every_parameter_offered_for_our_types_has_a_way_to_its_values(rules: Search, type: str) -> None:
    for parameter in rules.parameters.of(type).values():
        assert parameter.routes, parameter.code
