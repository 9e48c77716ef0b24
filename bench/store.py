"""The store against bare statements, in one run: reads, audited reads, creates; one process and two.

    python -m bench.store [--database URL] [--seconds 2] [--threads 4]

`bare` is the driver alone doing the same statements with the same durability, one transaction each, no chain, no
shared commit. Ratios count; absolute figures swing with the machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gateway.store
import gateway.store.audit
from bench.machine import machine, rss
from gateway.fhir import codec
from gateway.ports import AuditEntry, Caller
from gateway.store import SqlStore, sqlite
from gateway.store.transaction import READ

CALLER = Caller("bench", tenant="bench")
READ_NOTE = AuditEntry("R", "read", ("ServiceRequest/r0/_history/1",))
RESOURCE = {"resourceType": "ServiceRequest", "id": "r0", "status": "active", "note": [{"text": "x" * 1800}]}
ENTRIES = [SimpleNamespace(param=f"p{n}", system="urn:s", value=f"v{n}", low=None, high=None) for n in range(8)]
AUDIT = (
    "s",
    1,
    CALLER.tenant,
    1,
    "bench",
    "TREAT",
    "",
    "R",
    "read",
    "ServiceRequest/r0",
    "success",
    None,
    None,
    b"",
    b"h" * 32,
)
SPAWN = multiprocessing.get_context("spawn")
Work = Callable[[str], None]


def now() -> datetime:
    return datetime.now(UTC)


def opened(url: str) -> SqlStore:
    return gateway.store.open(url, clock=now, index=lambda resource: ENTRIES)


def rate(work: Work, *, threads: int, seconds: float) -> float:
    """`work(unique name)` over and over on each thread: how often a second in all."""
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def loop(which: int) -> None:
        prefix = f"{os.getpid()}-{which}-{time.time_ns()}"
        while time.perf_counter() < until:
            work(f"{prefix}-{counts[which]}")
            counts[which] += 1

    begun = time.perf_counter()
    running = [threading.Thread(target=loop, args=(which,)) for which in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def works(store: SqlStore) -> dict[str, Work]:
    """What the gateway does."""

    def create(name: str) -> None:
        with store.begin(CALLER) as tx:
            tx.put({**RESOURCE, "id": name}, expected=0)
            tx.note(AuditEntry("C", "create", (f"ServiceRequest/{name}/_history/1",)))

    def audited(name: str) -> None:
        store.read(CALLER, "ServiceRequest", "r0")
        store.note(CALLER, READ_NOTE)

    def read(name: str) -> None:
        store.read(CALLER, "ServiceRequest", "r0")

    return {
        "read": read,
        "audited read": audited,
        "create": create,
    }


def bare_sqlite(path: Path) -> dict[str, Work]:
    """The same statements on one sqlite3 connection (so on one thread)."""
    db = sqlite.connect(path, wait=5)
    body = codec.write(RESOURCE).decode()

    def read(name: str) -> None:
        db.execute(READ["sqlite"], (CALLER.tenant, "ServiceRequest", "r0")).fetchall()

    def audited(name: str) -> None:
        read(name)
        db.execute("BEGIN IMMEDIATE")
        db.execute(gateway.store.audit.INSERT, AUDIT)
        db.execute("COMMIT")

    def create(name: str) -> None:
        db.execute("BEGIN IMMEDIATE")
        key = db.execute(sqlite.NEW, (CALLER.tenant, "ServiceRequest", name, 1, 0)).fetchall()[0][0]
        db.execute(sqlite.VERSION, (CALLER.tenant, "ServiceRequest", name, 1, 1, 0, body))
        rows = [(key, CALLER.tenant, "ServiceRequest", e.param, e.system, e.value, None, None) for e in ENTRIES]
        db.executemany(sqlite.ENTRY, rows)
        db.execute(gateway.store.audit.INSERT, AUDIT)
        db.execute("COMMIT")

    return {"read": read, "audited read": audited, "create": create}


def bare_postgresql(url: str) -> dict[str, Work]:
    """The same statements on one psycopg connection, each waiting for its answer."""
    import psycopg

    from gateway.store import postgresql

    db = psycopg.connect(url, autocommit=True)
    insert, select = (sql.replace("?", "%s") for sql in (gateway.store.audit.INSERT, READ["postgresql"]))
    column = {"params": "param", "systems": "system", "values": "value", "lows": "low", "highs": "high"}
    entries = {name: [getattr(e, field) for e in ENTRIES] for name, field in column.items()}
    values: dict[str, Any] = {
        "tenant": CALLER.tenant, "type": "ServiceRequest", "version": 1, "at": 1, "deleted": 0,
        "body": codec.write(RESOURCE).decode(), **entries,
    }  # fmt: skip

    def read(name: str) -> None:
        db.execute(select, (CALLER.tenant, "ServiceRequest", "r0")).fetchall()

    def audited(name: str) -> None:
        read(name)
        db.execute(insert, AUDIT)

    def create(name: str) -> None:
        with db.transaction():
            db.execute((postgresql.NEW + postgresql.VERSION).encode(), {**values, "id": name})
            db.execute(insert, AUDIT)

    return {"read": read, "audited read": audited, "create": create}


def _other(url: str, name: str, threads: int, seconds: float, results: Any) -> None:
    store = opened(url)
    results.put(rate(works(store)[name], threads=threads, seconds=seconds))
    store.close()


def in_two_processes(url: str, name: str, *, threads: int, seconds: float) -> float:
    results: Any = SPAWN.Queue()
    arguments = (url, name, threads, seconds, results)
    children = [SPAWN.Process(target=_other, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    total = sum(results.get() for _ in children)
    for child in children:
        child.join()
    return float(total)


def run(url: str, *, threads: int, seconds: float) -> None:
    gateway.store.migrate(url)
    store = opened(url)
    with store.begin(CALLER) as tx:
        tx.put(RESOURCE)
    file = url.startswith("sqlite")
    bare = bare_sqlite(Path(url.removeprefix("sqlite:///"))) if file else bare_postgresql(url)
    print(f"{store.engine.dialect}: per second (times bare)")
    for name, work in works(store).items():
        alone = rate(work, threads=1, seconds=seconds)
        base = rate(bare[name], threads=1, seconds=seconds)
        many = rate(work, threads=threads, seconds=seconds)
        two = in_two_processes(url, name, threads=threads, seconds=seconds)
        print(
            f"  {name:13} bare {base:8,.0f}   1 thread {alone:8,.0f} ({alone / base:.2f})"
            f"   {threads} threads {many:8,.0f} ({many / base:.2f})   2 processes {two:8,.0f} ({two / base:.2f})",
            flush=True,
        )
    print(f"  RSS {rss():.0f} MB")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="default: a SQLite file in a temporary folder")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'store.sqlite'}"
        run(url, threads=given.threads, seconds=given.seconds)


if __name__ == "__main__":
    main()
