"""Addresses are made from the configured base alone; references under it are this gateway's own, however written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import wiring
from gateway.settings import Settings
from tests.web.conftest import a_referral
from tests.web.sent import issues, send

Json = dict[str, Any]
BASE = "https://ecm.example.org/r4/fhir"
FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "/evil.example",
    "Forwarded": "host=evil.example;proto=gopher",
    "X-Original-Url": "/evil.example",
}


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    with ExitStack() as stack:
        yield stack.enter_context(wiring.running(replace(settings, base_url=BASE, listen_anywhere=True))).test_client()


@pytest.fixture
def patient_id(client: FlaskClient, patient: Json) -> str:
    return str(send(client, "POST", "/fhir/Patient", patient).get_json()["id"])


def goal(patient: str, **more: Any) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "A room of her own"},
        "subject": {"reference": patient},
        **more,
    }


def entry(resource: Json, **more: Any) -> Json:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}, **more}


def transaction(*entries: Json, type: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def test_no_answer_holds_a_forged_host(client: FlaskClient, patient: Json, patient_id: str) -> None:
    asked = [
        ("GET", "/fhir/metadata", None),
        ("POST", "/fhir/Patient", patient),
        ("PUT", f"/fhir/Patient/{patient_id}", {**patient, "id": patient_id, "gender": "other"}),
        ("GET", f"/fhir/Patient/{patient_id}/_history", None),
        ("GET", "/fhir/Patient?_count=1", None),
        ("POST", "/fhir", transaction(entry(patient), {"request": {"method": "GET", "url": "Patient?_count=1"}})),
        ("POST", "/fhir", transaction(entry(patient), type="batch")),
        ("POST", "/fhir/$convert?kind=referral", a_referral()),
        ("POST", "/referrals", a_referral()),
        ("GET", "/fhir/Subscription", None),
        ("GET", "/fhir/nothing", None),
        ("DELETE", "/fhir/Patient", None),
    ]
    for method, path, body in asked:
        kind = {"Content_Type": "application/json"}
        answer = client.open(path, method=method, headers=FORGED) if body is None else None
        answer = answer or send(
            client, method, path, body, **kind, **{k.replace("-", "_"): v for k, v in FORGED.items()}
        )
        told = answer.get_data(as_text=True) + str(answer.headers)
        assert not [host for host in ("evil", "gopher", "localhost") if host in told], (method, path)
        if "Location" in answer.headers:
            assert answer.headers["Location"].startswith(f"{BASE}/"), (method, path)
    searched = client.get("/fhir/Patient?_count=1", headers=FORGED).get_json()
    assert {link["url"].partition("?")[0] for link in searched["link"]} == {f"{BASE}/Patient"}
    assert searched["entry"][0]["fullUrl"].startswith(f"{BASE}/Patient/")


@pytest.mark.parametrize("version", ["", "/_history/1"])
@pytest.mark.parametrize("way", ["create", "update", "conditional update", "transaction", "batch"])
def test_a_reference_under_our_base_is_kept_as_a_relative_one(
    client: FlaskClient, patient_id: str, way: str, version: str
) -> None:
    sent = goal(f"{BASE}/Patient/{patient_id}{version}", identifier=[{"system": "http://s.example", "value": "1"}])
    match way:
        case "create":
            answer = send(client, "POST", "/fhir/Goal", sent)
        case "update":
            answer = send(client, "PUT", "/fhir/Goal/g", {**sent, "id": "g"})
        case "conditional update":
            answer = send(client, "PUT", "/fhir/Goal?identifier=http://s.example|1", sent)
        case _:
            answer = send(client, "POST", "/fhir", transaction(entry(sent), type=way))
    assert answer.status_code in (200, 201), answer.data
    found = client.get(f"/fhir/Goal?patient=Patient/{patient_id}&_include=Goal:patient").get_json()
    assert [one["resource"]["resourceType"] for one in found["entry"]] == ["Goal", "Patient"]
    assert found["entry"][0]["resource"]["subject"] == {"reference": f"Patient/{patient_id}{version}"}
    for asked in (f"{BASE}/Patient/{patient_id}", patient_id):
        assert client.get(f"/fhir/Goal?subject={asked}").get_json()["total"] == 1


@pytest.mark.parametrize("way", ["create", "update", "transaction"])
def test_a_reference_under_our_base_is_checked(client: FlaskClient, way: str) -> None:
    sent = goal(f"{BASE}/Patient/nobody")
    match way:
        case "create":
            answer = send(client, "POST", "/fhir/Goal", sent)
        case "update":
            answer = send(client, "PUT", "/fhir/Goal/g", {**sent, "id": "g"})
        case _:
            answer = send(client, "POST", "/fhir", transaction(entry(sent)))
    assert answer.status_code == 422
    assert [place.endswith("subject.reference") for _, place in issues(answer) if place] == [True]


def test_an_address_elsewhere_stays_as_it_is(client: FlaskClient) -> None:
    for elsewhere in (f"{BASE}x/Patient/1", "https://other.example/fhir/Patient/1", f"{BASE}/metadata"):
        answer = send(client, "POST", "/fhir/Goal", goal(elsewhere))
        assert answer.status_code == 201, answer.data
        assert answer.get_json()["subject"]["reference"] == elsewhere


@pytest.mark.parametrize("written", [f"{BASE}/Patient/tmp", "Patient/tmp"])
def test_a_full_url_under_our_base_names_the_new_resource(client: FlaskClient, patient: Json, written: str) -> None:
    answer = send(
        client, "POST", "/fhir", transaction(entry(patient, fullUrl=f"{BASE}/Patient/tmp"), entry(goal(written)))
    )
    assert answer.status_code == 200, answer.data
    at = answer.get_json()["entry"][0]["response"]["location"].partition("/_history")[0]
    assert client.get("/fhir/Goal").get_json()["entry"][0]["resource"]["subject"]["reference"] == at


def test_a_condition_under_our_base_is_resolved(client: FlaskClient, patient_id: str) -> None:
    condition = f"{BASE}/Patient?identifier=http://hospital.example/mrn|MRN-7"
    answer = send(client, "POST", "/fhir", transaction(entry(goal(condition))))
    assert answer.status_code == 200, answer.data
    found = client.get("/fhir/Goal").get_json()["entry"][0]["resource"]
    assert found["subject"]["reference"] == f"Patient/{patient_id}"
