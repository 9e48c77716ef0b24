"""What cannot be applied is parked for a person, never guessed, and holds up nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from gateway import settings as environment
from gateway.cli import cli
from gateway.ports import Json
from gateway.usecases.apply_inbox import DEFECTS
from tests.subscriptions.inbound.conftest import CALLER, Desk, notification, task
from tests.web.sent import send


def test_an_unknown_status_is_parked_and_never_guessed(desk: Desk) -> None:
    desk.send(task(1, status="in-a-good-place"), id="m1")
    desk.send({**task(1), "id": "k2"}, id="m2")
    desk.apply()
    assert desk.states() == ["parked", "applied"]  # and holds up nobody
    assert desk.rig.client.get("/fhir/Task/k1").status_code == 404
    (parked, _) = desk.rig.store.inbox.list(CALLER)
    assert parked.reason
    assert "good-place" not in parked.reason


@pytest.mark.parametrize(
    "value",
    [
        {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}]},  # not theirs to change
        {**task(1), "id": "no id"},
        {key: value for key, value in task(1).items() if key != "id"},
        task(1, focus={"reference": "ServiceRequest/nowhere"}),
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "DELETE", "url": "Task/k1"}}]},
        {"hello": "world"},
        b"[1]",
        b"{",
        notification("https://elsewhere.example/fhir/Task/k1"),
    ],
)
def test_what_cannot_be_applied_is_parked_for_a_person(desk: Desk, value: Any) -> None:
    assert desk.send(value).status_code == 200
    desk.apply()
    assert desk.states() == ["parked"]
    assert desk.rig.get("Patient/p1")["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    "value",
    [
        {"resourceType": "Bundle", "type": "batch", "entry": 5},
        {"resourceType": "Bundle", "type": "batch", "entry": [5]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": None, "resource": task(1)}]},
        {**task(1), "resourceType": ["Task"]},
        {**task(1), "meta": {"versionId": "9" * 5000}},
        notification() | {"entry": [{"resource": {"resourceType": "Parameters", "parameter": {"name": "type"}}}]},
        notification(["Task/k1"]),  # type: ignore[arg-type]
        notification(None),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_shape_holds_up_nobody(desk: Desk, value: Any) -> None:
    desk.send(value, id="m1")
    desk.send({**task(1), "id": "k2"}, id="m2")
    for _ in range(DEFECTS):
        desk.apply()
        desk.rig.later(60)
    assert desk.states() == ["parked", "applied"]


def test_a_defect_of_ours_is_tried_for_a_minute_then_left_to_a_person(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(partner: str, reference: str) -> Json:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.partner, "read", fails)
    desk.send(notification("Task/k1"), id="m1")
    desk.send({**task(1), "id": "k2"}, id="m2")
    desk.apply()
    assert desk.states() == ["waiting", "waiting"]
    for _ in range(DEFECTS):
        desk.rig.later(60)
        desk.apply()
    assert desk.states() == ["parked", "applied"]
    assert desk.rig.store.inbox.list(CALLER)[0].reason == "gave up: a defect of this gateway: ZeroDivisionError"


def test_a_person_sends_it_through_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("database", "partners", "webhooks"):
        monkeypatch.setenv(f"ECM_{name.upper()}", str(getattr(desk.rig.settings, name)))
    assert environment.load().database == desk.rig.settings.database
    desk.send(task(1, focus={"reference": "ServiceRequest/r1"}))
    desk.apply()
    run = CliRunner().invoke
    (line,) = run(cli, ["inbox", "list", "--state", "parked", "--json"]).output.splitlines()
    id = json.loads(line)["id"]
    assert "parked" in run(cli, ["inbox", "show", id]).output
    assert "version 1" not in run(cli, ["inbox", "show", id]).output
    assert "version 1" in run(cli, ["inbox", "show", id, "--body"]).output
    told = json.loads(run(cli, ["inbox", "show", id, "--json"]).output)
    assert (told["id"], told["state"], "body" in told) == (id, "parked", False)
    assert "version 1" in json.loads(run(cli, ["inbox", "show", id, "--body", "--json"]).output)["body"]
    request = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "code": {"text": "ECM"},
        "subject": {"reference": "Patient/p1"},
    }
    send(desk.rig.client, "PUT", "/fhir/ServiceRequest/r1", request)
    assert run(cli, ["inbox", "retry", id]).output == f"{id}: waiting\n"
    assert run(cli, ["inbox", "retry", id]).exit_code != 0
    desk.apply()
    assert desk.rig.get("Task/k1")["focus"] == {"reference": "ServiceRequest/r1"}
