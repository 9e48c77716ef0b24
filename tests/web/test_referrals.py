"""The referral door, from outside."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.fhir import codec
from tests.web.sent import issues, path_of, send, total

Json = dict[str, Any]


def refer(client: FlaskClient, referral: Json, **headers: str) -> TestResponse:
    return send(client, "POST", "/referrals", referral, Content_Type="application/json", **headers)


def test_a_referral_becomes_a_service_request_and_what_it_needs(client: FlaskClient, referral: Json) -> None:
    answer = refer(client, referral)
    assert answer.status_code == 201, answer.data
    request = client.get(path_of(answer)).get_json()
    assert request["resourceType"] == "ServiceRequest"
    assert request["priority"] == "urgent"
    kept = [entry["response"]["location"].split("/")[0] for entry in answer.get_json()["entry"]]
    for type in ("Patient", "Coverage", "Task", "Practitioner", "Organization", "QuestionnaireResponse", "Provenance"):
        assert type in kept
    told = answer.get_json()["entry"][0]["response"]["outcome"]["issue"]
    assert any("Population of Focus" in issue["diagnostics"] for issue in told)


def test_the_same_referral_twice_is_one(client: FlaskClient, referral: Json) -> None:
    first, second = refer(client, referral), refer(client, referral)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["Location"] == second.headers["Location"]
    assert {entry["response"]["status"] for entry in second.get_json()["entry"]} == {"200 OK"}
    for type in ("Patient", "ServiceRequest", "Task", "Provenance"):
        assert total(client, type) == 1


def test_a_changed_referral_is_a_new_version_and_leaves_the_loop_alone(client: FlaskClient, referral: Json) -> None:
    path = path_of(refer(client, referral))
    task = client.get("/fhir/Task").get_json()["entry"][0]["resource"]
    task["status"] = "accepted"
    assert send(client, "PUT", f"/fhir/Task/{task['id']}", task).status_code == 200
    held = {**client.get(path).get_json(), "status": "on-hold"}
    assert send(client, "PUT", path, held).status_code == 200
    answer = refer(client, {**referral, "need": "Now in a shelter."})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == 'W/"3"'
    assert client.get(path).get_json()["status"] == "on-hold"
    assert client.get(f"/fhir/Task/{task['id']}").get_json()["status"] == "accepted"
    assert total(client, "Patient") == 1


def test_the_referral_can_be_found_by_its_patient(client: FlaskClient, referral: Json) -> None:
    refer(client, referral)
    found = client.post(
        "/fhir/ServiceRequest/_search",
        data={"patient.identifier": "90000123A", "_include": "ServiceRequest:patient", "_revinclude": "Task:focus"},
    )
    modes = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in found.get_json()["entry"]]
    assert sorted(modes) == [("Patient", "include"), ("ServiceRequest", "match"), ("Task", "include")]


def _drop(path: str) -> Any:
    def change(referral: Json) -> None:
        *way, last = path.split(".")
        for step in way:
            referral = referral[step]
        del referral[last]

    return change


def _set(path: str, value: Any) -> Any:
    def change(referral: Json) -> None:
        *way, last = path.split(".")
        for step in way:
            referral = referral[step]
        referral[last] = value

    return change


BAD = {
    "no name": _drop("member.name"),
    "no birth date": _drop("member.birth_date"),
    "no way to contact": _drop("member.phones"),
    "no referrer": _drop("referrer"),
    "no population": _set("populations", []),
    "unknown code": _set("populations", ["12"]),
    "unknown member": _set("eye_color", "blue"),
    "wrong schema": _set("member", "Zanzibarovna"),
    "birth date in the future": _set("member.birth_date", "2999-01-01"),
    "an SSN for a CIN": _set("member.cin", "123-45-6789"),
    "an NPI that is none": _set("referrer.npi", "1234567890"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_cannot_be_read_is_refused_and_not_kept(client: FlaskClient, referral: Json, fault: str) -> None:
    BAD[fault](referral)
    answer = refer(client, referral)
    assert answer.status_code == 422, answer.data
    assert all(place is None or place for _, place in issues(answer))
    assert b"123-45-6789" not in answer.data
    assert (total(client, "Patient"), total(client, "ServiceRequest")) == (0, 0)


def test_every_problem_is_listed_at_once(client: FlaskClient, referral: Json) -> None:
    BAD["unknown code"](referral)
    BAD["an SSN for a CIN"](referral)
    BAD["no name"](referral)
    assert len(issues(refer(client, referral))) >= 3


def test_two_members_with_one_cin(client: FlaskClient, referral: Json) -> None:
    refer(client, referral)
    other = deepcopy(referral)
    other["key"]["id"] = "R-2026-0002"
    other["member"]["birth_date"] = "1999-12-31"
    answer = refer(client, other)
    assert answer.status_code == 409
    assert issues(answer) == [("conflict", "Bundle.entry[1].resource.birthDate")] or issues(answer)[0][0] == "conflict"
    assert total(client, "ServiceRequest") == 1


@pytest.mark.parametrize("media", ["text/plain", "application/fhir+json", "", "application/json; charset=utf-16"])
def test_another_media_type(client: FlaskClient, referral: Json, media: str) -> None:
    answer = client.post("/referrals", data=codec.write(referral), headers={"Content-Type": media})
    assert (answer.status_code, issues(answer)[0][0]) == (415, "not-supported")


def test_what_is_known_of_a_member_outlives_a_document_that_says_less(client: FlaskClient, referral: Json) -> None:
    member = client.get(path_of(refer(client, referral))).get_json()["subject"]["reference"]
    before = client.get(f"/fhir/{member}").get_json()
    stated = {name: referral["member"][name] for name in ("name", "cin", "birth_date")}
    referral |= {"member": {**stated, "email": "ljuba@example.org"}, "key": {"source": "harbor-clinic", "id": "R-2"}}
    assert refer(client, referral).status_code == 201
    after = client.get(f"/fhir/{member}").get_json()
    email = {"system": "email", "value": "ljuba@example.org"}
    assert after == before | {"telecom": [email, *before["telecom"]], "meta": after["meta"]}
    assert after["meta"]["versionId"] == "2"
