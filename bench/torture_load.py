"""The clients of the torture runs: child processes that write, deliver and record what they saw in a ledger."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import gateway.store
import gateway.store.sql
from bench.torture_check import Held
from gateway.errors import GatewayError, NotFound, StaleVersion, StoreUnavailable
from gateway.ports import AuditEntry, Caller, Kept, Owed
from gateway.store import SqlStore

CALLER = Caller("torture", tenant="torture")


def now() -> datetime:
    return datetime.now(UTC)


def index(resource: dict[str, Any]) -> list[Any]:
    return [SimpleNamespace(param=f"p{n}", system=None, value=resource["id"], low=None, high=None) for n in range(2)]


class Ledger:
    """Lines appended by one system call each, so that a killed process leaves whole ones."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, do: str, **values: Any) -> None:
        os.write(self._file, json.dumps({"do": do, **values}).encode() + b"\n")


def write(store: SqlStore, ledger: Ledger, id: str, *, version: int, delete: bool = False) -> None:
    """Keep one version with its audit row and its message, recorded before and after."""
    ledger.write("want", id=id, version=version)
    with store.begin(CALLER) as tx:
        kept: Kept
        if delete:
            kept = tx.delete("Patient", id, expected=version - 1)
        else:
            body = {"resourceType": "Patient", "id": id, "text": "x" * random.randrange(20, 3000)}
            kept = tx.put(body, expected=version - 1)
        tx.note(AuditEntry("U", "write", (f"Patient/{id}/_history/{version}",)))
        tx.owe([Owed(f"p{hash(id) % 3}", id, "resource", "Patient", id, version)])
    ledger.write("ack", id=id, version=kept.version, sha=hashlib.sha256(kept.body).hexdigest())


def opened(url: str) -> SqlStore:
    """The store, as soon as the database is there."""
    while True:
        try:
            return gateway.store.open(url, clock=now, index=index, wait_seconds=2)
        except GatewayError:
            time.sleep(0.05)


def load(url: str, ledger: Ledger) -> None:
    """Create, update and delete on three threads until killed, reading (with audit) in between."""
    store = opened(url)

    def work() -> None:
        mine: dict[str, int] = {}
        while True:
            id = random.choice([*mine, None]) if mine and random.random() < 0.5 else None
            version = mine.pop(id) + 1 if id is not None else 1
            name = id or f"{os.getpid()}-{time.time_ns()}-{random.randrange(1000)}"
            try:
                delete = version > 1 and random.random() < 0.2
                write(store, ledger, name, version=version, delete=delete)
                store.note(CALLER, AuditEntry("R", "read", (f"Patient/{name}",)))
            except StoreUnavailable:
                time.sleep(0.02)
            except (StaleVersion, NotFound) as error:  # only we write these ids
                raise SystemExit(f"torture: {name} {type(error).__name__}") from error
            else:
                if not delete:
                    mine[name] = version
            if len(mine) > 20:
                mine.clear()

    for _ in range(3):
        threading.Thread(target=work).start()


def deliver(url: str, ledger: Ledger) -> None:
    """Claim, record as sent, settle; until killed."""
    store = opened(url)
    while True:
        try:
            taken = store.outbox.claim(f"w{os.getpid()}", now=now(), limit=10, lease_seconds=2)
            for delivery in taken:
                ledger.write("sent", delivery=delivery.id, id=delivery.owed.id, version=delivery.owed.version)
                if store.outbox.delivered(delivery, now=now()):
                    ledger.write("settled", delivery=delivery.id)
            if not taken:
                time.sleep(0.02)
        except StoreUnavailable:
            time.sleep(0.05)


def stop_at(url: str, ledger: Ledger, name: str, act: str) -> None:
    """Set the scene, then do `act` and be killed at step `name`; says so when the step is never passed."""
    store = opened(url)
    id = f"{act}-{name}".replace(" ", "-")
    if act in ("update", "delete", "deliver"):
        write(store, ledger, id, version=1)

    def hook(passed: str) -> None:
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    gateway.store.sql.hook = hook
    if act == "deliver":
        for delivery in store.outbox.claim("w", now=now(), limit=10, lease_seconds=0.1):
            ledger.write("sent", delivery=delivery.id, id=delivery.owed.id, version=delivery.owed.version)
            store.outbox.delivered(delivery, now=now())
            ledger.write("settled", delivery=delivery.id)
    else:
        write(store, ledger, id, version=1 if act == "create" else 2, delete=act == "delete")
    print("not passed", flush=True)


def held(store: SqlStore) -> Held:
    """What the database holds, for the judge."""
    rows = store.engine.rows
    versions = {
        (id, version): (hashlib.sha256(body if isinstance(body, bytes) else body.encode()).hexdigest(), bool(deleted))
        for id, version, deleted, body in rows("SELECT id, version, deleted, body FROM resource_version")
    }
    audited = []
    for (entity,) in rows("SELECT entities FROM audit WHERE event = 'write'"):
        _, id, _, version = entity.split("/")
        audited.append((id, int(version)))
    counted = "SELECT r.id, count(*) FROM search_entry e LEFT JOIN resource r ON r.key = e.key GROUP BY r.id"
    return Held(
        versions=versions,
        pointers=dict(rows("SELECT id, version FROM resource")),
        entries={id or "?": number for id, number in rows(counted)},
        audited=audited,
        owed={(id, v): (d, state) for id, v, d, state in rows("SELECT resource, version, id, state FROM outbox")},
        broken_audit=store.broken_audit(CALLER),
    )


if __name__ == "__main__":
    what, url, path, *more = sys.argv[1:]
    acts: dict[str, Callable[..., None]] = {"load": load, "deliver": deliver, "stop_at": stop_at}
    acts[what](url, Ledger(path), *more)
