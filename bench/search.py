"""Search over a filled store: milliseconds for each kind of question, on SQLite or PostgreSQL.

    python -m bench.search [--resources 30000] [--engine sqlite|postgresql]

Each figure is the median of 30, and also as a multiple of one read by id in the same run.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import gateway.store
from bench.machine import machine
from bench.torture import database
from gateway.packages import Definitions
from gateway.ports import Caller
from gateway.search.parameters import Parameters
from gateway.search.rules import Search
from gateway.store import SqlStore
from gateway.usecases.served import PACKAGES, SERVED

CALLER = Caller("bench")
ASKED: list[tuple[str, list[tuple[str, str]]]] = [
    ("ServiceRequest", [("patient", "p7"), ("category", "urn:k|social"), ("authored", "ge2026-01-01")]),
    ("ServiceRequest", [("patient", "p7"), ("_revinclude", "Task:focus"), ("_include", "ServiceRequest:patient")]),
    ("ServiceRequest", [("patient.identifier", "urn:cin|cin-7")]),
    ("ServiceRequest", [("_has:Task:focus:status", "requested"), ("patient", "p7")]),
    ("ServiceRequest", [("status", "active"), ("_count", "50")]),
    ("ServiceRequest", [("status", "active"), ("_sort", "-authored"), ("_count", "50")]),
    ("ServiceRequest", [("_lastUpdated", "gt2026-03-02T09:30:00-08:00"), ("_count", "50")]),
    ("ServiceRequest", [("status", "active"), ("_summary", "count")]),
    ("Task", [("owner:missing", "true"), ("status", "requested"), ("_count", "50")]),
    ("Patient", [("family", "zanzibarovna-12"), ("gender", "female")]),
    ("Patient", [("identifier", "urn:cin|cin-7")]),
    ("Patient", [("name:contains", "ovna-77")]),
]


def fill(store: SqlStore, number: int) -> None:
    """Patients with five referrals and five tasks each."""
    chance = random.Random(3)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    people = max(10, number // 11)
    for first in range(0, people, 100):
        with store.begin(CALLER) as tx:
            for n in range(first, min(first + 100, people)):
                subject = {"reference": f"Patient/p{n}"}
                tx.put(
                    {
                        "resourceType": "Patient",
                        "id": f"p{n}",
                        "identifier": [{"system": "urn:cin", "value": f"cin-{n}"}],
                        "name": [{"family": f"Zanzibarovna-{n}", "given": ["Ana"]}],
                        "gender": chance.choice(["female", "male"]),
                    }
                )
                for m in range(5):
                    authored = start + timedelta(minutes=chance.randrange(800_000))
                    tx.put(
                        {
                            "resourceType": "ServiceRequest",
                            "id": f"s{n}-{m}",
                            "status": chance.choice(["active", "active", "completed", "draft"]),
                            "category": [{"coding": [{"system": "urn:k", "code": chance.choice(["social", "other"])}]}],
                            "subject": subject,
                            "authoredOn": authored.isoformat(timespec="seconds"),
                        }
                    )
                    owner = {"owner": {"reference": "Organization/o1"}} if m else {}
                    focus = {"reference": f"ServiceRequest/s{n}-{m}"}
                    status = chance.choice(["requested", "accepted"])
                    tx.put(
                        {"resourceType": "Task", "id": f"t{n}-{m}", "status": status, "for": subject, "focus": focus}
                        | owner
                    )


def median(run: Callable[[], object]) -> float:
    """Median milliseconds of 30 runs."""
    taken = []
    for _ in range(30):
        begun = time.perf_counter()
        run()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=30_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    print(machine())
    rules = Search(Parameters(Definitions.load(PACKAGES)), types=sorted(SERVED), clock=lambda: datetime.now(UTC))
    with database(given.engine) as (url, _, _):
        store = gateway.store.open(url, clock=lambda: datetime.now(UTC), index=rules.entries)
        fill(store, given.resources)
        read = median(lambda: store.read(CALLER, "Patient", "p7"))
        print(f"{given.engine}, about {given.resources:,} resources; read by id {read:.3f} ms")
        for type, pairs in ASKED:
            parse = median(partial(rules.parse, type, pairs))
            query = rules.parse(type, pairs)
            found = store.search(CALLER, query)
            took = median(partial(store.search, CALLER, query))
            asked = "&".join(f"{name}={value}" for name, value in pairs)
            number = found.total if query.counts_only else len(found.matches)
            print(f"{took:8.2f} ms {took / read:7.1f}x  parse {parse:.3f} ms  {number:5} found  {type}?{asked}")
        store.close()


if __name__ == "__main__":
    main()
