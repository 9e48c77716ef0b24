"""A partner that sends webhooks to a gateway, and is asked by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway import wiring, wiring_worker
from gateway.errors import PartnerRefused, PartnerUnavailable
from gateway.ports import Caller, Inbound, Json
from gateway.trust.webhook_signature import signed
from gateway.usecases.apply_inbox import Applying, apply_inbox
from tests.subscriptions.conftest import SECRET, Rig

CALLER = Caller("tester")


class Partner:
    """What a partner's server would answer; the reads are remembered."""

    def __init__(self) -> None:
        self.resources: dict[str, Json] = {}
        self.read_: list[str] = []
        self.down = False
        self.bases: dict[str, str] = {}

    def base(self, partner: str) -> str | None:
        return self.bases.get(partner)

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
        self.xml = wiring_worker.xml_reader(rig.settings)

    def tell(self, message: Inbound, ending: str, reason: str) -> None:
        self.ended.append((ending, reason))

    def send(
        self,
        value: Any,
        *,
        id: str | None = None,
        partner: str = "clinic",
        content_type: str = "application/json",
        **headers: str,
    ) -> TestResponse:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        made = signed(body, secrets=[SECRET], id=id or f"msg-{hash(body)}", at=wiring.now()) | headers
        return self.rig.client.post(f"/hooks/{partner}", data=body, headers=made, content_type=content_type)

    def apply(self) -> None:
        applying = Applying(
            self.rig.services, self.partner, self.rig.now, "http://127.0.0.1:8080/fhir", self.tell, xml=self.xml
        )
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
