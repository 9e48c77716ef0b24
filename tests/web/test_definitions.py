"""Our own profiles, code lists and concept maps are read and found under /fhir, and never written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import ROOT
from tests.profiles.ecm import validator
from tests.web.sent import issues, send

Json = dict[str, Any]
BASE = "http://127.0.0.1:8080/fhir"
OWN = "https://ecm-gateway.example/fhir"
TYPES = ("CodeSystem", "ConceptMap", "OperationDefinition", "StructureDefinition", "ValueSet")


def found(client: FlaskClient, query: str) -> Json:
    answer = client.get(f"/fhir/{query}")
    assert answer.status_code == 200, answer.data
    bundle: Json = answer.get_json()
    return bundle


def test_every_definition_that_we_have_is_served_as_it_is(client: FlaskClient) -> None:
    for file in sorted((ROOT / "profiles" / "ecm").glob("*.json")):
        ours = json.loads(file.read_text())
        if ours["resourceType"] not in TYPES:
            continue
        served = client.get(f"/fhir/{ours['resourceType']}/{ours['id']}").get_json()
        assert served.pop("meta")["versionId"].isdecimal()
        assert served == {name: value for name, value in ours.items() if name != "meta"}


@pytest.mark.parametrize("type", TYPES)
def test_a_definition_is_found_by_its_url_and_version(client: FlaskClient, type: str) -> None:
    every = found(client, type)
    assert (every["type"], every["total"]) == ("searchset", len(every["entry"]))
    one = every["entry"][0]["resource"]
    for query in (f"url={one['url']}", f"_id={one['id']}", f"url={one['url']},http://x&status={one['status']}"):
        (entry,) = found(client, f"{type}?{query}")["entry"]
        assert entry["resource"] == one
        assert entry["fullUrl"] == f"{BASE}/{type}/{one['id']}"
    by_form = client.post(f"/fhir/{type}/_search", data={"url": one["url"]}).get_json()
    assert by_form["entry"][0]["resource"] == one
    assert found(client, f"{type}?url={one['url']}&version=9.9")["total"] == 0
    assert found(client, f"{type}?name={one['name'][:5].upper()}")["total"] >= 1
    assert [issue for issue in validator().check(one) if issue.is_error] == []


def test_the_profile_that_a_resource_claims_can_be_fetched(client: FlaskClient) -> None:
    bundle = found(client, f"StructureDefinition?url={OWN}/StructureDefinition/ecm-referral")
    assert bundle["entry"][0]["resource"]["type"] == "ServiceRequest"


def test_what_the_capability_statement_names_of_ours_can_be_fetched(client: FlaskClient) -> None:
    every = _texts(client.get("/fhir/metadata").get_json())
    named = {text for text in every if text.startswith(f"{OWN}/") and "/SubscriptionTopic/" not in text}  # no R4 type
    assert f"{OWN}/OperationDefinition/convert" in named
    for url in sorted(named):
        type = url.removeprefix(f"{OWN}/").split("/")[0]
        (entry,) = found(client, f"{type}?url={url}")["entry"]
        assert entry["resource"]["url"] == url


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value.partition("|")[0]


def test_a_definition_has_an_etag(client: FlaskClient) -> None:
    path = "/fhir/CodeSystem/ecm-access-format"
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert client.get(path, headers={"If-None-Match": 'W/"1"'}).status_code == 200
    assert client.head(path).status_code == 200


def test_pages_bring_each_once(client: FlaskClient) -> None:
    seen: list[str] = []
    query = "CodeSystem?_count=10"
    while query:
        bundle = found(client, query)
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        query = links.get("next", "").removeprefix(f"{BASE}/")
    assert len(seen) == len(set(seen)) == found(client, "CodeSystem?_count=0")["total"]


@pytest.mark.parametrize("query", ["?title=x", "?_count=x", "?_count=1&_count=2", "?_page=-1", "?url:below=http://x"])
def test_what_is_not_searched_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/fhir/ValueSet{query}")
    assert answer.status_code == 400
    assert issues(answer)


def test_they_are_never_written(client: FlaskClient) -> None:
    ours = client.get("/fhir/CodeSystem/ecm-access-format").get_json()
    for method, path in (
        ("POST", ""),
        ("PUT", "/ecm-access-format"),
        ("PUT", "/new"),
        ("PUT", "?url=x"),
        ("DELETE", "/ecm-access-format"),
        ("PATCH", "/ecm-access-format"),
    ):
        answer = send(client, method, f"/fhir/CodeSystem{path}", ours)
        assert (answer.status_code, issues(answer)) == (405, [("not-supported", None)]), (method, path)
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    request = {"method": "PUT", "url": "CodeSystem/ecm-access-format"}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": ours, "request": request}]}
    assert send(client, "POST", "/fhir", bundle).status_code == 400
    assert client.get("/fhir/CodeSystem/ecm-access-format/_history").status_code == 404
    assert client.get("/fhir/CodeSystem/nothing").status_code == 404


QUESTIONNAIRE = f"{OWN}/Questionnaire/ecm-criteria"


def test_the_questionnaire_that_our_responses_name_is_read_and_found(client: FlaskClient, referral: Json) -> None:
    assert client.post("/referrals", json=referral).status_code == 201
    (response,) = found(client, "QuestionnaireResponse")["entry"]
    url, _, version = response["resource"]["questionnaire"].partition("|")
    (entry,) = found(client, f"Questionnaire?url={url}&version={version}")["entry"]
    assert entry["fullUrl"] == f"{BASE}/Questionnaire/ecm-criteria"
    assert entry["resource"] == client.get("/fhir/Questionnaire/ecm-criteria").get_json()
    items = {item["linkId"] for item in entry["resource"]["item"]}
    assert {item["linkId"] for item in response["resource"]["item"]} <= items
    by_form = client.post("/fhir/Questionnaire/_search", data={"url": url}).get_json()
    assert by_form["entry"][0]["resource"] == entry["resource"]


def test_our_questionnaire_stands_beside_those_of_others(client: FlaskClient) -> None:
    theirs = {"resourceType": "Questionnaire", "status": "active", "url": "http://clinic.example/q"}
    assert send(client, "POST", "/fhir/Questionnaire", theirs).status_code == 201
    assert [one["resource"]["url"] for one in found(client, "Questionnaire?_total=accurate")["entry"]] == [
        QUESTIONNAIRE,
        theirs["url"],
    ]
    for query, number in (("", 2), ("?status=active", 2), (f"?url={QUESTIONNAIRE}", 1), ("?status=draft", 0)):
        counted = found(client, f"Questionnaire{query}{'&' if query else '?'}_summary=count")
        assert (counted["total"], counted.get("entry")) == (number, None), query
    assert [one["resource"]["url"] for one in found(client, f"Questionnaire?url={theirs['url']}")["entry"]] == [
        theirs["url"]
    ]


def test_our_questionnaire_is_never_written(client: FlaskClient) -> None:
    ours = client.get("/fhir/Questionnaire/ecm-criteria").get_json()
    changed = ours | {"title": "Mine"}
    for path in ("/ecm-criteria", "?url=http://clinic.example/none"):
        answer = send(client, "PUT", f"/fhir/Questionnaire{path}", changed)
        assert (answer.status_code, issues(answer)) == (405, [("not-supported", None)])
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    request = {"method": "PUT", "url": "Questionnaire/ecm-criteria"}
    for type in ("transaction", "batch"):
        bundle = {"resourceType": "Bundle", "type": type, "entry": [{"resource": changed, "request": request}]}
        answer = send(client, "POST", "/fhir", bundle)
        said = str(answer.status_code) if type == "transaction" else answer.get_json()["entry"][0]["response"]["status"]
        assert said.startswith("405")
    assert client.get("/fhir/Questionnaire/ecm-criteria").get_json() == ours


def test_a_map_is_read_in_xml_too(client: FlaskClient) -> None:
    answer = client.get("/fhir/ConceptMap/ecm-plan?_format=xml")
    assert (answer.status_code, answer.content_type) == (200, "application/fhir+xml")
    assert answer.data.startswith(b"<ConceptMap") or b"<ConceptMap" in answer.data[:200]
