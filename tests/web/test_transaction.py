"""FHIR transaction and batch, from outside."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, send, total

Json = dict[str, Any]


def test_references_between_entries_are_resolved(client: FlaskClient, transaction: Json) -> None:
    answer = send(client, "POST", "/fhir", transaction)
    assert answer.status_code == 200
    bundle = answer.get_json()
    assert bundle["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in bundle["entry"]] == ["201 Created", "201 Created"]
    patient, referral = (entry["response"]["location"].split("/_history")[0] for entry in bundle["entry"])
    assert client.get(f"/fhir/{referral}").get_json()["subject"]["reference"] == patient


def test_prefer_representation_returns_the_resources(client: FlaskClient, transaction: Json) -> None:
    answer = send(client, "POST", "/fhir", transaction, Prefer="return=representation")
    assert [entry["resource"]["resourceType"] for entry in answer.get_json()["entry"]] == ["Patient", "ServiceRequest"]
    assert all("resource" not in entry for entry in send(client, "POST", "/fhir", transaction).get_json()["entry"])


def test_if_none_exist_uses_who_is_here(client: FlaskClient, transaction: Json) -> None:
    transaction["entry"][0]["request"]["ifNoneExist"] = "identifier=http://hospital.example/mrn|MRN-7"
    send(client, "POST", "/fhir", transaction)
    again = send(client, "POST", "/fhir", transaction).get_json()
    assert [entry["response"]["status"] for entry in again["entry"]] == ["200 OK", "201 Created"]
    assert total(client, "Patient") == 1
    found = client.get("/fhir/ServiceRequest?_total=accurate").get_json()
    assert len({entry["resource"]["subject"]["reference"] for entry in found["entry"]}) == 1


def test_a_conditional_reference(client: FlaskClient, transaction: Json, patient: Json) -> None:
    only = {"resourceType": "Bundle", "type": "transaction", "entry": [transaction["entry"][1]]}
    only["entry"][0]["resource"]["subject"] = {"reference": "Patient?identifier=http://hospital.example/mrn|MRN-7"}
    nobody = send(client, "POST", "/fhir", only)
    assert (nobody.status_code, issues(nobody)) == (
        412,
        [("not-found", "Bundle.entry[0].resource.subject.reference")],
    )
    send(client, "POST", "/fhir/Patient", patient)
    assert send(client, "POST", "/fhir", only).status_code == 200
    send(client, "POST", "/fhir/Patient", patient)
    assert send(client, "POST", "/fhir", only).status_code == 412
    assert total(client, "ServiceRequest") == 1


@pytest.mark.parametrize("how", ["content", "condition", "update"])
def test_a_conditional_reference_to_an_entry_of_the_same_bundle(
    client: FlaskClient, transaction: Json, how: str
) -> None:
    """https://hl7.org/fhir/R4/http.html#trules: conditional references are resolved when the entries are there."""
    asked = "identifier=http://hospital.example/mrn|MRN-7"
    if how == "condition":
        asked = "family=zanzibarovna&birthdate=1980-04-05"
        transaction["entry"][0]["request"]["ifNoneExist"] = asked
    if how == "update":
        transaction["entry"][0]["request"] = {"method": "PUT", "url": f"Patient?{asked}"}
    transaction["entry"][1]["resource"]["subject"] = {"reference": f"Patient?{asked}"}
    for entry in transaction["entry"]:
        entry.pop("fullUrl", None)
    answer = send(client, "POST", "/fhir", transaction, Prefer="return=representation")
    assert answer.status_code == 200, answer.data
    patient, referral = (entry["resource"] for entry in answer.get_json()["entry"])
    assert referral["subject"]["reference"] == f"Patient/{patient['id']}"


