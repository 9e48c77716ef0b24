"""The worker as it is started: it shakes hands, notifies, beats, and applies what partners sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

import gateway.store
from gateway import wiring, wiring_worker
from gateway.ports import AuditEntry, Caller
from gateway.settings import Settings
from gateway.trust.webhook_signature import signed
from tests.subscriptions.conftest import OWN, SECRET, Rig, care_team, subscription
from tests.subscriptions.receiver import Receiver


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def worker(rig: Rig, *arguments: str) -> subprocess.Popen[str]:
    made = rig.settings
    own = {
        "ECM_DATABASE": made.database,
        "ECM_PARTNERS": str(made.partners),
        "ECM_WEBHOOKS": str(made.webhooks),
        "ECM_ID_KEY": str(made.id_key),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")} | own
    command = [sys.executable, "-m", "gateway", "worker", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def hook(rig: Rig) -> None:
    task = {"resourceType": "Task", "id": "k1", "status": "requested", "intent": "order"}
    body = json.dumps(task).encode()
    headers = signed(body, secrets=[SECRET], id="m1", at=wiring.now())
    answer = rig.client.post("/hooks/clinic", data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 200


def test_once(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=OWN + "care-team"), handshake=False)
    rig.put(care_team("t1"))
    hook(rig)
    out, errors = worker(rig, "--once").communicate(timeout=120)
    assert out.strip() == "2 delivered", errors
    assert [one.type for one in receiver.got] == ["handshake", "event-notification"]
    assert rig.get(f"Subscription/{id}")["status"] == "active"
    assert rig.get("Task/k1")["status"] == "requested"
    assert "anzibarovna" not in errors


def test_until_stopped(rig: Rig, receiver: Receiver) -> None:
    running = worker(rig)
    try:
        rig.subscribe(subscription(receiver.url, topic=OWN + "care-team", heartbeat=10), handshake=False)
        hook(rig)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and {one.type for one in receiver.got} != {"handshake", "heartbeat"}:
            time.sleep(0.1)
        assert [one.type for one in receiver.got] == ["handshake", "heartbeat"]
        assert rig.get("Task/k1")["status"] == "requested"
    finally:
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors


def test_definitions_are_loaded_once_while_nobody_waits(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes seconds: in a transaction on SQLite it would hold up every other process."""
    loads: list[str] = []
    searching = wiring.searching

    def loading(*given: Any) -> Any:
        loads.append("begun")
        other.ready()
        loads.append("others could write")
        return searching(*given)

    monkeypatch.setattr(wiring, "searching", loading)
    with (
        closing(gateway.store.open(settings.database, clock=wiring.now, wait_seconds=30)) as other,
        wiring_worker.working(settings) as (store, services),
        ThreadPoolExecutor(3) as hands,
    ):
        store.note(Caller("worker"), AuditEntry("R", "read"))
        assert loads == [], "nothing is loaded to deliver"

        def keep(number: int) -> None:
            with store.begin(Caller("worker")) as tx:
                tx.put({"resourceType": "Patient", "id": f"p{number}"})

        list(hands.map(keep, range(3)))
        services()
    assert loads == ["begun", "others could write"]
