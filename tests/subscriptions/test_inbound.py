"""Webhooks of partners, from outside: verified, kept before they are answered, applied once, newest by the source."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from gateway import settings as environment
from gateway import wiring
from gateway.cli import cli
from gateway.errors import PartnerRefused, PartnerUnavailable
from gateway.ports import Caller, Inbound, Json
from gateway.trust.webhook_signature import key, signed
from gateway.usecases.apply_inbox import DEFECTS, Applying, apply_inbox
from tests.subscriptions.conftest import SECRET, Rig
from tests.web.sent import send

CALLER = Caller("tester")


class Partner:
    """What a partner's server would answer; the reads are remembered."""

    def __init__(self) -> None:
        self.resources: dict[str, Json] = {}
        self.read_: list[str] = []
        self.down = False

    def base(self, partner: str) -> str | None:
        return None

    def read(self, partner: str, reference: str) -> Json:
        self.read_.append(reference)
        if self.down:
            raise PartnerUnavailable
        if reference not in self.resources:
            raise PartnerRefused
        return self.resources[reference]


class Desk:
    """The hooks' side of a gateway: send, then apply what is there."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.partner = rig, Partner()
        self.ended: list[tuple[str, str]] = []

    def tell(self, message: Inbound, ending: str, reason: str) -> None:
        self.ended.append((ending, reason))

    def send(self, value: Any, *, id: str | None = None, partner: str = "clinic", **headers: str) -> TestResponse:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        made = signed(body, secrets=[SECRET], id=id or f"msg-{hash(body)}", at=wiring.now()) | headers
        return self.rig.client.post(f"/hooks/{partner}", data=body, headers=made, content_type="application/json")

    def apply(self) -> None:
        applying = Applying(self.rig.services, self.partner, self.rig.now, "http://127.0.0.1:8080/fhir", self.tell)
        claim = lambda: self.rig.store.inbox.claim(now=self.rig.now(), lease_seconds=60)  # noqa: E731
        while apply_inbox(applying, inbox=claim):
            pass

    def states(self) -> list[str]:
        return [message.state for message in self.rig.store.inbox.list(CALLER)]


@pytest.fixture
def desk(rig: Rig) -> Iterator[Desk]:
    return Desk(rig)


def task(number: int, *, status: str = "requested", **more: Any) -> dict[str, Any]:
    at = f"2026-03-0{number}T09:00:00Z"
    return {
        "resourceType": "Task",
        "id": "k1",
        "meta": {"versionId": str(number), "lastUpdated": at},
        "status": status,
        "intent": "order",
        "description": f"version {number}",
        "for": {"reference": "Patient/p1"},
        **more,
    }


def notification(*focuses: str, type: str = "event-notification", carried: tuple[Json, ...] = ()) -> dict[str, Any]:
    events = [
        {
            "name": "notification-event",
            "part": [
                {"name": "event-number", "valueString": str(n)},
                {"name": "focus", "valueReference": {"reference": focus}},
            ],
        }
        for n, focus in enumerate(focuses, 1)
    ]
    status = {
        "resourceType": "Parameters",
        "parameter": [{"name": "type", "valueCode": type}, *events],
    }
    entries = [{"fullUrl": f"{one['resourceType']}/{one['id']}", "resource": one} for one in carried]
    return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}, *entries]}


def test_it_is_kept_before_it_is_answered_and_applied_later(desk: Desk) -> None:
    answer = desk.send(task(1))
    assert (answer.status_code, answer.get_json()) == (200, {"status": "kept"})
    assert desk.states() == ["waiting"]
    assert desk.rig.client.get("/fhir/Task/k1").status_code == 404
    desk.apply()
    assert desk.states() == ["applied"]
    assert desk.rig.get("Task/k1")["description"] == "version 1"


def test_a_reference_to_our_own_address_is_kept_as_ours(desk: Desk) -> None:
    desk.send(task(1, **{"for": {"reference": "http://127.0.0.1:8080/fhir/Patient/p1"}}))
    desk.apply()
    assert desk.rig.get("Task/k1")["for"] == {"reference": "Patient/p1"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h, b: ({k: v for k, v in h.items() if k != "webhook-signature"}, b),
        lambda h, b: ({**h, "webhook-signature": "v1,AAAA"}, b),
        lambda h, b: (h, b + b" "),
        lambda h, b: ({**h, "webhook-id": "other"}, b),
        lambda h, b: ({**h, "webhook-timestamp": str(int(h["webhook-timestamp"]) - 301)}, b),
        lambda h, b: ({**h, "webhook-timestamp": "x"}, b),
        lambda h, b: ({**h, "x-hub-signature-256": "sha256=00", "webhook-signature": ""}, b),
    ],
)
def test_what_is_not_signed_is_not_kept(desk: Desk, spoil: Any) -> None:
    body = json.dumps(task(1)).encode()
    headers, sent = spoil(signed(body, secrets=[SECRET], id="m1", at=wiring.now()), body)
    answer = desk.rig.client.post("/hooks/clinic", data=sent, headers=headers, content_type="application/json")
    assert answer.status_code == 401
    assert desk.states() == []
    assert "inbound.refused" in [row["event"] for row in desk.rig.store.audit(CALLER)]


def test_an_old_timestamp_is_refused_even_if_signed(desk: Desk) -> None:
    body = json.dumps(task(1)).encode()
    headers = signed(body, secrets=[SECRET], id="m1", at=wiring.now() - timedelta(seconds=302))
    answer = desk.rig.client.post("/hooks/clinic", data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 401


def test_hub_signatures_are_taken_too(desk: Desk) -> None:
    body = json.dumps(task(1)).encode()
    made = "sha256=" + hmac.new(key(SECRET), body, hashlib.sha256).hexdigest()
    for expected in ("kept", "known"):
        answer = desk.rig.client.post(
            "/hooks/clinic", data=body, headers={"X-Hub-Signature-256": made}, content_type="application/json"
        )
        assert (answer.status_code, answer.get_json()["status"]) == (200, expected)


def test_a_body_that_vouches_for_no_id_is_itself_what_tells_a_repeat(desk: Desk) -> None:
    """Who has seen one message could else send it for ever, under ids that nobody signed."""
    body = json.dumps({**task(1), "meta": {}}).encode()
    headers = {"X-Hub-Signature-256": "sha256=" + hmac.new(key(SECRET), body, hashlib.sha256).hexdigest()}
    said = []
    for own in ({}, {"webhook-id": "new"}, {"Idempotency-Key": "newer"}):
        answer = desk.rig.client.post(
            "/hooks/clinic", data=body, headers=headers | own, content_type="application/json"
        )
        said.append(answer.get_json()["status"])
    assert said == ["kept", "known", "known"]


def test_unknown_partners_are_not_found(desk: Desk) -> None:
    assert desk.send(task(1), partner="nobody").status_code == 404


def test_a_repeat_has_no_second_effect(desk: Desk) -> None:
    for expected in ("kept", "known", "known"):
        assert desk.send(task(1), id="m1").get_json() == {"status": expected}
    desk.apply()
    assert desk.send(task(1), id="m1").get_json() == {"status": "known"}
    assert desk.send(task(1), id="m2").get_json() == {"status": "kept"}  # the same news under another id
    desk.apply()
    assert desk.states() == ["applied", "applied"]
    assert desk.rig.get("Task/k1/_history")["total"] == 1


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_every_order_ends_in_the_newest(desk: Desk, order: tuple[int, ...]) -> None:
    status = {1: "requested", 2: "received", 3: "accepted"}
    for number in order:
        desk.send(task(number, status=status[number]), id=f"m{number}")
    desk.apply()
    kept = desk.rig.get("Task/k1")
    assert (kept["description"], kept["status"]) == ("version 3", "accepted")
    assert set(desk.states()) == {"applied"}


def test_what_is_sent_again_does_not_undo_what_was_written_here_meanwhile(desk: Desk) -> None:
    desk.send(task(2), id="m2")
    desk.apply()
    here = {name: value for name, value in task(2).items() if name != "meta"} | {"description": "ours"}
    desk.rig.put(here)
    for id, number in (("again", 2), ("late", 1)):
        desk.send(task(number), id=id)
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "ours"
    desk.send(task(3), id="m3")
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "version 3"


def test_a_source_that_a_client_made_up_is_none(desk: Desk) -> None:
    made_up = {"source": "urn:ecm-gateway:source:clinic:Task/k1:x#y"}
    desk.rig.put({**task(1), "meta": made_up})
    desk.send(task(2))
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "version 2"


def test_versions_of_one_moment_are_told_by_number(desk: Desk) -> None:
    same = {"lastUpdated": "2026-03-01T09:00:00Z"}
    for number in (2, 10, 9):
        desk.send({**task(1), "description": str(number), "meta": {**same, "versionId": str(number)}})
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "10"


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


def test_a_partner_that_was_down_for_a_day_is_heard_minutes_after_it_is_back(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    for _ in range(24 * 6):
        desk.apply()
        desk.rig.later(610)
    desk.partner.down = False
    desk.partner.resources["Task/k1"] = task(1)
    desk.apply()
    assert desk.states() == ["applied"]


def test_a_partner_that_stays_down_is_given_up_after_three_days(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    for hours in range(71):
        desk.apply()
        assert desk.states() == ["waiting"], hours
        desk.rig.later(3600)
    desk.rig.later(7200)
    desk.apply()
    assert desk.states() == ["parked"]


def test_a_notification_by_id_is_read_from_the_partner(desk: Desk) -> None:
    desk.partner.resources["Task/k1"] = task(2, status="received")
    desk.send(notification("Task/k1", "Task/k1"))
    desk.apply()
    assert desk.partner.read_ == ["Task/k1"]
    assert desk.rig.get("Task/k1")["status"] == "received"


def test_a_notification_that_carries_the_resource_asks_nobody(desk: Desk) -> None:
    desk.send(notification("Task/k1", carried=(task(1),)))
    desk.send(notification(type="handshake"))
    desk.send(notification(type="heartbeat"))
    desk.apply()
    assert (desk.partner.read_, desk.states()) == ([], ["applied"] * 3)


def test_a_partner_that_is_down_is_asked_again(desk: Desk) -> None:
    desk.partner.down = True
    desk.send(notification("Task/k1"))
    desk.apply()
    assert desk.states() == ["waiting"]
    desk.partner.down = False
    desk.partner.resources["Task/k1"] = task(1)
    desk.apply()
    assert desk.states() == ["waiting"]  # not before it is due
    desk.rig.later(30)
    desk.apply()
    assert desk.states() == ["applied"]


def test_a_worker_that_was_overtaken_settles_nothing(desk: Desk) -> None:
    desk.send(task(1))
    inbox = desk.rig.store.inbox
    first = inbox.claim(now=desk.rig.now(), lease_seconds=1)
    assert first is not None
    assert inbox.claim(now=desk.rig.now(), lease_seconds=1) is None
    desk.rig.later(2)
    second = inbox.claim(now=desk.rig.now(), lease_seconds=60)
    assert second is not None
    assert not inbox.settle(first, state="parked", now=desk.rig.now(), reason="late")
    assert inbox.settle(second, state="applied", now=desk.rig.now())


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
