from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import wiring, wiring_worker
from gateway.settings import Settings
from gateway.usecases.courier import Courier, Pace
from gateway.usecases.deliver import Attempt, Delivering
from gateway.usecases.notify import notify
from gateway.usecases.partner_health import Health
from gateway.usecases.tend_subscriptions import tend
from tests.databases import postgres, postgres_url, sqlite_template, sqlite_url, url
from tests.subscriptions.receiver import Receiver
from tests.web.sent import send

__all__ = ["postgres", "postgres_url", "sqlite_template", "sqlite_url", "url"]
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
GRAVITY = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic/"
OWN = "https://ecm-gateway.example/fhir/SubscriptionTopic/"
SECRET = "whsec_" + "A" * 32
OLD_SECRET = "whsec_" + "B" * 32
WEBHOOKS = f"""
[endpoints]
loopback = true

[subscribers.local]
secrets = ["{SECRET}", "{OLD_SECRET}"]
full_resource = true

[hooks.clinic]
secrets = ["{SECRET}"]
"""


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": BACKPORT + name, **value}


def subscription(
    endpoint: str,
    *,
    topic: str = GRAVITY + "Task",
    content: str = "id-only",
    filters: tuple[str, ...] = (),
    **channel: Any,
) -> dict[str, Any]:
    """A Subscription as a client writes it; `heartbeat`, `timeout` and `max_count` are the backport's."""
    pace = {
        "heartbeat": lambda n: extension("heartbeat-period", valueUnsignedInt=n),
        "timeout": lambda n: extension("timeout", valueUnsignedInt=n),
        "max_count": lambda n: extension("max-count", valuePositiveInt=n),
    }
    said = [pace[name](channel.pop(name)) for name in pace if name in channel]
    made: dict[str, Any] = {
        "resourceType": "Subscription",
        "meta": {"profile": [BACKPORT + "subscription"]},
        "status": "requested",
        "reason": "To know how referrals go on",
        "criteria": topic,
        "channel": {
            **({"extension": said} if said else {}),
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [extension("payload-content", valueCode=content)]},
            **channel,
        },
    }
    if filters:
        made["_criteria"] = {"extension": [extension("filter-criteria", valueString=one) for one in filters]}
    return made


def care_team(id: str, *, status: str = "active", note: str = "") -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": status,
        "subject": {"reference": "Patient/p1"},
        "name": f"Team of Zanzibarovna {note}".strip(),
        "participant": [
            {
                "role": [{"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "171M00000X"}]}],
                "member": {"reference": "Patient/p1"},
            }
        ],
    }


class Rig:
    """A gateway spoken to from outside, and a worker that runs when told; `later` moves the worker's clock."""

    def __init__(self, settings: Settings, client: FlaskClient, stack: ExitStack) -> None:
        self.settings, self.client = settings, client
        self.store, self.services = stack.enter_context(wiring_worker.working(settings))
        self.ahead = timedelta()
        self.attempts: list[Attempt] = []
        self.alerts: list[tuple[str, str]] = []
        self.trouble: list[Exception] = []
        self.using = Delivering(self.store, self.store.outbox, self.now, wiring.base_url(settings), jitter=lambda: 0.5)
        alert = lambda id, reason: self.alerts.append((id, reason))  # noqa: E731
        self.notifying = stack.enter_context(wiring_worker.notifying(settings, self.using, alert=alert))

    def now(self) -> datetime:
        return wiring.now() + self.ahead

    def later(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    def work(self) -> None:
        """Deliver what is due."""
        Courier(
            "w",
            partners={},
            using=self.using,
            health=Health(alert=lambda *_: None),
            tell=self.attempts.append,
            trouble=self.trouble.append,
            pace=Pace(hands=4, idle=0.01),
            notify=lambda delivery: notify(delivery, notifying=self.notifying),
        ).run(threading.Event(), once=True)
        assert self.trouble == []

    def tend(self) -> int:
        return tend(self.notifying)

    def subscribe(self, body: dict[str, Any], *, handshake: bool = True) -> str:
        answer = send(self.client, "POST", "/fhir/Subscription", body)
        assert answer.status_code == 201, answer.data
        if handshake:
            self.work()
        return str(answer.get_json()["id"])

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(f"/fhir/{path}")
        assert answer.status_code == 200, answer.data
        found: dict[str, Any] = answer.get_json()
        return found

    def put(self, resource: dict[str, Any]) -> None:
        answer = send(self.client, "PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", resource)
        assert answer.status_code in (200, 201), answer.data


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    (tmp_path / "webhooks.toml").write_text(WEBHOOKS)
    return replace(
        Settings(),
        database=url,
        partners=tmp_path / "partners.toml",
        webhooks=tmp_path / "webhooks.toml",
        id_key=tmp_path / "id.key",
        mail=f"file:{tmp_path / 'mail'}",
        mail_from="gateway@ecm.example",
    )


@pytest.fixture
def rig(settings: Settings) -> Iterator[Rig]:
    with ExitStack() as stack:
        rig = Rig(settings, stack.enter_context(wiring.running(settings)).test_client(), stack)
        rig.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}], "gender": "female"})
        yield rig


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
