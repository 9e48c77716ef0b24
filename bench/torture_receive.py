"""Kill the server at each named step of receiving a referral over HTTP; then send it again.

The server is the real `serve` in its own processes, with bench/torture_crash.py around it. After each crash the
database is looked at before anything is sent again. Used by `python -m bench.torture`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from bench.over_http import REFERRAL
from bench.torture_crash import Arm
from bench.torture_crash_check import Crash, Findings, Snapshot, judge_received
from bench.torture_load import opened
from gateway.ports import Caller
from gateway.store import SqlStore

UNKEPT = ("read", "mapped", "validated", "begun", "one put", "all put", "owed", "outbox kept", "disclosed")
IN_STORE = {
    "sqlite": ("pointer kept", "version kept", "version kept#4", "index kept", "audit kept"),
    "postgresql": ("version kept", "version kept#4"),
}
COMMITTED = ("after commit", "kept", "about to answer")
PARTNERS = """
[ehr]
kind = "fhir_server"
base_url = "http://127.0.0.1:9/fhir"
send = ["ServiceRequest", "Task"]
everyone = true
[plan]
kind = "fhir_server"
base_url = "http://127.0.0.1:9/fhir"
send = ["ServiceRequest"]
everyone = true
"""
TENANT = Caller("torture")
PATIENCE_SECONDS = 60


def steps(engine: str) -> tuple[str, ...]:
    """A step, `#n` for its n-th pass, in the order in which a referral passes them."""
    return (*UNKEPT, *IN_STORE[engine], "before commit", *COMMITTED)


class Server:
    """A served gateway that comes back when it was killed. `arm` is the file that arms it."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (folder / "partners.toml").write_text(PARTNERS)
        self.base, self.arm = f"http://127.0.0.1:{port}", folder / "arm"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")} | {
            "ECM_DATABASE": url,
            "ECM_PORT": str(port),
            "ECM_PARTNERS": str(folder / "partners.toml"),
            "ECM_ID_KEY": str(folder / "id.key"),
            "ECM_LOG_LEVEL": "WARNING",
            "TORTURE_ARM": str(self.arm),
        }
        command = [sys.executable, "-m", "bench.torture_crash", "serve"]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def referral(number: int) -> bytes:
    """Of a member, a referrer and an organization that no other referral has."""
    text = json.dumps(REFERRAL).replace("CINUMBER", f"9{number:07d}").replace("NUMBER", str(number))
    value = json.loads(text)
    value["referrer"]["organization"]["name"] = f"Harbor Clinic {number}"
    value["referrer"]["name"]["first"] = f"Rosa {number}"
    return json.dumps(value).encode()


def send(base: str, body: bytes) -> tuple[int | None, Any]:
    """Status and answer; None when there was no answer."""
    asked = urllib.request.Request(f"{base}/referrals", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError):
        return None, None


def insist(base: str, body: bytes) -> tuple[int, Any]:
    """Send until there is an answer that is no 5xx."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        status, answer = send(base, body)
        if status is not None and status < 500:
            return status, answer
        time.sleep(0.1)
    return 0, None


def snapshot(store: SqlStore) -> Snapshot:
    """What the database holds now."""
    rows = store.engine.rows
    audited = rows("SELECT entities FROM audit WHERE event = 'referral' AND action = 'C'")
    counted = "SELECT r.type, r.id, count(*) FROM search_entry e JOIN resource r ON r.key = e.key GROUP BY r.type, r.id"
    return Snapshot(
        versions=frozenset(
            (f"{type}/{id}", v) for type, id, v in rows("SELECT type, id, version FROM resource_version")
        ),
        pointers=frozenset((f"{type}/{id}", v) for type, id, v in rows("SELECT type, id, version FROM resource")),
        indexed={f"{type}/{id}": number for type, id, number in rows(counted)},
        audited=Counter(frozenset(n for n in names.split() if "/_history/" in n) for (names,) in audited),
        owed=Counter(
            (partner, f"{type}/{id}", v)
            for partner, type, id, v in rows("SELECT partner, type, resource, version FROM outbox")
        ),
        broken_audit=store.broken_audit(TENANT),
    )


def crash(step: str, *, number: int, server: Server, store: SqlStore) -> Crash:
    """Send a referral, its server armed; look; send again until it is answered; look."""
    name, _, nth = step.partition("#")
    body = referral(number)
    before = snapshot(store)
    Arm(name, int(nth or 1)).put(server.arm)
    first, _ = send(server.base, body)
    died = not server.arm.exists()
    server.arm.unlink(missing_ok=True)
    between = snapshot(store)
    again, answer = insist(server.base, body)
    locations = [entry["response"].get("location", "") for entry in (answer or {}).get("entry", [])]
    named = frozenset(location.rpartition("/fhir/")[2] for location in locations if location)
    return Crash(step, name in COMMITTED, died, first, again, before, between, snapshot(store), named)


def receive(url: str, folder: Path) -> Findings:
    """A crash at every step, one after the other, in one served gateway."""
    engine = "sqlite" if url.startswith("sqlite") else "postgresql"
    server = Server(url, folder)
    try:
        insist(server.base, referral(1))
        store = opened(url)
        crashes = [crash(step, number=n, server=server, store=store) for n, step in enumerate(steps(engine), start=2)]
        store.close()
    finally:
        server.close()
    return judge_received(crashes)
