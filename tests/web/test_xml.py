"""FHIR XML out: asked for by Accept or `_format`, for all that is answered. https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree

from tests.web.sent import path_of, send

XML = "application/fhir+xml"
NS = {"f": "http://hl7.org/fhir"}


def element(answer: Any) -> Any:
    """The root of an answer in XML, which says that it is."""
    assert answer.content_type == XML, answer.data
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return etree.fromstring(answer.data)


def name(root: Any) -> str:
    return etree.QName(root).localname


@pytest.fixture
def kept(client: FlaskClient, patient: dict[str, Any]) -> str:
    return path_of(send(client, "POST", "/fhir/Patient", patient))


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        (XML, ""),
        ("application/xml", ""),
        ("text/xml;q=0.9, application/fhir+json;q=0.1", ""),
        ("application/fhir+xml; fhirVersion=4.0", ""),
        ("text/html, application/fhir+xml;fhirVersion=4.0;q=0.5", ""),
        ("application/fhir+json", "?_format=xml"),
        ("", "?_format=application/fhir%2Bxml"),
        ("text/html", "?_format=application/fhir+xml"),
    ],
)
def test_a_read_in_xml(client: FlaskClient, kept: str, accept: str, query: str) -> None:
    root = element(client.get(kept + query, headers={"Accept": accept}))
    assert name(root) == "Patient"
    assert root.find("f:name/f:family", NS).get("value") == "Zanzibarovna"


def test_what_was_sent_in_xml_comes_back_in_either(client: FlaskClient) -> None:
    body = b"""<Patient xmlns="http://hl7.org/fhir"><name><family value="Zanzibarovna"/></name></Patient>"""
    written = send(client, "POST", "/fhir/Patient", body, Content_Type=XML, Accept=XML)
    assert written.status_code == 201
    root = element(written)
    assert root.find("f:name/f:family", NS).get("value") == "Zanzibarovna"
    again = send(client, "PUT", path_of(written), etree.tostring(root), Content_Type=XML)
    assert (again.status_code, again.get_json()["name"]) == (200, [{"family": "Zanzibarovna"}])
    assert again.headers["ETag"] == 'W/"1"', "it says nothing new"


def test_searches_histories_and_transactions_in_xml(
    client: FlaskClient, kept: str, transaction: dict[str, Any]
) -> None:
    found = element(client.get("/fhir/Patient?family=Zanzibarovna&_format=xml"))
    assert found.find("f:entry/f:resource/f:Patient/f:name/f:family", NS) is not None
    form = {"family": "zanzibarovna", "_format": "xml"}
    by_form = element(client.post("/fhir/Patient/_search", data=form))
    assert by_form.find("f:total", NS).get("value") == "1"
    assert name(element(client.get(f"{kept}/_history", headers={"Accept": XML}))) == "Bundle"
    assert name(element(client.get(f"{kept}/_history/1", headers={"Accept": XML}))) == "Patient"
    done = element(send(client, "POST", "/fhir", transaction, Accept=XML))
    assert [one.get("value") for one in done.findall("f:entry/f:response/f:status", NS)] == ["201 Created"] * 2


def test_refusals_and_checks_in_xml(client: FlaskClient, kept: str) -> None:
    absent = client.get("/fhir/Patient/nobody", headers={"Accept": XML})
    assert (absent.status_code, name(element(absent))) == (404, "OperationOutcome")
    nowhere = client.get("/fhir/nothing/at/all/here", headers={"Accept": XML})
    assert (nowhere.status_code, name(element(nowhere))) == (404, "OperationOutcome")
    bad = send(client, "POST", "/fhir/Patient", {"resourceType": "Patient", "gender": "x"}, Accept=XML)
    assert bad.status_code == 422
    assert element(bad).find("f:issue/f:code", NS).get("value") == "code-invalid"
    checked = client.get(f"{kept}/$validate?_format=xml")
    assert name(element(checked)) == "OperationOutcome"


def test_metadata_lists_and_speaks_it(client: FlaskClient) -> None:
    root = element(client.get("/fhir/metadata", headers={"Accept": XML}))
    formats = [one.get("value") for one in root.findall("f:format", NS)]
    assert {"json", "xml", "application/fhir+json", "application/fhir+xml"} <= set(formats)


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        ("application/pdf", ""),
        ("text/turtle", ""),
        ("application/fhir+xml;q=0", ""),
        ("application/fhir+json; fhirVersion=5.0", ""),
        ("application/fhir+xml;fhirversion=3.0", ""),
        ("", "?_format=ttl"),
        ("application/fhir+json", "?_format=html"),
    ],
)
def test_what_is_not_had_is_refused_in_json(client: FlaskClient, kept: str, accept: str, query: str) -> None:
    answer = client.get(kept + query, headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.content_type == "application/fhir+json"
    assert answer.get_json()["issue"][0]["code"] == "not-supported"


def test_where_there_is_only_json_xml_is_refused(client: FlaskClient) -> None:
    assert client.get("/loops", headers={"Accept": "application/json"}).status_code == 200
    assert client.get("/loops", headers={"Accept": XML}).status_code == 406


def test_nothing_is_kept_for_who_cannot_read_the_answer(client: FlaskClient, patient: dict[str, Any]) -> None:
    assert send(client, "POST", "/fhir/Patient", patient, Accept="application/pdf").status_code == 406
    assert send(client, "PUT", "/fhir/Patient/p9", {**patient, "id": "p9"}, Accept="text/html").status_code == 406
    assert client.get("/fhir/Patient?_summary=count").get_json()["total"] == 0
