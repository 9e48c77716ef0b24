"""How tests send FHIR and read what came back."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.fhir import codec

FHIR = "application/fhir+json"


def send(client: FlaskClient, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
    """Send `body` (bytes, or something to be written as JSON) as FHIR JSON; `If_Match` names the header If-Match."""
    data = body if isinstance(body, bytes | None) else codec.write(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        named.setdefault("Content-Type", FHIR)
    return client.open(path, method=method, data=data, headers=named)


def path_of(answer: TestResponse) -> str:
    """The path of the resource that Location names, without its version."""
    location = answer.headers["Location"]
    assert location.startswith("http://127.0.0.1:8080/fhir/")
    return location.removeprefix("http://127.0.0.1:8080").split("/_history/")[0]


def issues(answer: TestResponse) -> list[tuple[str, str | None]]:
    """Code and place of each issue; the answer must be an OperationOutcome and must not name the canary."""
    assert answer.content_type == FHIR
    assert b"anzibarovna" not in answer.data
    body = answer.get_json()
    assert body["resourceType"] == "OperationOutcome"
    return [(issue["code"], issue.get("expression", [None])[0]) for issue in body["issue"]]


def total(client: FlaskClient, type: str) -> int:
    """How many resources of a type are kept."""
    answer = client.get(f"/fhir/{type}?_summary=count")
    assert answer.status_code == 200
    found: int = answer.get_json()["total"]
    return found
