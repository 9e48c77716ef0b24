"""Whole gateways as processes on loopback: each serves and works over its own database, and is spoken to by HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from gateway.simulators.free_port import free_port
from tests.web.conftest import a_referral

Json = dict[str, Any]
NUMBERS = count(1)
SECRET = "whsec_" + "A" * 32
SECONDS = float(os.environ.get("ECM_TEST_SECONDS", "240"))
"""How long a condition may take: what takes a second here takes many when the machine is busy."""
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
TASKS = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic/Task"


def until(condition: Callable[[], Any], what: str, *, seconds: float = SECONDS) -> Any:
    """What `condition` gives as soon as that is true; an AssertionError that says what was waited for else."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.05)
    return found


@dataclass
class Gateway:
    """One gateway. `partners` is its partners.toml, `accepts` what may come by signed webhook, by partner; `webhooks`
    is more of its webhooks.toml."""

    name: str
    folder: Path
    partners: str = ""
    accepts: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0
    webhooks: str = ""
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        if not self.port:
            self.port = free_port()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    @contextmanager
    def running(self) -> Iterator[None]:
        """The server and the worker, from a first answer to the end of the block."""
        (self.folder / "partners.toml").write_text(self.partners)
        hooks = "".join(
            f'[hooks.{name}]\nsecrets = ["{SECRET}"]\naccepts = {json.dumps(types)}\n'
            for name, types in self.accepts.items()
        )
        subscribers = f'[endpoints]\nloopback = true\n[subscribers.local]\nsecrets = ["{SECRET}"]\n'
        (self.folder / "webhooks.toml").write_text(subscribers + hooks + self.webhooks)
        with ExitStack() as stack:
            for command in (["serve", "--threads", "4"], ["worker", "--hurry", "50"]):
                self._processes[command[0]] = stack.enter_context(self._started(command))
            until(self._answers, f"{self.name} to answer")
            yield
            self._processes.clear()

    @contextmanager
    def _started(self, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        own = {
            "ECM_DATABASE": f"sqlite:///{self.folder / 'gateway.sqlite'}",
            "ECM_PORT": str(self.port),
            "ECM_PARTNERS": str(self.folder / "partners.toml"),
            "ECM_WEBHOOKS": str(self.folder / "webhooks.toml"),
            "ECM_OPERATOR_NAME": f"{self.name} Organization",
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")} | own
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", *command], env=environment, stdout=log, stderr=log
            )
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _require_alive(self) -> None:
        """A process that has ended would be waited for in vain."""
        for command, process in self._processes.items():
            if (ended := process.poll()) is not None:
                last = (self.folder / f"{command}.log").read_text()[-2000:]
                raise Ended(f"{self.name}: {command} ended with {ended}: {last}")

    def _answers(self) -> bool:
        try:
            return bool(self.ask("GET", "/health/ready"))
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer to a request below the gateway's address; AssertionError with its text when it is a refusal.

        503 says to repeat later, and so it is: on a busy machine a database may be.
        """
        for _ in range(9):
            try:
                return self._ask(method, path, body)
            except Refused as refused:
                if refused.status != 503:
                    raise
                time.sleep(1)
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        self._require_alive()
        data = None if body is None else json.dumps(body).encode()
        kind = "application/fhir+json" if path.startswith("/fhir") else "application/json"
        headers = {"Content-Type": kind, "Prefer": "return=representation"} if data else {}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, data=data, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: Json = json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            text = refused.read().decode()
            refused.close()
            raise Refused(refused.code, f"{method} {path}: {refused.code} {text}") from None
        return found

    def read(self, reference: str) -> Json:
        return self.ask("GET", f"/fhir/{reference}")

    def find(self, type: str, query: str = "") -> list[Json]:
        """What is kept of a type."""
        return [one["resource"] for one in self.ask("GET", f"/fhir/{type}?_count=100&{query}").get("entry", [])]

    def move(self, task: str, status: str, **said: Any) -> Json:
        """What a person at an application does: read the Task, change its status, write it back."""
        present = self.read(task)
        reason = {"statusReason": {"text": said.pop("reason")}} if "reason" in said else {}
        kept = {name: value for name, value in present.items() if name not in ("lastModified", "statusReason")}
        return self.ask("PUT", f"/fhir/{task}", {**kept, "status": status, **reason, **said})

    def subscribe(self, to: Gateway, *filters: str, hook: str) -> str:
        """Subscribe at another gateway to its Tasks, heard at our webhook of that partner, and shake hands."""
        asked = {
            "resourceType": "Subscription",
            "meta": {"profile": [BACKPORT + "subscription"]},
            "status": "requested",
            "reason": "To know how referrals go on",
            "criteria": TASKS,
            "_criteria": {"extension": [{"url": BACKPORT + "filter-criteria", "valueString": one} for one in filters]},
            "channel": {
                "type": "rest-hook",
                "endpoint": f"http://127.0.0.1:{self.port}/hooks/{hook}",
                "payload": "application/fhir+json",
                "_payload": {"extension": [{"url": BACKPORT + "payload-content", "valueCode": "id-only"}]},
            },
        }
        if not filters:
            del asked["_criteria"]
        id = str(to.ask("POST", "/fhir/Subscription", asked)["id"])
        until(lambda: to.read(f"Subscription/{id}")["status"] == "active", f"{to.name} to shake hands")
        return id

    def log(self, command: str) -> list[Json]:
        """What a process has logged."""
        lines = (self.folder / f"{command}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def troubles(self) -> list[Json]:
        """Log lines that say that something was parked, refused or failed."""
        bad = ("delivery.parked", "inbound.parked", "worker.trouble", "crash", "subscription.error")
        told = [line for command in ("serve", "worker") for line in self.log(command) if line["event"] in bad]
        return [line for line in told if line.get("error") != "StoreUnavailable"]  # repeated, as it asks for


class Ended(Exception):
    """A gateway's process is no more."""


class Refused(AssertionError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@contextmanager
def all_running(*gateways: Gateway) -> Iterator[None]:
    """All of them at once, started together."""
    from concurrent.futures import ThreadPoolExecutor

    with ExitStack() as stack, ThreadPoolExecutor(len(gateways)) as hands:
        blocks = [one.running() for one in gateways]
        entered = [hands.submit(block.__enter__) for block in blocks]
        for block, done in zip(blocks, entered, strict=True):
            done.result()
            stack.push(block)
        yield
        for one in gateways:
            for name in ("serve", "worker"):
                text = (one.folder / f"{name}.log").read_text()
                assert "anzibarovna" not in text.lower(), f"a person's name reached the log of {one.name} {name}"


def refer(source: Gateway) -> Json:
    """A new member's referral comes in at the source; its Task."""
    number = next(NUMBERS)
    referral = a_referral() | {"key": {"source": "harbor-clinic", "id": f"F-{number}"}}
    referral["member"] = referral["member"] | {"cin": f"9{number:07d}A"}
    done = source.ask("POST", "/referrals", referral)
    (task,) = [one["resource"] for one in done["entry"] if one["resource"]["resourceType"] == "Task"]
    return dict(task)


def status(gateway: Gateway, reference: str) -> Any:
    try:
        return gateway.read(reference).get("status")
    except AssertionError:
        return None


def arrives(gateway: Gateway, reference: str, wanted: str) -> None:
    until(lambda: status(gateway, reference) == wanted, f"{reference} at {gateway.name} to be {wanted}")


def procedure(task: Json, request: str) -> Json:
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "basedOn": [{"reference": request}],
        "subject": task["for"],
        "code": {"text": "Deposit paid"},
        "performedDateTime": "2026-03-02",
    }


def output(reference: str) -> list[Json]:
    code = {"system": "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"}
    return [{"type": {"coding": [code | {"code": "resulting-activity"}]}, "valueReference": {"reference": reference}}]
