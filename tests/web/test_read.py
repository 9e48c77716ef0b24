"""FHIR read, vread and history, from outside."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, path_of, send

Json = dict[str, Any]


@pytest.fixture
def path(client: FlaskClient, patient: Json) -> str:
    """A patient in two versions."""
    path = path_of(send(client, "POST", "/fhir/Patient", patient))
    id = path.rpartition("/")[2]
    assert send(client, "PUT", path, {**patient, "id": id, "gender": "other"}).status_code == 200
    return path


def test_read_answers_the_current_version(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "application/fhir+json"
    assert answer.headers["ETag"] == 'W/"2"'
    assert answer.get_json()["gender"] == "other"


def test_head_answers_without_a_body(client: FlaskClient, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, b"", 'W/"2"')


def test_vread_answers_each_version_as_it_was(client: FlaskClient, path: str) -> None:
    assert client.get(f"{path}/_history/1").get_json()["gender"] == "female"
    assert client.get(f"{path}/_history/2").get_json()["gender"] == "other"
    for version in ("0", "3", "x", "01x", "99999999999999999999"):
        assert client.get(f"{path}/_history/{version}").status_code == 404


def test_history_has_every_version_newest_first(client: FlaskClient, path: str) -> None:
    bundle = client.get(f"{path}/_history").get_json()
    assert (bundle["type"], bundle["total"]) == ("history", 2)
    assert [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]] == ["2", "1"]
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["PUT", "POST"]


def pages(client: FlaskClient, address: str) -> list[list[str]]:
    """The versions of each page, the next links followed."""
    found = []
    while address:
        bundle = client.get(address.removeprefix("http://localhost")).get_json()
        found.append([entry["resource"]["meta"]["versionId"] for entry in bundle.get("entry", ())])
        address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        address = address and "/fhir" + address.partition("/fhir")[2]
    return found


def test_history_comes_in_pages_and_since_a_time(client: FlaskClient, path: str, patient: Json) -> None:
    for gender in ("male", "female", "unknown"):
        send(client, "PUT", path, patient | {"id": path.rpartition("/")[2], "gender": gender})
    assert pages(client, f"{path}/_history?_count=2") == [["5", "4"], ["3", "2"], ["1"]]
    at = client.get(f"{path}/_history").get_json()["entry"][1]["resource"]["meta"]["lastUpdated"]
    since = f"{path}/_history?_since={at.replace('+', '%2B')}"
    assert pages(client, since) == [["5", "4"]]
    assert pages(client, since + "&_count=1") == [["5"], ["4"]]
    assert client.get(since).get_json()["total"] == 2
    nothing = client.get(f"{path}/_history?_count=0").get_json()
    assert (nothing["total"], nothing.get("entry")) == (5, None)


@pytest.mark.parametrize("asked", ["_count=-1", "_count=x", "_since=2026", "_since=2026-03-01T00:00:00", "_at=2026"])
def test_what_of_a_history_cannot_be_read_is_refused(client: FlaskClient, path: str, asked: str) -> None:
    assert client.get(f"{path}/_history?{asked}").status_code == 400


def made_by(client: FlaskClient, address: str) -> list[tuple[str, str, str]]:
    entries = client.get(f"/fhir/{address}/_history").get_json()["entry"]
    return [(one["request"]["method"], one["request"]["url"], one["response"]["status"][:3]) for one in entries]


@pytest.mark.parametrize("kind", ["single", "transaction", "batch"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_history_names_the_request_that_created_the_resource(
    client: FlaskClient, patient: Json, method: str, kind: str
) -> None:
    own = {} if method == "POST" else {"id": "mine"}
    url = "Patient" if method == "POST" else "Patient/mine"
    if kind == "single":
        address = path_of(send(client, method, f"/fhir/{url}", patient | own)).removeprefix("/fhir/")
    else:
        entry = {"resource": patient | own, "request": {"method": method, "url": url}}
        answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
        address = answer.get_json()["entry"][0]["response"]["location"].partition("/_history")[0]
        address = address.partition("/fhir/")[2] or address
    assert made_by(client, address) == [(method, url, "201")]


def test_conditional_read(client: FlaskClient, path: str) -> None:
    known = client.get(path)
    assert client.get(path, headers={"If-None-Match": 'W/"2"'}).status_code == 304
    assert client.get(path, headers={"If-None-Match": 'W/"2"'}).data == b""
    assert client.get(path, headers={"If-None-Match": 'W/"1"'}).status_code == 200
    assert client.get(path, headers={"If-Modified-Since": known.headers["Last-Modified"]}).status_code == 304
    long_ago = "Sat, 01 Jan 2000 00:00:00 GMT"
    assert client.get(path, headers={"If-Modified-Since": long_ago}).status_code == 200


@pytest.mark.parametrize("id", ["none", "a" * 65, "a_b", "..", "%00", "%2e%2e%2f"])
def test_what_is_not_here_is_404(client: FlaskClient, id: str) -> None:
    for suffix in ("", "/_history", "/_history/1"):
        answer = client.get(f"/fhir/Patient/{id}{suffix}")
        assert answer.status_code == 404
        assert issues(answer)[0][0] in ("not-found", "not-supported")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("text/html,application/*;q=0.8", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("text/turtle", 406),
        ("application/fhir+json;q=0", 406),
    ],
)
def test_accept(client: FlaskClient, path: str, accept: str, status: int) -> None:
    answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.content_type == "application/fhir+json"


def test_format_goes_before_accept(client: FlaskClient, path: str) -> None:
    assert client.get(f"{path}?_format=json", headers={"Accept": "text/turtle"}).status_code == 200
    assert client.get(f"{path}?_format=ttl").status_code == 406
