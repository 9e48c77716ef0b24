"""FHIR create, from outside."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, path_of, send, total

Json = dict[str, Any]


def test_create_keeps_the_resource_under_an_id_of_ours(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/Patient", {**patient, "id": "mine", "meta": {"versionId": "77"}})
    assert answer.status_code == 201
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Location"].endswith("/_history/1")
    assert answer.headers["Last-Modified"].endswith("GMT")
    kept = client.get(path_of(answer)).get_json()
    assert kept == answer.get_json()
    assert kept["id"] != "mine"
    assert kept["meta"]["versionId"] == "1"
    assert {name: kept[name] for name in patient} == patient


def test_decimals_come_back_digit_for_digit(client: FlaskClient) -> None:
    body = b"""{"resourceType":"Observation","status":"final","code":{"text":"weight"},
    "valueQuantity":{"value":72.500,"unit":"kg"}}"""
    answer = send(client, "POST", "/fhir/Observation", body)
    assert answer.status_code == 201, answer.data
    assert b'"value":72.500' in client.get(path_of(answer)).data


@pytest.mark.parametrize(
    ("prefer", "told"),
    [("return=minimal", None), ("return=OperationOutcome", "OperationOutcome"), ("return=representation", "Patient")],
)
def test_prefer_decides_what_is_returned(client: FlaskClient, patient: Json, prefer: str, told: str | None) -> None:
    answer = send(client, "POST", "/fhir/Patient", patient, Prefer=prefer)
    assert answer.status_code == 201
    assert (answer.get_json()["resourceType"] if told else answer.data or None) == told


def test_the_same_conditional_create_twice_makes_one(client: FlaskClient, patient: Json) -> None:
    condition = "identifier=http://hospital.example/mrn|MRN-7"
    first = send(client, "POST", "/fhir/Patient", patient, If_None_Exist=condition)
    second = send(client, "POST", "/fhir/Patient", patient, If_None_Exist=condition)
    assert (first.status_code, second.status_code) == (201, 200)
    assert path_of(first) == path_of(second)
    assert total(client, "Patient") == 1


@pytest.mark.parametrize(
    ("condition", "status"),
    [("family=Zanzibarovna", 412), ("", 412), ("_count=1", 412), ("eye-color=blue", 400)],
)
def test_a_condition_that_singles_out_nobody_keeps_nothing(
    client: FlaskClient, patient: Json, condition: str, status: int
) -> None:
    for _ in range(2):
        send(client, "POST", "/fhir/Patient", patient)
    answer = send(client, "POST", "/fhir/Patient", patient, If_None_Exist=condition)
    assert answer.status_code == status
    assert issues(answer)
    assert total(client, "Patient") == 2


@pytest.mark.parametrize("condition", ["", "_count=1", "_sort=_id"])
def test_a_condition_that_selects_nothing_in_particular_neither_creates_nor_matches(
    client: FlaskClient, patient: Json, condition: str
) -> None:
    for kept in (0, 1):
        answer = send(client, "POST", "/fhir/Patient", patient, If_None_Exist=condition)
        assert (answer.status_code, issues(answer)) == (412, [("incomplete", None)])
        assert total(client, "Patient") == kept
        send(client, "POST", "/fhir/Patient", patient)


def test_a_reference_to_nothing_is_refused(client: FlaskClient, service_request: Json) -> None:
    answer = send(client, "POST", "/fhir/ServiceRequest", {**service_request, "subject": {"reference": "Patient/none"}})
    assert answer.status_code == 422
    assert ("not-found", "ServiceRequest.subject.reference") in issues(answer)
    assert total(client, "ServiceRequest") == 0


def test_a_resource_type_that_is_not_served(client: FlaskClient) -> None:
    for type in ("Basic", "Nonsense", "patient"):
        answer = send(client, "POST", f"/fhir/{type}", {"resourceType": type})
        assert (answer.status_code, issues(answer)) == (404, [("not-supported", None)])


def test_another_type_than_the_address_says(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/ServiceRequest", patient)
    assert (answer.status_code, issues(answer)) == (400, [("invalid", "resourceType")])


@pytest.mark.parametrize("reference", ["Patient?identifier=a|b", "Patient/1/extra", "zanzibarovna", "/Patient/1"])
def test_a_reference_that_is_none(client: FlaskClient, reference: str) -> None:
    team = {"resourceType": "CareTeam", "status": "active", "subject": {"reference": reference}}
    answer = send(client, "POST", "/fhir/CareTeam", team)
    code, place = issues(answer)[0]
    assert (answer.status_code, code, str(place).removesuffix(".reference")) == (422, "value", "CareTeam.subject")
    assert total(client, "CareTeam") == 0


def test_who_prefers_an_outcome_is_told_what_was_not_checked(client: FlaskClient, patient: dict[str, Any]) -> None:
    claiming = patient | {"meta": {"profile": ["https://e.example/StructureDefinition/nobody-knows"]}}
    for method, path in (("POST", "/fhir/Patient"), ("PUT", "/fhir/Patient/mine")):
        given = claiming if method == "POST" else claiming | {"id": "mine"}
        answer = send(client, method, path, given, Prefer="return=OperationOutcome")
        said = [(issue["severity"], issue["code"]) for issue in answer.get_json()["issue"]]
        assert answer.status_code == 201
        assert said[0] == ("information", "informational")
        assert ("warning", "not-found") in said
        assert "Zanzibarovna" not in answer.get_data(as_text=True)
    again = send(client, "PUT", "/fhir/Patient/mine", claiming | {"id": "mine"}, Prefer="return=OperationOutcome")
    assert len(again.get_json()["issue"]) == 1  # nothing was written
