"""Part of validator.py: the validator from its start, on the published examples, and as a command on NDJSON."""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.validation import Validator

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT.parent / "shared" / "fhir"
SETS = {
    "us-core-6.1.0": ["hl7.fhir.us.core#6.1.0"],
    "us-core-7.0.0": ["hl7.fhir.us.core#7.0.0"],
    "us-core-8.0.0": ["hl7.fhir.us.core#8.0.0"],
    "sdohcc-2.3.0": ["hl7.fhir.us.core#3.1.1", "hl7.fhir.us.sdoh-clinicalcare#2.3.0"],
    "sdohcc-3.0.0": ["hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"],
}
_READY = """
import sys, time
begun = time.process_time()
sys.path.insert(0, {root!r})
from pathlib import Path
from gateway.fhir import codec
from gateway.validation import Validator
imported = time.process_time()
validator = Validator.load({packages!r}, cache=Path({cache!r}))
loaded = time.process_time()
for file in Path({resources!r}).glob("*.json"):
    assert validator.is_valid(codec.read(file.read_bytes()))
ready = time.process_time()
validator.acceptor.save()
rss = int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
print(f"{{ready:.2f}} s = interpreter {{begun:.2f}} + imports {{imported - begun:.2f}} + load {{loaded - imported:.2f}}"
      f" + first verdicts {{ready - loaded:.2f}}, RSS {{rss:.0f}} MB")
"""


def start(packages: Sequence[str], resources: Path) -> None:
    """From a new process to all our resources validated: from raw packages, and by condensed ones with an empty and a
    full cache file. Least processor time of three; modules are byte-compiled, as in an installed gateway."""
    raw = [str(PUBLISHED / "packages" / f"{package}.tgz") for package in packages]
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{place}/bytecode"}

        def once(names: Sequence[str], cache: str) -> str:
            code = _READY.format(root=str(ROOT), packages=list(names), cache=cache, resources=str(resources))
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                                  env=environment)  # fmt: skip
            return done.stdout.strip()

        once(packages, f"{place}/full")
        if all(Path(name).exists() for name in raw):
            print("Ready from raw packages (.tgz):   ", min(once(raw, f"{place}/raw{n}") for n in range(3)))
        print("Ready from packages, empty cache: ", min(once(packages, f"{place}/empty{n}") for n in range(3)))
        print("Ready from packages, full cache:  ", min(once(packages, f"{place}/full") for _ in range(5)))


def examples() -> None:
    """The published examples against their own packages: decoding and validating beside orjson.loads of the same."""
    if not (PUBLISHED / "examples").is_dir():
        print("\nPublished examples: not run (they are not beside the checkout)")
        return
    print("\nPublished examples, decode + profile + invariants as multiples of orjson.loads of the same bytes")
    for name, packages in SETS.items():
        validator = Validator.load([PUBLISHED / "packages" / f"{package}.tgz" for package in packages])
        sources = [file.read_bytes() for file in sorted((PUBLISHED / "examples" / name).glob("*.json"))]
        quick: list[bytes] = []
        rest: list[bytes] = []
        for data in sources:
            try:
                value = codec.read(data)
            except Malformed:
                continue
            for _ in range(50):  # more than narratives and schemas need to be compiled
                validator.is_valid(value)
            (quick if validator.acceptor.accepts(value) else rest).append(orjson.dumps(orjson.loads(data)))
        print(f"  {name:14} {len(quick):4} on the fast way {_ratio(validator, quick):5.1f}x, "
              f"{len(rest)} walked{f' {_ratio(validator, rest):.0f}x' if rest else ''}")  # fmt: skip


def _ratio(validator: Validator, sources: Sequence[bytes]) -> float:
    bare = ours = 0.0
    runs: list[Callable[[bytes], object]] = [orjson.loads, lambda data: validator.is_valid(codec.read(data))]
    for data in sources:
        best = [float("inf"), float("inf")]
        for _ in range(7):
            for n, run in enumerate(runs):
                begun = time.thread_time()
                for _ in range(5):
                    run(data)
                best[n] = min(best[n], time.thread_time() - begun)
        bare, ours = bare + best[0], ours + best[1]
    return ours / bare if bare else 0.0


def ndjson(mix: Sequence[bytes], count: int) -> None:
    """The command on a file, from its start to its end, beside orjson.loads of the same lines in two processes."""
    print(f"\nNDJSON, {count:,} lines of {len(mix)} kinds, `ecm-gateway validate` (two processes), start-up included")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "many.ndjson"
        file.write_bytes(b"".join(mix[n % len(mix)] + b"\n" for n in range(count)))
        for told, options in (("--errors", ["--errors"]), ("everything told", []), ("--json", ["--json"])):
            command = [sys.executable, "-m", "gateway", "validate", *options, str(file)]
            begun, before = time.perf_counter(), _children()
            with (Path(place) / "out").open("wb") as out:
                subprocess.run(command, cwd=ROOT, stdout=out, check=True)
            spent, busy = time.perf_counter() - begun, _children() - before
            _rate(told, count, spent=spent, busy=busy)
        begun, before = time.perf_counter(), _children()
        halves = [multiprocessing.get_context("spawn").Process(target=_parse, args=(file, half)) for half in (0, 1)]
        for one in halves:
            one.start()
        for one in halves:
            one.join()
        spent, busy = time.perf_counter() - begun, _children() - before
        _rate("orjson.loads", count, spent=spent, busy=busy)


def _rate(told: str, count: int, *, spent: float, busy: float) -> None:
    print(f"  {told:16} {count / spent:8,.0f} resources/s on the clock, {count / busy * 2:,.0f}/s by processor time")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parse(file: Path, half: int) -> Any:
    for line in file.read_bytes().splitlines()[half::2]:
        orjson.loads(line)
