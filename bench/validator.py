"""How fast the validator is: against the bare parser and against its peers, in one run.

    python bench/validator.py [--quick]

Decodes and validates our own resources (bench/resources) against the US Core 7.0.0 and SDOHCC 3.0.0 profiles they
claim, invariants included. Times are processor time of the thread, so that other load disturbs them little; ratios are
taken within the run. Peers that are not installed are printed as 'not run' (peers.py).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import time
import timeit
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # not bench/, whose modules have names of the standard library

import orjson  # noqa: E402

from bench import peers  # noqa: E402
from bench.machine import machine, rss  # noqa: E402
from bench.validator_faults import abreast, errors  # noqa: E402
from bench.validator_files import examples, ndjson, start  # noqa: E402
from gateway.fhir import codec  # noqa: E402
from gateway.validation import Validator  # noqa: E402

PACKAGES = ("hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0")
RESOURCES = Path(__file__).parent / "resources"
MIX = ("service-request", "care-team", "care-plan", "patient")


def best(run: Callable[[], object], *, number: int = 100, rounds: int = 15) -> float:
    """Microseconds of one run, the least of several rounds."""
    return min(timeit.repeat(run, number=number, repeat=rounds, timer=time.thread_time)) / number * 1e6


def table(validator: Validator, resources: Mapping[str, bytes], profiles: list[str]) -> None:
    print(
        "\nDecode + profile + invariants, µs (ratio to orjson.loads of the same bytes; how many times as fast as peers)"
    )
    print(f"{'':18}{'bytes':>7}{'orjson':>8}{'decode':>8}{'accept':>8}{'both':>8}{'ratio':>7}{'check()':>9}"
          f"{'fhir.res.':>12}{'medplum':>14}{'HAPI':>14}")  # fmt: skip
    rows = [_rows(validator, resources)]  # once more after each peer: the machine's speed changes
    base = peers.fhir_resources(resources)
    rows.append(_rows(validator, resources))
    node = peers.medplum(resources, profiles)
    rows.append(_rows(validator, resources))
    java = peers.hapi(resources, [p for p in PACKAGES if "6.1.0" not in p])
    for name in resources:
        bare, decode, accept, both, full = min((one[name] for one in rows), key=itemgetter(3))
        print(f"{name:18}{len(resources[name]):>7}{bare:>8.1f}{decode:>8.1f}{accept:>8.1f}{both:>8.1f}"
              f"{both / bare:>6.1f}x{full:>9.1f}{_times(base, name, both):>12}{_times(node, name, both):>14}"
              f"{_times(java, name, both):>14}")  # fmt: skip


def _rows(validator: Validator, resources: Mapping[str, bytes]) -> dict[str, tuple[float, float, float, float, float]]:
    return {name: _row(validator, data) for name, data in resources.items()}


def _row(validator: Validator, data: bytes) -> tuple[float, float, float, float, float]:
    value = codec.read(data)
    assert validator.acceptor.accepts(value), "the fast way must take this resource"
    bare, decode, accept, both = abreast(
        lambda: orjson.loads(data),
        lambda: codec.read(data),
        lambda: validator.is_valid(value),
        lambda: validator.is_valid(codec.read(data)),
    )
    return bare, decode, accept, both, best(lambda: validator.check(value), number=20)


def _times(peer: Mapping[str, float | None] | None, name: str, ours: float) -> str:
    if peer is None:
        return "not run"
    micros = peer.get(name)
    return "refused" if micros is None else f"{micros:,.0f} {micros / ours:,.0f}x"


def flatness(validator: Validator, resources: Mapping[str, bytes], count: int) -> None:
    lines = [resources[name] for name in MIX]
    windows: list[float] = []
    memory = 0.0
    for window in range(count // 1000):
        started = time.thread_time()
        for n in range(1000):
            validator.is_valid(codec.read(lines[n % 4]))
        windows.append((time.thread_time() - started) * 1000)
        if window == 1:
            memory = rss()
    first, last = min(windows[:5]), min(windows[-5:])
    print(f"\nFlat: the first thousands {first:.1f} µs each, those up to the {count:,}th {last:.1f} µs "
          f"({last / first:.2f}x); RSS {memory:.0f} -> {rss():.0f} MB")  # fmt: skip


def bundles(validator: Validator, resources: Mapping[str, bytes]) -> None:
    def bundle(count: int) -> dict[str, object]:
        entries = []
        for n in range(count):
            resource = json.loads(resources[MIX[n % 4]]) | {"id": f"x{n}"}
            entries.append(
                {"fullUrl": f"https://example.org/fhir/{resource['resourceType']}/x{n}", "resource": resource}
            )
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    small, large = bundle(100), bundle(1000)
    validator.check(small)
    cost = {count: best(partial(validator.is_valid, one), number=1, rounds=3) / count
            for count, one in ((100, small), (1000, large))}  # fmt: skip
    print(f"Bundle: {cost[100]:.0f} µs an entry of 100, {cost[1000]:.0f} of 1,000 ({cost[1000] / cost[100]:.2f}x)")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the long runs")
    quick = arguments.parse_args().quick
    versions = " ".join(f"{n} {importlib.metadata.version(n)}" for n in ("jsonschema-rs", "orjson", "fhir.resources"))
    print(machine() + ", " + versions)
    values = {p.stem: json.loads(p.read_bytes()) for p in sorted(RESOURCES.glob("*.json"))}
    resources = {name: orjson.dumps(value) for name, value in values.items()}
    profiles = [value["meta"]["profile"][0] for value in values.values()]
    start(PACKAGES, RESOURCES)
    validator = Validator.load(PACKAGES)
    table(validator, resources, profiles)
    flatness(validator, resources, 10_000 if quick else 100_000)
    errors(validator, resources)
    bundles(validator, resources)
    ndjson([resources[name] for name in MIX], 20_000 if quick else 200_000)
    examples()  # the last: it loads much


if __name__ == "__main__":
    main()
