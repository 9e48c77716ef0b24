"""Drafts: nobody joins one, and one joins the open loop when it is requested."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.web.news import at, hear
from tests.web.sent import send
from tests.web.test_join_loop import SHELTER, refer, request, task

Json = dict[str, Any]


def drafted(client: FlaskClient) -> Json:
    """A draft of another sender for the member of the first referral."""
    first = task(client, "R-2026-0001")
    left = ("id", "meta", "identifier", "groupIdentifier", "businessStatus", "lastModified", "statusReason")
    order = {name: value for name, value in request(client, "R-2026-0001").items() if name not in left}
    kept = send(client, "POST", "/fhir/ServiceRequest", order | {"status": "draft"}).get_json()
    said = {name: value for name, value in first.items() if name not in left}
    said |= {"status": "draft", "focus": {"reference": f"ServiceRequest/{kept['id']}"}}
    answer = send(client, "POST", "/fhir/Task", said)
    assert answer.status_code == 201, answer.data
    found: Json = answer.get_json()
    return found


def test_nobody_joins_a_draft_for_nobody_hears_of_one(client: FlaskClient) -> None:
    refer(client)
    draft = drafted(client)
    hear(client, 1, at=at(9), status="rejected", reason="no room")
    assert "loop-joined" not in refer(client, SHELTER)
    assert task(client, "S-1")["status"] == "requested"
    listed = client.get("/loops").get_json()["loops"]
    assert [one["task"] for one in listed] == [f"Task/{task(client, 'S-1')['id']}"], "nobody waits for a draft"
    by_number = {"key": {"source": "x", "id": "1"}, "party": "target", "cin": "90000123A", "at": at(10)}
    assert client.post("/referral-changes", json=by_number | {"status": "accepted"}).status_code == 200
    assert client.get(f"/fhir/Task/{draft['id']}").get_json()["status"] == "draft"


def test_a_draft_joins_the_open_loop_when_it_is_requested(client: FlaskClient) -> None:
    refer(client)
    draft = drafted(client)
    hear(client, 1, at=at(9), status="accepted")
    sent = send(client, "PUT", f"/fhir/Task/{draft['id']}", draft | {"status": "requested"})
    assert sent.status_code == 200, sent.data
    first = task(client, "R-2026-0001")
    assert (sent.get_json()["status"], sent.get_json()["groupIdentifier"]["value"]) == ("accepted", first["id"])
    hear(client, 2, at=at(10), status="completed")
    assert client.get(f"/fhir/Task/{draft['id']}").get_json()["status"] == "completed"
    assert len(client.get("/loops").get_json()["loops"]) == 0


def test_a_draft_without_an_open_loop_begins_its_own(client: FlaskClient) -> None:
    refer(client)
    draft = drafted(client)
    hear(client, 1, at=at(9), status="rejected", reason="no room")
    late = draft | {"status": "requested", "lastModified": "2020-01-01T00:00:00Z", "authoredOn": "2019-01-01"}
    sent = send(client, "PUT", f"/fhir/Task/{draft['id']}", draft | {"status": "requested"})
    assert (sent.status_code, sent.get_json()["status"]) == (200, "requested")
    assert "groupIdentifier" not in sent.get_json()
    assert send(client, "PUT", f"/fhir/Task/{draft['id']}", late | {"status": "completed"}).status_code == 422
