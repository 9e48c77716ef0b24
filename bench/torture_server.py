"""A served gateway that is killed and comes back, what is sent to it, and what its database holds.

The server is the real `serve` in its own processes, with bench/torture_crash.py around it. Used by torture_receive.py
and torture_inbox.py.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import processes
from bench.torture_crash_check import Snapshot
from gateway.ports import Caller
from gateway.simulators.free_port import free_port
from gateway.store import SqlStore
from gateway.trust.webhook_signature import signed

TENANT = Caller("torture")
PATIENCE_SECONDS = 240
SECRET = "whsec_" + "T" * 32
CLINIC, PLATFORM = "clinic", "platform"
PARTNERS = "".join(
    f'[{name}]\nkind = "files"\nfolder = "FOLDER/{name}"\nsend = ["ServiceRequest", "Task", "CareTeam"]\n'
    "seconds = 0.5\neveryone = true\n"
    for name in ("ehr", "plan")
)
WEBHOOKS = "".join(
    f'[hooks.{name}]\nsecrets = ["{SECRET}"]\naccepts = ["Task", "Patient"]\n' for name in (CLINIC, PLATFORM)
)


@dataclass(frozen=True)
class Sending:
    """One POST."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """Settings of the commands under test: partners that are folders, hooks with a secret, an arm."""
    (folder / "partners.toml").write_text(PARTNERS.replace("FOLDER", str(folder)))
    (folder / "webhooks.toml").write_text(WEBHOOKS)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")}
    own = {
        "ECM_DATABASE": url,
        "ECM_PARTNERS": str(folder / "partners.toml"),
        "ECM_WEBHOOKS": str(folder / "webhooks.toml"),
        "ECM_ID_KEY": str(folder / "id.key"),
        "ECM_LOG_LEVEL": "WARNING",
        "TORTURE_ARM": str(folder / "arm"),
    }
    return plain | own | more


class Server:
    """A served gateway that comes back when it was killed. `arm` is the file that arms it."""

    def __init__(self, url: str, folder: Path) -> None:
        port = free_port()
        self.base, self.arm = f"http://127.0.0.1:{port}", folder / "arm"
        own = environment(url, folder, ECM_PORT=str(port))
        with (folder / "log").open("ab") as log:
            self._process = processes.python(["-m", "bench.torture_crash", "serve"], env=own, log=log)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def send(self, sending: Sending) -> tuple[int | None, Any]:
        """Status and answer; None when there was no answer."""
        headers = {"Content-Type": "application/json", **sending.headers}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.base + sending.path, sending.body, headers), timeout=120
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None
        except (OSError, ValueError):
            return None, None

    def insist(self, sending: Callable[[], Sending]) -> tuple[int, Any]:
        """Send until there is an answer that is no 5xx."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            status, answer = self.send(sending())
            if status is not None and status < 500:
                return status, answer
            time.sleep(0.1)
        return 0, None


def webhook(partner: str, value: object, *, id: str) -> Sending:
    """A signed webhook; `id` is the sender's own of the message, the same whenever it is sent."""
    body = json.dumps(value).encode()
    return Sending(f"/hooks/{partner}", body, signed(body, secrets=[SECRET], id=id, at=datetime.now(UTC)))


def snapshot(store: SqlStore, *events: str) -> Snapshot:
    """What the database holds now, with the audit rows of writes of `events`."""
    rows = store.engine.rows
    marks = ", ".join("?" * len(events))
    audited = rows(f"SELECT entities FROM audit WHERE action IN ('C', 'U') AND event IN ({marks})", events)
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
