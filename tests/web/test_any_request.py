"""Whatever is asked: never a fault of ours; a refusal is an OperationOutcome; no name in a log, header or refusal."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from werkzeug.test import EnvironBuilder, TestResponse

from gateway import wiring
from gateway.settings import Settings
from tests.conftest import CANARY
from tests.web.any_request import PATIENT, TEAM, Request, requests


class _Logged(logging.Handler):
    """Everything that any logger says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().lower())


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[FlaskClient, _Logged]]:
    """One gateway for all requests, so that they also meet what others have left behind."""
    logged, logger = _Logged(), logging.getLogger()
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'gateway.sqlite'}"
        settings = replace(Settings(), database=database, partners=Path(folder) / "partners.toml")
        with wiring.running(settings) as application:
            client = application.test_client()
            for resource in (PATIENT, TEAM):
                kept = client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
                assert kept.status_code == 201, kept.data
            logger.addHandler(logged)
            yield client, logged
            logger.removeHandler(logged)


@limits(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests())
def test_any_request_is_answered_or_refused_with_reasons(
    gateway: tuple[FlaskClient, _Logged], request: Request
) -> None:
    client, logged = gateway
    logged.lines.clear()
    answer = client.open(
        EnvironBuilder(
            path=request.path,
            query_string=dict(request.query),
            method=request.method,
            headers=[(name, value.encode().decode("latin-1")) for name, value in request.headers.items()],
            data=request.body,
        )
    )
    assert answer.status_code < 500, answer.data
    assert CANARY not in "".join(logged.lines)
    assert CANARY not in str(answer.headers).lower()
    if answer.status_code >= 400 and request.method != "HEAD":
        _says_why(answer)


def _says_why(answer: TestResponse) -> None:
    assert answer.content_type in ("application/fhir+json", "application/fhir+xml")
    assert CANARY.encode() not in answer.data.lower()
    if answer.content_type == "application/fhir+json":
        told = json.loads(answer.data)
        assert told["resourceType"] == "OperationOutcome"
        assert all(issue["diagnostics"] for issue in told["issue"])
        assert any(issue["severity"] in ("error", "fatal") for issue in told["issue"])