def test_a_conditional_reference_that_two_entries_meet(client: FlaskClient, transaction: Json) -> None:
    transaction["entry"].append({**deepcopy(transaction["entry"][0]), "fullUrl": "urn:uuid:another"})
    subject = {"reference": "Patient?identifier=http://hospital.example/mrn|MRN-7"}
    transaction["entry"][1]["resource"]["subject"] = subject
    answer = send(client, "POST", "/fhir", transaction)
    assert (answer.status_code, issues(answer)) == (
        412,
        [("multiple-matches", "Bundle.entry[1].resource.subject.reference")],
    )
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("identifier", [5, "x", {}, [5], [{"value": 5}], [{"system": 5}], None])
def test_a_conditional_reference_beside_identifiers_that_are_none(
    client: FlaskClient, transaction: Json, identifier: object
) -> None:
    transaction["entry"][0]["resource"]["identifier"] = identifier
    transaction["entry"][1]["resource"]["subject"] = {"reference": "Patient?identifier=http://hospital.example/mrn|5"}
    answer = send(client, "POST", "/fhir", transaction)
    assert (answer.status_code, issues(answer)[0][0]) == (412, "not-found")


@pytest.mark.parametrize("what", ["fullUrl", "resource"])
def test_the_same_thing_twice(client: FlaskClient, transaction: Json, what: str) -> None:
    again = deepcopy(transaction["entry"][0])
    if what == "resource":
        for at, entry in enumerate((transaction["entry"][0], again)):
            entry["fullUrl"] = f"urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a0{at + 1}"
            entry["resource"] = {**entry["resource"], "id": "p"}
            entry["request"] = {"method": "PUT", "url": "Patient/p"}
    answer = send(client, "POST", "/fhir", {**transaction, "entry": [transaction["entry"][0], again]})
    assert (answer.status_code, issues(answer)[0][0]) == (422, "duplicate")
    assert total(client, "Patient") == 0


def test_only_a_batch_or_transaction_is_done(client: FlaskClient, transaction: Json) -> None:
    for type in ("collection", "document", None, 5):
        answer = send(client, "POST", "/fhir", {**transaction, "type": type})
        assert (answer.status_code, issues(answer)) == (400, [("invalid", "Bundle.type")])


def test_too_many_entries(client: FlaskClient, transaction: Json) -> None:
    answer = send(client, "POST", "/fhir", {**transaction, "entry": [transaction["entry"][0]] * 501})
    assert (answer.status_code, issues(answer)) == (413, [("too-costly", "Bundle.entry")])


def test_a_batch_does_each_entry_by_itself(client: FlaskClient, transaction: Json, patient: Json) -> None:
    broken = {**patient, "gender": "bogus"}
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"resource": patient, "request": {"method": "POST", "url": "Patient"}},
            {"resource": broken, "request": {"method": "POST", "url": "Patient"}},
            {"request": {"method": "GET", "url": "Patient?family=Zanzibarovna"}},
            {"request": {"method": "GET", "url": "Patient/none"}},
            {"request": {"method": "PATCH", "url": "Patient/none"}},
        ],
    }
    answer = send(client, "POST", "/fhir", batch)
    assert answer.status_code == 200
    entries = answer.get_json()["entry"]
    assert [entry["response"]["status"][:3] for entry in entries] == ["201", "422", "200", "404", "400"]
    assert entries[1]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]
    assert entries[2]["resource"]["entry"][0]["resource"]["gender"] == "female"
    assert total(client, "Patient") == 1


def test_what_is_written_once_stays_as_it_is(client: FlaskClient, patient: Json) -> None:
    request = {"method": "PUT", "url": "Patient/p", "ifNoneMatch": "*"}
    for gender, status in (("female", "201"), ("other", "200")):
        resource = {**patient, "id": "p", "gender": gender}
        entries = [{"resource": resource, "request": request}]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        for done in (bundle, {**bundle, "type": "batch"}):
            answer = send(client, "POST", "/fhir", done)
            assert answer.get_json()["entry"][0]["response"]["status"][:3] == status, answer.data
            status = "200"
    assert client.get("/fhir/Patient/p").get_json()["gender"] == "female"


