"""Kill the server at each step of keeping a signed webhook, and the worker at each step of applying what was kept.

A webhook that was answered is there, once, however often it is sent. What is applied (a resource, news of a referral,
what a poll found) has one effect, although workers die and the next one begins anew. Used by `python -m bench.torture`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import processes
from bench.torture_crash import Arm
from bench.torture_crash_check import Crash, Findings, HookCrash, Kept, judge_kept, judge_received
from bench.torture_load import opened
from bench.torture_receive import news_of, referral
from bench.torture_server import CLINIC, PLATFORM, Server, environment, snapshot, webhook
from gateway.fhir import codec
from gateway.ports import Caller
from gateway.store import SqlStore
from gateway.usecases.poll_partner import CONTENT_TYPE as POLLED

KEEP_STEPS = {
    "sqlite": ("inbound kept", "audit kept", "before commit", "after commit", "kept", "about to answer"),
    "postgresql": ("inbound kept", "before commit", "after commit", "kept", "about to answer"),
}
APPLY_STEPS = (
    "take: inbound claimed",
    "take: after commit",
    "apply: version kept",
    "apply: outbox kept",
    "apply: before commit",
    "apply: after commit",
    "apply: applied",
    "end: before commit",
    "end: after commit",
)
COMMITTED = ("after commit", "kept", "about to answer")
APPLIED = ("apply: after commit", "apply: applied", "end: before commit", "end: after commit")
KINDS = ("resource", "news", "polled")
EVENTS = ("referral-change", "inbound.applied")
OPERATOR = Caller("torture")
SECONDS = 240.0


def kept(store: SqlStore, partner: str, key: str) -> list[Kept]:
    """The rows of one message, its body as a hash, and how often the audit says that it was kept."""
    sql = "SELECT id, body, state FROM inbound WHERE partner = ? AND dedupe = ?"
    found = store.engine.rows(sql, (partner, key))
    audited = "SELECT count(*) FROM audit WHERE event = 'inbound.kept' AND entities = ?"
    return [
        Kept(hashlib.sha256(bytes(body)).hexdigest(), state, store.engine.rows(audited, (f"Inbound/{id}",))[0][0])
        for id, body, state in found
    ]


def hook(url: str, folder: Path) -> Findings:
    """A crash at every step of a signed webhook, which its sender then sends again."""
    server = Server(url, folder)
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    crashes = []
    try:
        server.insist(lambda: referral(1))
        store = opened(url)
        for number, step in enumerate(KEEP_STEPS[engine], start=1):
            key, value = f"msg-{number}", task(number)
            send = partial(webhook, CLINIC, value, id=key)
            Arm(step).put(server.arm)
            first, _ = server.send(send())
            died = not server.arm.exists()
            server.arm.unlink(missing_ok=True)
            between = kept(store, CLINIC, key)
            again, answer = server.insist(send)
            sent = hashlib.sha256(send().body).hexdigest()
            said = answer["status"] if answer else ""
            after = kept(store, CLINIC, key)
            crashes.append(HookCrash(step, step in COMMITTED, died, first, again, said, sent, between, after))
        store.close()
    finally:
        server.close()
    return judge_kept(crashes)


def task(number: int) -> dict[str, Any]:
    """A Task that a partner has, of a member who is here."""
    return {
        "resourceType": "Task",
        "id": f"clinic-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-06-01T09:00:00Z"},
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/p1"},
    }


def found(number: int) -> bytes:
    """What a poll found: a team, and the member whose it is."""
    base = "https://ehr.example/fhir"
    member = {"resourceType": "Patient", "id": f"m{number}", "name": [{"family": f"Zanzibarovna {number}"}]}
    team = {
        "resourceType": "CareTeam",
        "id": f"t{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-06-01T09:00:00Z"},
        "status": "active",
        "subject": {"reference": f"Patient/m{number}"},
    }
    entries = [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in (member, team)]
    return codec.write({"resourceType": "Bundle", "type": "collection", "entry": entries})


def message(store: SqlStore, kind: str, number: int) -> tuple[str, str]:
    """Keep one message, as its receiver does: partner and key."""
    body, content_type, partner = {
        "resource": (codec.write(task(number)), "application/json", CLINIC),
        "news": (codec.write(news_of(number, source=PLATFORM)), "application/json", PLATFORM),
        "polled": (found(number), POLLED, "ehr"),
    }[kind]
    now = datetime.now(UTC)
    key = f"{kind}-{number}"
    caller = Caller(f"partner:{partner}")
    assert store.inbox.keep(caller, partner=partner, key=key, content_type=content_type, body=body, now=now)
    return partner, key


class Worker:
    """The real worker, started anew when it was killed and looked at."""

    def __init__(self, url: str, folder: Path) -> None:
        self.arm, self.dead = folder / "arm", folder / "arm.dead"
        arguments = ["-m", "bench.torture_crash", "worker", "--hands", "1", "--hurry", "100"]
        own = environment(url, folder, TORTURE_AGAIN="yes")
        with (folder / "worker.log").open("ab") as log:
            self._process = processes.python(arguments, env=own, log=log)

    def again(self) -> None:
        self.dead.unlink(missing_ok=True)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def apply(url: str, folder: Path) -> Findings:
    """A crash at every step of applying each kind of message; the next worker goes on."""
    store = opened(url)
    wanted = [(kind, step) for kind in KINDS for step in APPLY_STEPS]
    server, worker = Server(url, folder), Worker(url, folder)
    try:
        with store.begin(OPERATOR) as tx:
            tx.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}]})
        crashes = [
            _insisting(kind, step, n, server=server, worker=worker, store=store)
            for n, (kind, step) in enumerate(wanted)
        ]
    finally:
        worker.close()
        server.close()
        store.close()
    return judge_received(crashes)


def _insisting(kind: str, step: str, number: int, *, server: Server, worker: Worker, store: SqlStore) -> Crash:
    """A crash at a step. On SQLite a commit may be done by another thread for both: then another message."""
    for turn in range(1, 6):
        own = number + 100 * turn
        if kind == "news":
            server.insist(lambda own=own: referral(own))  # type: ignore[misc]
        _until(lambda: not store.engine.rows("SELECT 1 FROM outbox WHERE settled_at IS NULL LIMIT 1"))
        crash = applied(kind, step, own, worker=worker, store=store)
        if crash.died:
            break
    return crash


def applied(kind: str, step: str, number: int, *, worker: Worker, store: SqlStore) -> Crash:
    """Keep a message, the worker armed; look when it is dead; look when another has applied it."""
    before = snapshot(store, *EVENTS)
    Arm(step).put(worker.arm)
    partner, key = message(store, kind, number)
    died = _until(worker.dead.exists, unless=lambda: settled(store, partner, key) and worker.arm.exists())
    worker.arm.unlink(missing_ok=True)
    between = snapshot(store, *EVENTS)
    worker.again()
    _until(lambda: settled(store, partner, key))
    again = 200 if [one.state for one in kept(store, partner, key)] == ["applied"] else 0
    after = snapshot(store, *EVENTS)
    return Crash(f"{kind}, {step}", step in APPLIED, died, None, again, before, between, after, updates=True)


def settled(store: SqlStore, partner: str, key: str) -> bool:
    return kept(store, partner, key)[0].state in ("applied", "parked")


def _until(true: Callable[[], bool], *, unless: Callable[[], bool] = lambda: False) -> bool:
    """Whether it came true, before `unless` did or patience ended."""
    end = time.monotonic() + SECONDS
    while not true():
        if unless() or time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
