"""A partner's webhook may be FHIR XML: what a server sends to a subscription that was made with such a payload."""

from __future__ import annotations

import pytest

from tests.subscriptions.inbound.conftest import Desk, task
from tests.web.sent import FHIR, issues

TASK = b"""<Task xmlns="http://hl7.org/fhir"><id value="k1"/><meta><versionId value="3"/>
<lastUpdated value="2026-03-03T09:00:00Z"/></meta><status value="in-progress"/><intent value="order"/>
<description value="seen twice"/><for><reference value="Patient/p1"/></for></Task>"""


@pytest.mark.parametrize("kind", ["application/fhir+xml", "application/xml; charset=utf-8", "text/xml"])
def test_a_resource_in_xml_is_applied_as_its_json(desk: Desk, kind: str) -> None:
    assert desk.send(task(2)).status_code == 200
    assert desk.send(TASK, content_type=kind).get_json() == {"status": "kept"}
    desk.apply()
    assert [ending for ending, _ in desk.ended] == ["applied", "applied"]
    kept = desk.rig.get("Task/k1")
    assert (kept["status"], kept["description"]) == ("in-progress", "seen twice")


def test_a_notification_in_xml_is_applied(desk: Desk) -> None:
    desk.partner.resources["Task/k1"] = task(4, status="completed")
    body = b"""<Bundle xmlns="http://hl7.org/fhir"><type value="history"/><entry><resource><Parameters>
    <parameter><name value="type"/><valueCode value="event-notification"/></parameter>
    <parameter><name value="notification-event"/><part><name value="focus"/><valueReference>
    <reference value="Task/k1"/></valueReference></part></parameter></Parameters></resource></entry></Bundle>"""
    desk.send(body, content_type="application/fhir+xml")
    desk.apply()
    assert [ending for ending, _ in desk.ended] == ["applied"]
    assert desk.partner.read_ == ["Task/k1"]
    assert desk.rig.get("Task/k1")["status"] == "completed"


@pytest.mark.parametrize("body", [b"<Task", b"<Task xmlns='http://hl7.org/fhir'><zebra value='1'/></Task>", b"{}"])
def test_what_is_no_fhir_xml_is_parked(desk: Desk, body: bytes) -> None:
    assert desk.send(body, content_type="application/fhir+xml").status_code == 200
    desk.apply()
    assert [ending for ending, _ in desk.ended] == ["parked"]


@pytest.mark.parametrize("kind", ["text/plain", "text/csv", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused_with_those_that_are_taken(desk: Desk, kind: str) -> None:
    answer = desk.send(b"x", content_type=kind)
    assert (answer.status_code, issues(answer)) == (415, [("not-supported", None)])
    said = answer.get_json()["issue"][0]["diagnostics"]
    for taken in ("application/json", FHIR, "application/fhir+xml"):
        assert taken in said
    assert desk.states() == []