@pytest.mark.parametrize(
    "wrong", [{"ifNoneMatch": 'W/"1"'}, {"ifNoneMatch": "*", "ifMatch": 'W/"1"'}, {"ifNoneExist": "_id=p"}]
)
def test_conditions_that_do_not_belong_to_an_update(client: FlaskClient, patient: Json, wrong: Json) -> None:
    entry = {"resource": {**patient, "id": "p"}, "request": {"method": "PUT", "url": "Patient/p", **wrong}}
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert (answer.status_code, len(issues(answer))) == (400, 1)
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("methods", [("POST", "POST"), ("PUT", "PUT"), ("PUT by id", "PUT")])
def test_two_entries_that_turn_out_to_write_one_resource(
    client: FlaskClient, patient: Json, methods: tuple[str, ...], kept: bool
) -> None:
    where = "identifier=http://hospital.example/mrn|MRN-7"
    if kept:
        send(client, "PUT", "/fhir/Patient/p", {**patient, "id": "p"})
    kinds: dict[str, Json] = {
        "POST": {"resource": patient, "request": {"method": "POST", "url": "Patient", "ifNoneExist": where}},
        "PUT": {"resource": patient, "request": {"method": "PUT", "url": f"Patient?{where}"}},
        "PUT by id": {"resource": {**patient, "id": "p"}, "request": {"method": "PUT", "url": "Patient/p"}},
    }
    entries = [kinds[method] for method in methods]
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    if methods[0] == "PUT by id" and not kept:  # nothing meets the condition before this transaction
        assert answer.status_code == 200
    else:
        assert (answer.status_code, issues(answer)) == (422, [("duplicate", "Bundle.entry[1]")])
        assert total(client, "Patient") == int(kept)


def test_only_links_are_rewritten(client: FlaskClient, transaction: Json) -> None:
    urn = transaction["entry"][0]["fullUrl"]
    transaction["entry"][1]["resource"] |= {
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": urn}],
        "instantiatesCanonical": [urn],
        "instantiatesUri": [urn],
        "note": [{"text": urn}],
    }
    answer = send(client, "POST", "/fhir", transaction, Prefer="return=representation")
    assert answer.status_code == 200, answer.data
    patient, kept = (entry["resource"] for entry in answer.get_json()["entry"])
    assert kept["subject"]["reference"] == kept["instantiatesUri"][0] == f"Patient/{patient['id']}"
    assert kept["identifier"][0]["value"] == kept["instantiatesCanonical"][0] == kept["note"][0]["text"] == urn


@pytest.mark.parametrize("type", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://[", "400"),
        ("http://[x]/Patient", "400"),
        ("//[/Patient", "400"),
        ("Patient/p/_history/99999999999999999999999", "404"),
        ("Patient/p/_history/" + "9" * 5_000, "404"),
        ("Patient/p/_history/0", "404"),
        ("Patient/p/_history/\u0661", "400"),
    ],
)
def test_an_address_that_leads_nowhere(client: FlaskClient, patient: Json, type: str, url: str, status: str) -> None:
    send(client, "PUT", "/fhir/Patient/p", {**patient, "id": "p"})
    bundle = {"resourceType": "Bundle", "type": type, "entry": [{"request": {"method": "GET", "url": url}}]}
    answer = send(client, "POST", "/fhir", bundle)
    said = str(answer.status_code) if type == "transaction" else answer.get_json()["entry"][0]["response"]["status"]
    assert said[:3] == status


def test_nothing_is_written_over_a_version(client: FlaskClient, patient: Json) -> None:
    request = {"method": "PUT", "url": "Patient/p/_history/1"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": request, "resource": {**patient, "id": "p"}}],
    }
    answer = send(client, "POST", "/fhir", bundle)
    assert (answer.status_code, issues(answer)) == (400, [("value", "Bundle.entry[0].request.url")])
