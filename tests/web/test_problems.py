"""What is answered when no view answers: routing, a crash, a database that is away."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.errors import StoreUnavailable
from gateway.store import SqlStore
from tests.web.sent import issues, send, total

MINE = "6f1f9a52-0c1d-4c3e-9d5a-3f1f0f5b8a77"


@pytest.mark.parametrize(
    "path", ["/", "/fhir/Patient/1/2", "/metadata", "//fhir/Patient", "/fhir/Patient/", "/console"]
)
def test_an_address_that_is_none(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "localhost"})
    assert (answer.status_code, issues(answer)) == (404, [("not-found", None)])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/fhir/Patient/1", "GET, HEAD, OPTIONS, PUT"),
        ("PATCH", "/fhir/Patient/1", "GET, HEAD, OPTIONS, PUT"),
        ("PUT", "/fhir", "OPTIONS, POST"),
        ("GET", "/referrals", "OPTIONS, POST"),
        ("GET", "/fhir/Patient/$validate", "OPTIONS, POST"),
        ("PUT", "/fhir/Patient/$validate", "OPTIONS, POST"),
        ("GET", "/fhir/CodeSystem/$validate", "OPTIONS, POST"),
        ("GET", "/fhir/Patient/_search", "OPTIONS, POST"),
        ("PUT", "/fhir/Patient/1/$validate", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/fhir/$convert", "OPTIONS, POST"),
        ("BREW", "/fhir/Patient", "GET, HEAD, OPTIONS, POST, PUT"),
    ],
)
def test_a_method_that_is_not_offered(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    answer = client.open(path, method=method, headers={"X-HTTP-Method-Override": "GET"})
    assert (answer.status_code, issues(answer)) == (405, [("not-supported", None)])
    assert answer.headers["Allow"] == allowed


def test_every_answer_has_the_request_id(client: FlaskClient) -> None:
    for mine in (MINE, "4bf92f3577b34da6a3ce929d0e0e4736", "01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        assert client.get("/fhir/Patient/x", headers={"X-Request-Id": mine}).headers["X-Request-Id"] == mine
    for forged in (
        "a b",
        "a" * 65,
        "a\u00e9",
        "<script>",
        "Zanzibarovna",
        "ljuba.zanzibarovna.1984",
        "90000123A",
        "123-45-6789",
    ):
        made = client.get("/nowhere", headers={"X-Request-Id": forged}).headers["X-Request-Id"]
        assert made != forged
        assert len(made) == 36


def _raise(error: Exception) -> Callable[..., Any]:
    def fails(*args: object, **kwargs: object) -> Any:
        raise error

    return fails


def test_a_crash_tells_its_id_and_nothing_else(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SqlStore, "read", _raise(KeyError("Zanzibarovna 1984-05-06")))
    answer = client.get("/fhir/Patient/x", headers={"X-Request-Id": MINE})
    assert (answer.status_code, issues(answer)) == (500, [("exception", None)])
    assert MINE.encode() in answer.data
    assert b"KeyError" not in answer.data
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.levelno == logging.ERROR]
    assert [(line["event"], line["error"], line["request_id"]) for line in lines] == [("crash", "KeyError", MINE)]
    assert "read.py" in lines[0]["frames"]
    assert "1984" not in caplog.text


def test_a_database_that_is_away(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/health/ready").status_code == 200
    for name in ("ready", "begin", "read"):
        monkeypatch.setattr(SqlStore, name, _raise(StoreUnavailable()))
    for answer in (
        client.get("/health/ready"),
        client.get("/fhir/Patient/x", headers={"X-Request-Id": MINE}),
        send(client, "POST", "/fhir/Patient", {"resourceType": "Patient"}),
    ):
        assert (answer.status_code, issues(answer)) == (503, [("transient", None)])
        assert answer.headers["Retry-After"] == "5"
    assert client.get("/health/live").get_json() == {"status": "alive"}
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.levelno >= logging.WARNING]
    assert [(line["event"], line["error"]) for line in lines] == 3 * [("unavailable", "StoreUnavailable")]
    assert lines[1]["request_id"] == MINE
    assert {record.levelno for record in caplog.records} <= {logging.INFO, logging.WARNING}


def test_nothing_is_disclosed_when_the_audit_row_cannot_be_kept(
    client: FlaskClient, patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = send(client, "POST", "/fhir/Patient", patient).headers["Location"].split("8080")[1].split("/_history")[0]
    monkeypatch.setattr(SqlStore, "note", _raise(StoreUnavailable()))
    for address in (path, f"{path}/_history", f"{path}/_history/1", "/fhir/Patient"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert b"anzibarovna" not in answer.data
    monkeypatch.undo()
    assert total(client, "Patient") == 1


def test_a_transaction_whose_audit_row_cannot_be_kept_keeps_nothing(
    client: FlaskClient, patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.store.transaction import SqlTransaction

    monkeypatch.setattr(SqlTransaction, "note", _raise(StoreUnavailable()))
    assert send(client, "POST", "/fhir/Patient", patient).status_code == 503
    monkeypatch.undo()
    assert total(client, "Patient") == 0


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_what_stands_where_a_type_should_is_not_logged(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    client.open("/fhir/Patient", method=method)
    client.open("/fhir/Ljuba-1984", method=method)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line.get("type") for line in lines] == ["Patient", None]
    assert "1984" not in caplog.text
