"""A read, like a search, gives the part that is asked for, marked as one; and a part is never kept as the whole.

https://hl7.org/fhir/R4/search.html#summary
"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.part import SUBSETTED
from tests.web.sent import send

Json = dict[str, Any]
ALWAYS = {"resourceType", "id", "meta"}


@pytest.fixture
def id(client: FlaskClient, patient: Json) -> str:
    written = patient | {"contact": [{"name": {"text": "Zanzibarovna"}}], "text": {"status": "generated", "div": DIV}}
    kept = send(client, "POST", "/fhir/Patient", written)
    assert kept.status_code == 201, kept.data
    return str(kept.get_json()["id"])


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">one person</div>'
SUMMARY = {"identifier", "name", "gender", "birthDate"}
ASKED = [
    ("_elements=birthDate,name", {"birthDate", "name"}),
    ("_elements=Patient.birthDate", {"birthDate"}),
    ("_summary=true", SUMMARY),
    ("_summary=text", {"text"}),
    ("_summary=data", SUMMARY | {"contact"}),
]


@pytest.mark.parametrize(("query", "expected"), ASKED)
@pytest.mark.parametrize("address", ["/fhir/Patient/{id}", "/fhir/Patient/{id}/_history/1", "/fhir/Patient"])
def test_a_part_is_what_was_asked_for_and_says_that_it_is_one(
    client: FlaskClient, id: str, address: str, query: str, expected: set[str]
) -> None:
    answer = client.get(f"{address.format(id=id)}?{query}")
    assert answer.status_code == 200, answer.data
    found = answer.get_json()
    found = found["entry"][0]["resource"] if found["resourceType"] == "Bundle" else found
    assert set(found) == ALWAYS | expected
    assert found["meta"]["tag"] == [SUBSETTED]
    if not address.endswith("Patient"):
        assert answer.headers["ETag"] == 'W/"1"'


def test_a_read_in_a_bundle_gives_the_part_too(client: FlaskClient, id: str) -> None:
    for type in ("batch", "transaction"):
        entry = [{"request": {"method": "GET", "url": f"Patient/{id}?_elements=birthDate"}}]
        answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": type, "entry": entry})
        assert set(answer.get_json()["entry"][0]["resource"]) == ALWAYS | {"birthDate"}


def test_the_whole_is_the_whole(client: FlaskClient, id: str) -> None:
    whole = client.get(f"/fhir/Patient/{id}")
    for query in ("_summary=false", "_format=json", "_format=json&_pretty=true", ""):
        assert client.get(f"/fhir/Patient/{id}?{query}").data == whole.data
    etag = whole.headers["ETag"]
    assert client.get(f"/fhir/Patient/{id}?_summary=true", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("query", ["_summary=count", "_summary=most", "_elements=a%20b", "_include=x", "name=Ljuba"])
def test_what_a_read_does_not_have_is_refused_unless_the_caller_is_lenient(
    client: FlaskClient, id: str, query: str
) -> None:
    answer = client.get(f"/fhir/Patient/{id}?{query}")
    assert answer.status_code == 400
    assert "Ljuba" not in answer.get_data(as_text=True)
    lenient = client.get(f"/fhir/Patient/{id}?{query}", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == (400 if query[:8] in ("_summary", "_element") else 200)


def test_definitions_and_subscriptions_are_read_in_part(client: FlaskClient) -> None:
    address = "/fhir/CodeSystem/ecm-referral-status"
    found = client.get(f"{address}?_summary=true").get_json()
    assert "concept" not in found
    assert found["meta"]["tag"] == [SUBSETTED]
    assert "concept" in client.get(address).get_json()


def test_a_part_is_not_kept_as_the_whole(client: FlaskClient, id: str) -> None:
    part = client.get(f"/fhir/Patient/{id}?_elements=birthDate").get_json()
    entry = {"resource": part, "request": {"method": "PUT", "url": f"Patient/{id}"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    for answer in (
        send(client, "PUT", f"/fhir/Patient/{id}", part),
        send(client, "PUT", "/fhir/Patient?identifier=MRN-7", part),
        send(client, "POST", "/fhir/Patient", {k: v for k, v in part.items() if k != "id"}),
        send(client, "POST", "/fhir", bundle),
    ):
        assert answer.status_code == 422, answer.data
        assert answer.get_json()["issue"][0]["details"]["coding"][0]["code"] == "subsetted"
    assert client.get(f"/fhir/Patient/{id}").get_json()["name"]
