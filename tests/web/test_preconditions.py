"""If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, by address and in Bundles."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, send, total

Json = dict[str, Any]
LONG_AGO, FAR_AWAY = "Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 01 Jan 2095 00:00:00 GMT"
ADDRESS = "/fhir/Patient/chosen"


@pytest.fixture
def body(client: FlaskClient, patient: Json) -> Json:
    """A patient whose second version is current."""
    kept = {**patient, "id": "chosen"}
    for gender in ("male", "female"):
        assert send(client, "PUT", ADDRESS, {**kept, "gender": gender}).status_code in (200, 201)
    return kept


MATCHES = ['W/"2"', '"2"', 'W/"1", W/"2"', '"7" , "2",', "*", '"x", W/"2"']
MISSES = ['W/"1"', '"3"', 'W/"1", W/"3"', 'W/"x"', 'W/""', '"2-gzip"', 'W/"99999999999"']
NO_TAGS = ["2", "W/2", 'w/"2"', 'W/"2" W/"1"', '*, W/"2"', "", "Zanzibarovna"]


@pytest.mark.parametrize("tag", MATCHES)
def test_if_match_of_the_current_version(client: FlaskClient, body: Json, tag: str) -> None:
    answer = send(client, "PUT", ADDRESS, {**body, "gender": "other"}, If_Match=tag)
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"3"')


@pytest.mark.parametrize("tag", MISSES)
@pytest.mark.parametrize("gender", ["other", "female"])
def test_if_match_of_another_version(client: FlaskClient, body: Json, tag: str, gender: str) -> None:
    answer = send(client, "PUT", ADDRESS, {**body, "gender": gender}, If_Match=tag)
    assert (answer.status_code, issues(answer)[0][0]) == (412, "conflict")
    assert client.get(ADDRESS).get_json()["gender"] == "female"


@pytest.mark.parametrize("tag", [*MATCHES, *MISSES])
def test_if_match_of_what_is_not_here(client: FlaskClient, patient: Json, tag: str) -> None:
    assert send(client, "PUT", ADDRESS, {**patient, "id": "chosen"}, If_Match=tag).status_code == 412
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("tag", NO_TAGS)
@pytest.mark.parametrize("header", ["If_Match", "If_None_Match"])
def test_what_is_no_tag_is_refused(client: FlaskClient, body: Json, header: str, tag: str) -> None:
    answer = send(client, "PUT", ADDRESS, {**body, "gender": "other"}, **{header: tag})
    assert (answer.status_code, issues(answer)) == (400, [("value", None)])
    if header == "If_None_Match":
        assert client.get(ADDRESS, headers={"If-None-Match": tag}).status_code == 400


@pytest.mark.parametrize("tag", MATCHES)
def test_if_none_match_of_the_current_version(client: FlaskClient, body: Json, tag: str) -> None:
    answer = send(client, "PUT", ADDRESS, {**body, "gender": "other"}, If_None_Match=tag)
    assert answer.status_code == 412
    known = client.get(ADDRESS, headers={"If-None-Match": tag})
    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", 'W/"2"')


@pytest.mark.parametrize("tag", MISSES)
def test_if_none_match_of_another_version(client: FlaskClient, body: Json, tag: str) -> None:
    assert client.get(ADDRESS, headers={"If-None-Match": tag, "If-Modified-Since": FAR_AWAY}).status_code == 200
    assert send(client, "PUT", ADDRESS, {**body, "gender": "other"}, If_None_Match=tag).status_code == 200


def test_if_match_and_if_none_match_both_hold(client: FlaskClient, body: Json) -> None:
    for none, status in (('W/"1"', 200), ("*", 412)):
        answer = send(client, "PUT", ADDRESS, {**body, "gender": "other"}, If_Match="*", If_None_Match=none)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Unmodified_Since": LONG_AGO}, 412),
        ({"If_Unmodified_Since": FAR_AWAY}, 200),
        ({"If_Unmodified_Since": "yesterday"}, 400),
        ({"If_Unmodified_Since": LONG_AGO, "If_Match": 'W/"2"'}, 200),
    ],
)
def test_if_unmodified_since(client: FlaskClient, body: Json, headers: dict[str, str], status: int) -> None:
    assert send(client, "PUT", ADDRESS, {**body, "gender": "other"}, **headers).status_code == status


@pytest.mark.parametrize(("tag", "status"), [("*", 200), ('W/"1", "2"', 200), ('W/"1"', 412), ("2", 400)])
def test_a_conditional_update_has_them_too(client: FlaskClient, body: Json, tag: str, status: int) -> None:
    address = "/fhir/Patient?identifier=http://hospital.example/mrn|MRN-7"
    assert send(client, "PUT", address, {**body, "gender": "other"}, If_Match=tag).status_code == status


def in_bundle(client: FlaskClient, type: str, request: Json, resource: Json | None = None) -> tuple[str, Json]:
    entry = {"request": request} | ({"resource": resource} if resource else {})
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": type, "entry": [entry]})
    if answer.status_code != 200:
        issues(answer)
        return str(answer.status_code), {}
    done: Json = answer.get_json()["entry"][0]
    return done["response"]["status"][:3], done


@pytest.mark.parametrize("type", ["batch", "transaction"])
@pytest.mark.parametrize(("tag", "status"), [("*", "200"), ('"1", W/"2"', "200"), ('W/"1"', "412"), ("2", "400")])
def test_if_match_in_a_bundle(client: FlaskClient, body: Json, type: str, tag: str, status: str) -> None:
    request = {"method": "PUT", "url": "Patient/chosen", "ifMatch": tag}
    assert in_bundle(client, type, request, {**body, "gender": "other"})[0] == status


@pytest.mark.parametrize("type", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"ifNoneMatch": 'W/"1", W/"2"'}, "304"),
        ({"ifNoneMatch": 'W/"1"'}, "200"),
        ({"ifNoneMatch": 'W/"1"', "ifModifiedSince": "2095-01-01T00:00:00Z"}, "200"),
        ({"ifModifiedSince": "2095-01-01T00:00:00Z"}, "304"),
        ({"ifModifiedSince": "2000-01-01T00:00:00.000-08:00"}, "200"),
        ({"ifModifiedSince": "2095-01-01"}, "400"),
        ({"ifModifiedSince": "Zanzibarovna"}, "400"),
        ({"ifModifiedSince": 5}, "400"),
        ({"ifNoneMatch": "2"}, "400"),
        ({"ifMatch": 'W/"2"'}, "400"),
        ({"ifNoneExist": "_id=chosen"}, "400"),
    ],
)
def test_a_conditional_read_in_a_bundle(client: FlaskClient, body: Json, type: str, asked: Json, status: str) -> None:
    found, entry = in_bundle(client, type, {"method": "GET", "url": "Patient/chosen", **asked})
    assert found == status
    assert ("resource" in entry) == (status == "200")
    if status == "304":
        assert entry["response"]["etag"] == 'W/"2"'


@pytest.mark.parametrize("asked", [{"ifMatch": "*"}, {"ifNoneMatch": "*"}, {"ifModifiedSince": "2000-01-01T00:00:00Z"}])
def test_a_create_in_a_bundle_has_none_of_them(client: FlaskClient, patient: Json, asked: Json) -> None:
    assert in_bundle(client, "transaction", {"method": "POST", "url": "Patient", **asked}, patient)[0] == "400"


def test_a_search_in_a_bundle_has_none_of_them(client: FlaskClient) -> None:
    request = {"method": "GET", "url": "Patient?_count=1", "ifNoneMatch": "*"}
    assert in_bundle(client, "batch", request)[0] == "400"
