"""FHIR update, from outside."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, path_of, send, total

Json = dict[str, Any]


def test_an_id_of_the_senders_makes_a_new_resource(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "PUT", "/fhir/Patient/chosen", {**patient, "id": "chosen"})
    assert answer.status_code == 201
    assert path_of(answer) == "/fhir/Patient/chosen"


def test_the_same_again_makes_no_new_version(client: FlaskClient, patient: Json) -> None:
    body = {**patient, "id": "chosen"}
    send(client, "PUT", "/fhir/Patient/chosen", body)
    again = send(client, "PUT", "/fhir/Patient/chosen", body)
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"1"')
    changed = send(client, "PUT", "/fhir/Patient/chosen", {**body, "gender": "male"})
    assert (changed.status_code, changed.headers["ETag"]) == (200, 'W/"2"')


def test_if_match_names_the_version_that_is_replaced(client: FlaskClient, patient: Json) -> None:
    body = {**patient, "id": "chosen"}
    send(client, "PUT", "/fhir/Patient/chosen", body)
    first = send(client, "PUT", "/fhir/Patient/chosen", {**body, "gender": "male"}, If_Match='W/"1"')
    late = send(client, "PUT", "/fhir/Patient/chosen", {**body, "gender": "other"}, If_Match='W/"1"')
    assert (first.status_code, late.status_code) == (200, 412)
    assert issues(late)[0][0] == "conflict"
    assert client.get("/fhir/Patient/chosen").get_json()["gender"] == "male"


def test_if_match_of_something_that_is_not_here(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "PUT", "/fhir/Patient/chosen", {**patient, "id": "chosen"}, If_Match='W/"1"')
    assert answer.status_code == 412
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("id", [None, "other", 5])
def test_the_body_has_the_id_of_the_address(client: FlaskClient, patient: Json, id: object) -> None:
    body = patient if id is None else {**patient, "id": id}
    answer = send(client, "PUT", "/fhir/Patient/chosen", body)
    assert (answer.status_code, issues(answer)) == (400, [("value", "Patient.id")])


def test_an_id_that_fhir_does_not_allow(client: FlaskClient, patient: Json) -> None:
    for id in ("a_b", "a" * 65):
        answer = send(client, "PUT", f"/fhir/Patient/{id}", {**patient, "id": id})
        assert (answer.status_code, issues(answer)[0][0]) == (400, "value")


def test_conditional_update(client: FlaskClient, patient: Json) -> None:
    address = "/fhir/Patient?identifier=http://hospital.example/mrn|MRN-7"
    first = send(client, "PUT", address, patient)
    second = send(client, "PUT", address, {**patient, "gender": "other"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert path_of(first) == path_of(second)
    clash = send(client, "PUT", address, {**patient, "id": "another"})
    assert clash.status_code == 409
    send(client, "POST", "/fhir/Patient", patient)
    assert send(client, "PUT", address, patient).status_code == 412


def test_if_none_match_keeps_only_what_is_not_here_yet(client: FlaskClient, patient: Json) -> None:
    body = {**patient, "id": "chosen"}
    first = send(client, "PUT", "/fhir/Patient/chosen", body, If_None_Match="*")
    late = send(client, "PUT", "/fhir/Patient/chosen", {**body, "gender": "other"}, If_None_Match="*")
    assert (first.status_code, late.status_code) == (201, 412)
    assert client.get("/fhir/Patient/chosen").get_json()["gender"] == "female"
