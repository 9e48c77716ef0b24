"""Map one referral to its resources and back, in one run.

    python -m bench.mapping [--repeat 2000]

The referral that bench.over_http sends (an adult with a plan, a clinic's referral and two criteria), the same from her
family, and three of fixtures/: the least that a referral can say, a row of a plan's table, and one with every element
filled. The heap is kept as in a served worker. Ratios are to writing the same Bundle as JSON with orjson. The aim: p50
of mapping one referral at most 0.15 ms.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.machine import machine
from bench.over_http import referral_bytes
from gateway import heap
from gateway.domain.member import Organization
from gateway.doors.readers import Readers
from gateway.mapping import referral
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids

ROOT = Path(__file__).parents[1]
FAMILY = {
    "name": {"first": "Mira", "last": "Zanzibarovna"},
    "relationship": "member-or-family",
    "phones": [{"number": "+12135550177", "kind": "mobile"}],
}
CASES = ("over_http", "over_http by family", "json-minimal", "csv-kaiser-clean", "json-adult-filled")
CONTEXT = Context(
    ids=Ids(tenant="bench", salt=bytes(32)),
    now=datetime(2026, 3, 2, 17, 30, tzinfo=UTC),
    source=Source(name="bench", sha256="0" * 64, media_type="application/json"),
    operator=Organization(name="Bench"),
)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--repeat", type=int, default=2000)
    repeat = asked.parse_args().repeat
    with heap.loading():
        records = {case: _record(case) for case in CASES}
    print(machine())
    print(f"{'':34}{'resources':>10}{'p50 us':>9}{'p99 us':>9}{'x orjson':>10}")
    for case, record in records.items():
        bundle = referral.to_fhir(record, context=CONTEXT)
        assert referral.from_fhir(bundle) == record
        resources = len(bundle["entry"])
        yardstick = _line(f"{case}: orjson.dumps", resources, partial(orjson.dumps, bundle), repeat)
        _line(f"{case}: to FHIR", resources, partial(referral.to_fhir, record, context=CONTEXT), repeat, yardstick)
        _line(f"{case}: from FHIR", resources, partial(referral.from_fhir, bundle), repeat, yardstick)


def _record(case: str) -> Any:
    folder = ROOT / "fixtures" / "referrals" / case
    readers, today = Readers.load(ROOT / "mappings"), date(2026, 3, 2)
    if case.startswith("over_http"):
        sent = orjson.loads(referral_bytes(12_345_678))
        if case.endswith("family"):
            sent["referrer"] = FAMILY
        return readers.json("referral").read(orjson.dumps(sent), today=today).require()
    if case.startswith("csv-"):
        file = readers.table(case.split("-")[1], "referral").read((folder / "file.csv").read_bytes(), today=today)
        return file.rows[0].require()
    return readers.json("referral").read((folder / "body.json").read_bytes(), today=today).require()


def _line(name: str, resources: int, work: Callable[[], Any], repeat: int, yardstick: float | None = None) -> float:
    for _ in range(repeat // 10):
        work()
    gc.collect()
    times = []
    for _ in range(repeat):
        start = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - start)
    cuts = statistics.quantiles(times, n=100)
    p50, p99 = cuts[49] / 1000, cuts[98] / 1000
    print(f"{name:34}{resources:>10}{p50:>9.1f}{p99:>9.1f}{p50 / (yardstick or p50):>10.1f}")
    return p50


if __name__ == "__main__":
    main()
