"""The outbox: owing in the change's own transaction, claiming and settling, one partner dead, a large backlog.

    python -m bench.queue [--database URL] [--backlog 2000] [--partners 5] [--workers 2]

Prints rates with machine and versions; sending itself takes no time here, so this is the queue's own cost.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gateway.store
from bench.machine import machine, rss
from gateway.ports import Caller, Owed
from gateway.store import SqlStore

CALLER = Caller("bench", tenant="bench")
DEAD = "p0"


def now() -> datetime:
    return datetime.now(UTC)


def owe(store: SqlStore, number: int, *, partners: int) -> float:
    """Owe `number` messages, one a transaction, five to a lane; how many a second."""
    begun = time.perf_counter()
    for n in range(number):
        lane = n // partners // 5
        with store.begin(CALLER) as tx:
            tx.owe([Owed(f"p{n % partners}", f"Patient/{lane}", "resource", "Task", f"t{lane}", n, urgent=n % 50 == 0)])
    return number / (time.perf_counter() - begun)


def drain(store: SqlStore, *, workers: int, dead: bool) -> tuple[float, int, int]:
    """Work until nothing is due: deliveries a second, how many, and how many came out of order."""
    last: dict[tuple[str, str], int] = {}
    done: list[str] = []
    wrong = [0]

    def work(which: int) -> None:
        while taken := store.outbox.claim(f"w{which}", now=now(), limit=20, lease_seconds=60):
            for delivery in taken:
                owed = delivery.owed
                if dead and owed.partner == DEAD:
                    store.outbox.retry(delivery, due=now() + timedelta(days=1), reason="refused")
                    continue
                wrong[0] += last.get((owed.partner, owed.member), -1) > owed.version
                last[owed.partner, owed.member] = owed.version
                if store.outbox.delivered(delivery, now=now()):
                    done.append(delivery.id)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=(which,)) for which in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(set(done)), "delivered twice"
    return len(done) / (time.perf_counter() - begun), len(done), wrong[0]


def run(url: str, *, backlog: int, partners: int, workers: int) -> None:
    gateway.store.migrate(url)
    for dead in (False, True):
        store = gateway.store.open(url, clock=now)
        with store.engine.writing() as session:
            session.run("DELETE FROM outbox")
        owing = owe(store, backlog, partners=partners)
        before = rss()
        rate, done, wrong = drain(store, workers=workers, dead=dead)
        print(
            f"{store.engine.dialect}: owe {owing:,.0f}/s; {'one of the partners dead' if dead else 'all partners up'}:"
            f" {done:,} of {backlog:,} delivered at {rate:,.0f}/s by {workers} threads, {wrong} out of order,"
            f" RSS {rss():.0f} MB ({rss() - before:+.0f})",
            flush=True,
        )
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="default: a SQLite file in a temporary folder")
    parser.add_argument("--backlog", type=int, default=2000)
    parser.add_argument("--partners", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'queue.sqlite'}"
        run(url, backlog=given.backlog, partners=given.partners, workers=given.workers)


if __name__ == "__main__":
    main()
