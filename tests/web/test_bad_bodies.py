"""Bodies that are not FHIR: the right status, nothing kept, nobody's data in the answer."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import wiring
from gateway.settings import Settings
from tests.web.sent import FHIR, issues, send, total

Json = dict[str, Any]
NAMED = b'{"resourceType":"Patient","name":[{"family":"Zanzibarovna"}]'

BODIES = {
    "nothing": b"",
    "not JSON": b"Zanzibarovna, Ljuba",
    "cut off": NAMED,
    "two documents": NAMED + b"}" + NAMED + b"}",
    "a comment": NAMED + b"/* x */}",
    "a member twice": NAMED + b',"resourceType":"Practitioner"}',
    "NaN": NAMED + b',"multipleBirthInteger":NaN}',
    "Infinity": NAMED + b',"multipleBirthInteger":Infinity}',
    "5,000 deep": b'{"resourceType":"Patient","contained":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "100,000 deep": b"[" * 100_000,
    "a byte order mark": b"\xef\xbb\xbf" + NAMED + b"}",
    "UTF-16": (NAMED + b"}").decode().encode("utf-16"),
    "Latin-1": b'{"resourceType":"Patient","name":[{"family":"Zanzibarovn\xe9"}]}',
    "half a surrogate pair": b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
    "NUL": b'{"resourceType":"Patient","name":[{"family":"a\\u0000"}]}',
}
NOT_RESOURCES = {"an array": b"[]", "a string": b'"x"', "null": b"null", "no type": b"{}", "a number": b"5"}


@pytest.mark.parametrize("what", BODIES)
def test_what_is_not_json(client: FlaskClient, what: str) -> None:
    answer = send(client, "POST", "/fhir/Patient", BODIES[what])
    assert answer.status_code == 400
    assert issues(answer)[0][0] == "structure"
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("path", ["/fhir/Patient", "/fhir"])
@pytest.mark.parametrize("what", NOT_RESOURCES)
def test_what_is_not_a_resource(client: FlaskClient, what: str, path: str) -> None:
    answer = send(client, "POST", path, NOT_RESOURCES[what])
    assert answer.status_code == 400
    assert issues(answer)[0][0] in ("structure", "invalid")


@pytest.mark.parametrize("entry", [5, {}, [5], [None], [[]], "x"])
def test_entries_that_are_none(client: FlaskClient, entry: object) -> None:
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entry})
    assert answer.status_code == 400, answer.data
    assert issues(answer)


@pytest.mark.parametrize(
    "request_",
    [{"method": 5, "url": "Patient"}, {"method": "POST", "url": 5}, {"method": "POST", "url": "Patient", "ifMatch": 5},
     {"method": "POST", "url": "Patient", "ifNoneExist": 5}, {"method": "POST", "url": ""}, 5],
)  # fmt: skip
def test_requests_of_entries_that_are_none(client: FlaskClient, patient: Json, request_: object) -> None:
    entry = {"fullUrl": 5 if request_ == 5 else "urn:uuid:1", "resource": patient, "request": request_}
    answer = send(client, "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert answer.status_code == 400, answer.data
    assert total(client, "Patient") == 0


@pytest.mark.parametrize(
    "media",
    ["text/plain", "", "application/fhir+json; charset=utf-16", "application/fhir+json; fhirVersion=5.0", "text/json"],
)
def test_media_types_that_are_not_read(client: FlaskClient, patient: Json, media: str) -> None:
    answer = send(client, "POST", "/fhir/Patient", patient, Content_Type=media)
    assert (answer.status_code, issues(answer)[0][0]) == (415, "not-supported")
    assert total(client, "Patient") == 0


@pytest.mark.parametrize(
    "media", ["application/json", "APPLICATION/FHIR+JSON; charset=UTF-8", "application/fhir+json;fhirVersion=4.0"]
)
def test_media_types_that_are_read(client: FlaskClient, patient: Json, media: str) -> None:
    assert send(client, "POST", "/fhir/Patient", patient, Content_Type=media).status_code == 201


def test_xml_is_read(client: FlaskClient) -> None:
    body = b"""<Patient xmlns="http://hl7.org/fhir"><name><family value="Zanzibarovna"/></name></Patient>"""
    answer = send(client, "POST", "/fhir/Patient", body, Content_Type="application/fhir+xml")
    assert answer.status_code == 201, answer.data
    assert answer.get_json()["name"] == [{"family": "Zanzibarovna"}]
    doctype = b'<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + body.replace(b"Zanz", b"&x;Zanz")
    for bad in (doctype, b"<Patient>", b"<Patient xmlns='http://hl7.org/fhir'><nonsense/></Patient>"):
        answer = send(client, "POST", "/fhir/Patient", bad, Content_Type="application/fhir+xml")
        assert answer.status_code in (400, 422), bad
        assert issues(answer)


def test_a_content_encoding_is_not_taken_off(client: FlaskClient, patient: Json) -> None:
    answer = send(client, "POST", "/fhir/Patient", patient, Content_Encoding="gzip")
    assert (answer.status_code, issues(answer)[0][0]) == (415, "not-supported")


@pytest.mark.parametrize("chunked", [False, True])
def test_the_size_limit_holds_with_and_without_a_length(settings: Settings, chunked: bool) -> None:
    with wiring.running(replace(settings, max_body=1_000)) as application:
        client = application.test_client()
        for size, status in ((1_000, 201), (1_001, 413)):
            body = NAMED + b"}" + b" " * (size - len(NAMED) - 1)
            environ: Json = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""} if chunked else {}
            answer = client.post(
                "/fhir/Patient",
                input_stream=io.BytesIO(body),
                content_length=None if chunked else size,
                content_type=FHIR,
                environ_overrides=environ,
            )
            assert answer.status_code == status
        assert issues(answer) == [("too-long", None)]
        assert total(client, "Patient") == 1
