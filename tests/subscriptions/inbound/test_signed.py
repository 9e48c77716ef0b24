"""Webhooks are verified, kept before they are answered, and known when they come again."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from gateway import wiring
from gateway.trust.webhook_signature import key, signed
from tests.subscriptions.conftest import SECRET
from tests.subscriptions.inbound.conftest import CALLER, Desk, task


def test_it_is_kept_before_it_is_answered_and_applied_later(desk: Desk) -> None:
    answer = desk.send(task(1))
    assert (answer.status_code, answer.get_json()) == (200, {"status": "kept"})
    assert desk.states() == ["waiting"]
    assert desk.rig.client.get("/fhir/Task/k1").status_code == 404
    desk.apply()
    assert desk.states() == ["applied"]
    assert desk.rig.get("Task/k1")["description"] == "version 1"


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
