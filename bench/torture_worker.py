"""Kill the worker at each named step of a delivery, and pause a worker until another has overtaken it.

The workers are the real command in their own processes, with bench/torture_crash.py around it; with `--hurry` their
claims hold for three seconds: two exchanges with a partner. The partner is a simulator that records what it got.
Used by `python -m bench.torture`.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import psycopg

import gateway.store
from bench import processes
from bench.torture_crash import Arm
from bench.torture_crash_check import Findings, Told, judge_crashed_deliveries, judge_paused
from bench.torture_deliver import CALLER, all_of, settled, wait
from bench.torture_deliver_check import judge
from gateway.ports import Owed
from gateway.simulators.server import Recorded, Simulator
from gateway.store import SqlStore

STEPS = (
    "claim: claimed",
    "claim: before commit",
    "claim: after commit",
    "taken",
    "gathered",
    "decided",
    "about to send",
    "while the partner acts",
    "answered by the partner",
    "looked again",
    "settle: settled",
    "settle: before commit",
    "settle: after commit",
    "settled for good",
)
PAUSES = ("taken", "answered by the partner", "looked again")
"""Where a worker stands still: before it looks whether its claim still holds, and twice after the partner acted."""
PARTNERS = ("ehr", "plan")
HANDS = 8


class Workers:
    """Starts workers on one database and two partners."""

    def __init__(self, url: str, folder: Path, *, partners: dict[str, Simulator]) -> None:
        listed = "".join(
            f'[{name}]\nkind = "fhir_server"\nbase_url = "{one.url}"\nseconds = 1.5\n'
            'send = ["Patient", "ServiceRequest", "Task"]\neveryone = true\n'
            for name, one in partners.items()
        )
        (folder / "partners.toml").write_text(listed)
        self.arm = folder / "arm"
        self.standing = folder / "arm.standing"
        self._folder = folder
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("ECM_")} | {
            "ECM_DATABASE": url,
            "ECM_PARTNERS": str(folder / "partners.toml"),
            "ECM_ID_KEY": str(folder / "id.key"),
            "TORTURE_ARM": str(self.arm),
        }

    def start(self, log: str) -> subprocess.Popen[bytes]:
        arguments = ["-m", "bench.torture_crash", "worker", "--hands", str(HANDS), "--hurry", "100"]
        with (self._folder / log).open("wb") as file:
            return processes.python(arguments, env=self._environment, log=file, end=signal.SIGKILL)  # also if stopped

    def told(self, log: str) -> list[Told]:
        """The ends of attempts in a worker's log."""
        lines = [json.loads(line) for line in (self._folder / log).read_text().splitlines() if line.startswith("{")]
        ends = [line for line in lines if line["event"].startswith("delivery.")]
        return [Told(log, e["delivery"], e["attempt"], e["event"].removeprefix("delivery.")) for e in ends]


def owe(store: SqlStore, round: str, *, members: int, versions: int) -> int:
    """Change the referrals of `members` people `versions` times, each change owed to both partners; how many."""
    for member in range(members):
        for version in range(1, versions + 1):
            with store.begin(CALLER) as tx:
                id = f"{round}-{member}"
                if version == 1:
                    tx.put({"resourceType": "Patient", "id": id, "name": [{"family": "Zanzibarovna"}]})
                kept = tx.put(
                    {
                        "resourceType": "ServiceRequest",
                        "id": id,
                        "note": [{"text": f"change {version}, {random.random()}"}],
                        "subject": {"reference": f"Patient/{id}"},
                    }
                )
                tx.owe(Owed(name, f"Patient/{id}", "changed", kept.type, kept.id, kept.version) for name in PARTNERS)
    return members * versions * len(PARTNERS)


def crashes(url: str, folder: Path) -> Findings:
    """Worker after worker, each killed at its step with fresh changes owed; then one that lives."""
    store = gateway.store.open(url, clock=lambda: datetime.now(UTC))
    owed, died = 0, {}
    with Simulator() as ehr, Simulator() as plan:
        partners = {"ehr": ehr, "plan": plan}
        workers = Workers(url, folder, partners=partners)
        for number, step in enumerate(STEPS):
            owed += owe(store, f"s{number}", members=2, versions=2)
            within = step == "while the partner acts"
            if not within:
                Arm(step).put(workers.arm)
            worker = workers.start(f"worker-{number}")
            if within:
                _kill_when_asked(worker, partners)
            died[step] = _ended(worker) == -signal.SIGKILL
            workers.arm.unlink(missing_ok=True)
        last = workers.start("last")
        try:
            wait(store, lambda: settled(store) >= owed, seconds=240)
        finally:
            last.terminate()
            last.wait()
        deliveries = all_of(store, owed)
        history = judge(owed, deliveries, partners)
        sent = [one.delivery for partner in partners.values() for one in partner.recorded]
    store.close()
    return judge_crashed_deliveries(died, history, sent=sent, owed=[d.id for d in deliveries])


def _kill_when_asked(worker: subprocess.Popen[bytes], partners: dict[str, Simulator]) -> None:
    """Kill the worker as soon as a partner has read a request of it and not yet acted."""
    asked = Event()

    def heard(_: Recorded) -> None:
        if not asked.is_set():
            worker.kill()
            asked.set()

    for partner in partners.values():
        partner._heard = heard
    asked.wait(120)
    for partner in partners.values():
        partner._heard = lambda _: None


def _ended(worker: subprocess.Popen[bytes]) -> int | None:
    try:
        return worker.wait(120)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        return None


def paused(url: str, folder: Path, step: str, *, members: int = 20) -> Findings:
    """A worker stops with all its hands at `step`, another takes over and settles all, then the first is revived."""
    store = gateway.store.open(url, clock=lambda: datetime.now(UTC))
    owed = owe(store, "p", members=members, versions=3)
    with Simulator() as ehr, Simulator() as plan:
        partners = {"ehr": ehr, "plan": plan}
        workers = Workers(url, folder, partners=partners)
        Arm(step, stop=True, together=HANDS).put(workers.arm)
        first = workers.start("first")
        second = None
        try:
            _until(workers.standing.exists, seconds=240)
            _stop(first.pid, url)
            workers.standing.unlink()
            second = workers.start("second")
            wait(store, lambda: settled(store) >= owed, seconds=240)
            first.send_signal(signal.SIGCONT)
            _until(lambda: len(workers.told("first")) >= HANDS, seconds=120)
            time.sleep(0.5)
        finally:
            for one in (first, second):
                if one is not None:
                    one.send_signal(signal.SIGCONT)
                    one.terminate()
                    one.wait()
        deliveries = all_of(store, owed)
        history = judge(owed, deliveries, partners)
    store.close()
    told = [*workers.told("first"), *workers.told("second")]
    found = judge_paused(told, {d.id: d.attempts for d in deliveries}, paused="first")
    found.twice += [*history.twice, *history.backwards]
    found.lost += [*history.not_accounted, *history.not_arrived]
    return found


def _stop(pid: int, url: str) -> None:
    """Stop a worker outside any transaction: stopped within one, it holds the database for as long as it stands."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        _until(lambda: _state(pid) == "T", seconds=60)
        if not _in_transaction(url):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(random.uniform(0.001, 0.05))


def _in_transaction(url: str) -> bool:
    """Whether anybody's transaction is open."""
    kind, _, path = url.partition(":///")
    if kind != "sqlite":
        with psycopg.connect(url) as connection:
            ask = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            found = connection.execute(
                ask + " AND backend_type = 'client backend' AND xact_start IS NOT NULL"
            ).fetchone()
        return bool(found and found[0])
    with open(path + ".lock", "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _until(true: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
