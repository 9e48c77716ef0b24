"""Kill the gateway's processes, and PostgreSQL, at random and at each named step; then judge what is left.

    python -m bench.torture kill9  [--kills 12] [--engine sqlite|postgresql|both]   at random moments under load
    python -m bench.torture steps  [--engine ...]   at each named step of a write, of receiving, applying, delivering
    python -m bench.torture paused [--engine ...]   a worker is stopped, overtaken by another, and revived
    python -m bench.torture all    [--short]        everything, deliveries to faulty partners too, as one table

Exits 1 when a promise is broken. Power loss cannot be shown here: only process death.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import gateway.store
from bench import processes
from bench.machine import machine
from bench.torture_check import Verdict, judge
from bench.torture_crash_check import Findings
from bench.torture_load import held, opened
from tests.databases import Cluster, binaries

STEPS = {
    "sqlite": (
        "pointer kept",
        "version kept",
        "index kept",
        "outbox kept",
        "audit kept",
        "before commit",
        "after commit",
    ),
    "postgresql": ("version kept", "outbox kept", "before commit", "after commit"),
}
DELIVERY_STEPS = ("claimed", "settled", "before commit", "after commit")


@contextlib.contextmanager
def database(engine: str) -> Iterator[tuple[str, Cluster | None, Path]]:
    """A fresh, migrated database, its cluster if it has one, and a path for the ledger."""
    with tempfile.TemporaryDirectory(prefix="ecm-torture-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ledger = Path(folder) / "ledger"
        ledger.touch()
        if engine == "sqlite":
            url = f"sqlite:///{Path(folder) / 'gateway.sqlite'}"
            gateway.store.migrate(url)
            yield url, None, ledger
            return
        programs = binaries()
        if programs is None:
            raise SystemExit("LOUD: no PostgreSQL here (/usr/lib/postgresql)")
        home = Path(folder) / "pg"
        home.mkdir()
        os.chmod(folder, 0o755)
        cluster = Cluster(home, programs)
        try:
            gateway.store.migrate(cluster.url)
            yield cluster.url, cluster, ledger
        finally:
            cluster.stop()


def child(what: str, url: str, ledger: Path, *more: str) -> subprocess.Popen[bytes]:
    arguments = ["-m", "bench.torture_load", what, url, str(ledger), *more]
    return processes.python(arguments, env={**os.environ, "PYTHONHASHSEED": "0"}, out=True)


def verdict(url: str, ledger: Path) -> Verdict:
    store = opened(url)
    found = judge((json.loads(line) for line in ledger.read_text().splitlines()), held(store))
    if store.engine.dialect == "sqlite" and store.engine.rows("PRAGMA integrity_check") != [("ok",)]:
        found.half.append("SQLite's own integrity check failed")
    store.close()
    return found


def kill9(engine: str, *, kills: int, seed: int) -> bool:
    """Load by two writers and two deliverers; one process, or the database server, is killed each time."""
    chance = random.Random(seed)
    begun = time.monotonic()
    servers = 0
    with database(engine) as (url, cluster, ledger):
        kinds = ["load", "load", "deliver", "deliver"]
        running = [child(kind, url, ledger) for kind in kinds]
        while ledger.stat().st_size < 20_000:  # under load at last
            time.sleep(0.05)
        for kill in range(kills):
            time.sleep(chance.uniform(0.05, 0.8))
            if cluster is not None and kill % 4 == 3:
                cluster.kill()
                servers += 1
                cluster.start()
                continue
            which = chance.randrange(len(running))
            if running[which].poll() is not None:
                print(f"  a {kinds[which]} process ended by itself: {running[which].returncode}")
                return False
            running[which].kill()
            running[which].wait()
            running[which] = child(kinds[which], url, ledger)
        time.sleep(1)
        ended = [process.poll() for process in running]
        for process in running:
            process.kill()
            process.wait()
        found = verdict(url, ledger)
    seconds = time.monotonic() - begun
    print(f"{engine}: {kills} kills ({servers} of the server) in {seconds:.0f} s, seed {seed}: {found.report()}")
    for problem in [*found.lost, *found.half, *found.strange, *found.disorder][:20]:
        print(f"  {problem}")
    return found.good and ended == [None] * len(running)


def write_steps(engine: str) -> bool:
    """One process killed at each step; the next one must be able to write at once."""
    good = True
    for act, names in (
        *((act, STEPS[engine]) for act in ("create", "update", "delete")),
        ("deliver", DELIVERY_STEPS),
    ):
        with database(engine) as (url, _, ledger):
            for name in names:
                process = child("stop_at", url, ledger, name, act)
                said, _ = process.communicate(timeout=240)
                if process.returncode != -signal.SIGKILL:
                    skipped = b"not passed" in said
                    good &= skipped
                    print(f"{engine} {act}: {name}: {'not passed by this act' if skipped else 'ended otherwise'}")
            found = verdict(url, ledger)
            print(f"{engine} {act}: killed at {len(names)} steps: {found.report()}")
            for problem in [*found.lost, *found.half, *found.strange, *found.disorder][:20]:
                print(f"  {problem}")
            good &= found.good
    return good


def told(name: str, engine: str, found: Findings) -> bool:
    """Print what was found; whether all was kept."""
    print(f"{engine} {name}: {found.report()}")
    for problem in found.problems[:20]:
        print(f"  {problem}")
    return found.good


def receive_steps(engine: str) -> bool:
    """A served gateway killed at each step of receiving a referral, news of one, and a signed webhook."""
    from bench.torture_inbox import hook
    from bench.torture_receive import change, receive

    good = True
    for name, act in (("receive", receive), ("change", change), ("hook", hook)):
        with database(engine) as (url, _, ledger):
            good &= told(name, engine, act(url, ledger.parent))
    return good


def apply_steps(engine: str) -> bool:
    """A worker killed at each step of applying what partners sent."""
    from bench.torture_inbox import apply

    with database(engine) as (url, _, ledger):
        return told("apply", engine, apply(url, ledger.parent))


def deliver_steps(engine: str) -> bool:
    """A worker killed at each step of a delivery."""
    from bench.torture_worker import crashes

    with database(engine) as (url, _, ledger):
        return told("deliver", engine, crashes(url, ledger.parent))


def pauses(engine: str) -> bool:
    """A worker paused at each place where a claim can be overtaken."""
    from bench.torture_worker import PAUSES, paused

    good = True
    for step in PAUSES:
        with database(engine) as (url, _, ledger):
            good &= told(f"paused when {step}", engine, paused(url, ledger.parent, step))
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=("kill9", "steps", "paused", "all"))
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--kills", type=int, default=12, help="for each engine")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--short", action="store_true", help="of all: fewer kills and deliveries")
    given = parser.parse_args()
    processes.end_tidily()
    print(machine())
    engines = ("sqlite", "postgresql") if given.engine == "both" else (given.engine,)
    if given.run == "all":
        from bench.torture_all import run_all

        raise SystemExit(not run_all(engines, seed=given.seed, short=given.short))
    runs: dict[str, list[Callable[[str], bool]]] = {
        "kill9": [partial(kill9, kills=given.kills, seed=given.seed)],
        "steps": [write_steps, receive_steps, apply_steps, deliver_steps],
        "paused": [pauses],
    }
    results = [run(engine) for engine in engines for run in runs[given.run]]
    raise SystemExit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
