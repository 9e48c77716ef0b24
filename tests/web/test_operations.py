"""$validate, $convert and search, from outside."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir import codec
from tests.web.sent import issues, path_of, send, total

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"


def test_validate_says_what_is_wrong_and_keeps_nothing(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/Patient/$validate", {**patient, "gender": "bogus"})
    assert answer.status_code == 200
    assert "Patient.gender" in [place for _, place in issues(answer)]
    assert total(client, "Patient") == 0


def test_validate_of_a_good_resource_has_no_error(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/Patient/$validate", patient)
    assert {issue["severity"] for issue in answer.get_json()["issue"]} <= {"information", "warning"}


@pytest.mark.parametrize("how", ["parameters", "address"])
def test_validate_against_a_profile_that_is_named(client: FlaskClient, how: str) -> None:
    nameless = {"resourceType": "Patient", "gender": "female", "identifier": [{"system": "urn:x", "value": "1"}]}
    path = "/fhir/Patient/$validate"
    if how == "address":
        answer = send(client, "POST", f"{path}?profile={CORE}", nameless)
    else:
        parameters = [
            {"name": "resource", "resource": nameless},
            {"name": "profile", "valueUri": CORE},
            {"name": "mode", "valueCode": "create"},
        ]
        answer = send(client, "POST", path, {"resourceType": "Parameters", "parameter": parameters})
    assert any("us-core-patient" in issue["diagnostics"] for issue in answer.get_json()["issue"])


@pytest.mark.parametrize(
    "parameter",
    [
        *({"name": "usageContext"}, {"name": "mode", "valueCode": "guess"}, {}, 5),
        {"name": "mode", "valueCode": "delete"},
        {"name": "profile", "valueString": CORE},
        {"name": "profile", "valueUri": 5},
        {"name": "resource", "resource": {"resourceType": "Patient"}},
        {"name": "resource", "valueString": "Patient/1"},
    ],
)
def test_validate_with_parameters_that_are_not_known(client: FlaskClient, patient: Json, parameter: Any) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}, parameter]}
    answer = send(client, "POST", "/fhir/Patient/$validate", body)
    assert answer.status_code == 400, answer.data


@pytest.mark.parametrize("query", ["profiles=x", "Profile=x", "mode=delete", "mode=create&mode=guess", "resource=1"])
def test_validate_with_an_address_that_asks_for_something_else(client: FlaskClient, patient: Json, query: str) -> None:
    """Who writes `profiles=` and hears "valid" would believe it."""
    kept = send(client, "PUT", "/fhir/Patient/p1", {**patient, "id": "p1"})
    assert kept.status_code == 201
    for method, path, body in (("POST", "", patient), ("GET", "/p1", None), ("POST", "/p1", None)):
        answer = send(client, method, f"/fhir/Patient{path}/$validate?{query}", body)
        assert (answer.status_code, issues(answer)[0][0]) == (400, "invalid")
    assert send(client, "POST", "/fhir/Patient/$validate?mode=create&_format=json", patient).status_code == 200


def test_a_profile_that_is_not_known_is_the_callers_fault(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/Patient/$validate?profile=http://elsewhere.example/p", patient)
    assert (answer.status_code, issues(answer)[0][0]) == (422, "not-supported")


def test_validate_parameters_without_a_resource(client: FlaskClient, patient: Json) -> None:
    profile = {"resourceType": "Parameters", "parameter": [{"name": "profile", "valueUri": CORE}]}
    for body in (profile, {"resourceType": "Parameters"}):
        answer = send(client, "POST", "/fhir/Patient/$validate", body)
        assert (answer.status_code, issues(answer)) == (400, [("required", "Parameters.parameter")])
    send(client, "PUT", "/fhir/Patient/p1", {**patient, "id": "p1"})
    assert send(client, "POST", "/fhir/Patient/p1/$validate", profile).status_code == 200


@pytest.mark.parametrize("id", [None, "p2"])
def test_validate_the_next_version_under_another_id(client: FlaskClient, patient: Json, id: str | None) -> None:
    send(client, "PUT", "/fhir/Patient/p1", {**patient, "id": "p1"})
    body = {**patient, "id": id} if id else {name: part for name, part in patient.items() if name != "id"}
    assert ("value", "Patient.id") in issues(send(client, "POST", "/fhir/Patient/p1/$validate", body))
    body["id"] = "p1"
    assert ("value", "Patient.id") not in issues(send(client, "POST", "/fhir/Patient/p1/$validate", body))


def test_validate_what_is_kept(client: FlaskClient, patient: Json) -> None:
    path = path_of(send(client, "POST", "/fhir/Patient", patient))
    assert client.get(f"{path}/$validate").status_code == 200
    assert client.post(f"{path}/$validate").status_code == 200
    assert send(client, "POST", f"{path}/$validate", {**patient, "gender": "bogus"}).status_code == 200
    assert client.get("/fhir/Patient/none/$validate").status_code == 404


def test_convert_maps_and_keeps_nothing(client: FlaskClient, referral: Json) -> None:
    answer = send(client, "POST", "/fhir/$convert", referral, Content_Type="application/json")
    assert answer.status_code == 200, answer.data
    types = [entry["resource"]["resourceType"] for entry in answer.get_json()["entry"]]
    assert types[:2] == ["ServiceRequest", "Task"]
    assert types[-1] == "OperationOutcome"
    assert (total(client, "Patient"), total(client, "ServiceRequest")) == (0, 0)


def test_convert_gives_the_ids_that_will_be_kept(client: FlaskClient, referral: Json) -> None:
    converted = send(client, "POST", "/fhir/$convert", referral, Content_Type="application/json").get_json()
    kept = send(client, "POST", "/referrals", referral, Content_Type="application/json")
    assert kept.headers["Location"].startswith(converted["entry"][0]["fullUrl"])


@pytest.mark.parametrize(
    ("query", "media", "status"),
    [
        ("?kind=nonsense", "application/json", 400),
        ("", "text/csv", 400),
        ("?partner=nobody", "text/csv", 404),
        ("", "text/plain", 415),
        ("?kind=care-plan", "application/json", 422),
    ],
)
def test_convert_that_cannot_be_done(client: FlaskClient, referral: Json, query: str, media: str, status: int) -> None:
    answer = client.post(f"/fhir/$convert{query}", data=codec.write(referral), headers={"Content-Type": media})
    assert answer.status_code == status, answer.data
    assert issues(answer)


def test_a_file_of_an_unknown_partner_or_kind(client: FlaskClient) -> None:
    for path in ("/files/nobody/referral", "/files/kaiser/nonsense", "/files/kaiser/care-plan"):
        answer = client.post(path, data=b"A,B\n1,2\n", headers={"Content-Type": "text/csv"})
        assert (answer.status_code, issues(answer)[0][0]) == (404, "not-found")


@pytest.mark.parametrize(
    ("query", "code"),
    [("eye-color=blue", "not-supported"), ("birthdate=ge2024-02-30", "value"), ("_count=x", "value"),
     ("_include=Nonsense:x", "not-supported"), ("name:nonsense=x", "not-supported"), ("%ff=x", "invalid")],
)  # fmt: skip
def test_a_search_that_is_not_understood_finds_nothing(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"/fhir/Patient?{query}")
    assert answer.status_code == 400
    assert issues(answer)[0][0] in (code, "invalid", "value", "not-supported")


def test_lenient_handling_tells_what_it_ignored(client: FlaskClient, patient: Json) -> None:
    send(client, "POST", "/fhir/Patient", patient)
    answer = client.get("/fhir/Patient?eye-color=blue", headers={"Prefer": "handling=lenient"})
    assert answer.status_code == 200
    assert [entry["search"]["mode"] for entry in answer.get_json()["entry"]] == ["match", "outcome"]


def test_paging_reaches_everyone_once(client: FlaskClient, patient: Json) -> None:
    for number in range(5):
        send(client, "PUT", f"/fhir/Patient/p{number}", {**patient, "id": f"p{number}"})
    address, seen = "/fhir/Patient?family=zanzibarovna&_count=2", []
    while address:
        bundle = client.get(address).get_json()
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        address = links.get("next", "").removeprefix("http://127.0.0.1:8080")
    assert sorted(seen) == ["p0", "p1", "p2", "p3", "p4"]


def test_elements_are_cut_and_marked(client: FlaskClient, patient: Json) -> None:
    send(client, "POST", "/fhir/Patient", patient)
    found = client.get("/fhir/Patient?_elements=birthDate").get_json()["entry"][0]["resource"]
    assert found["birthDate"] == "1984-05-06"
    assert "name" not in found
    assert found["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    "address",
    ["/fhir/$convert?kind=referral&kind=care-plan", "/fhir/$convert?knd=referral", "/loops?who=plan&who=provider"],
)
def test_an_unknown_parameter_or_one_given_twice_is_refused(client: FlaskClient, address: str) -> None:
    method = "GET" if "loops" in address else "POST"
    answer = client.open(address, method=method, data=b"{}", content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["details"]["coding"][0]["code"] == "operation-parameter"


def test_a_partner_has_no_json_of_its_own(client: FlaskClient) -> None:
    answer = client.post("/fhir/$convert?partner=kaiser", data=b"{}", content_type="application/json")
    assert answer.status_code == 400
