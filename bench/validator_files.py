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
from functools import partial
from pathlib import Path
from statistics import median

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
        walked = f"{len(rest)} walked{f' {_ratio(validator, rest):.0f}x' if rest else ''}"
        print(f"  {name:14} {len(quick):4} on the fast way {_ratio(validator, quick):5.1f}x, {walked}; "
              f"check() beside is_valid() {_telling(validator, quick)}")  # fmt: skip


def _telling(validator: Validator, sources: Sequence[bytes]) -> str:
    """How many times as long it takes to tell everything as to accept: of all together, of the median, of the worst."""
    accepting = telling = 0.0
    each: list[float] = []
    for value in map(codec.read, sources):
        validator.check(value)
        accept, tell = _best([partial(validator.is_valid, value), partial(validator.check, value)])
        accepting, telling = accepting + accept, telling + tell
        each.append(tell / accept)
    return f"{telling / accepting:.2f}x, the median {median(each):.2f}x, the worst {max(each):.1f}x"


def _best(runs: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of five of each, the least of rounds in which they take turns."""
    best = [float("inf")] * len(runs)
    for _ in range(7):
        for n, run in enumerate(runs):
            begun = time.thread_time()
            for _ in range(5):
                run()
            best[n] = min(best[n], time.thread_time() - begun)
    return best


def _ratio(validator: Validator, sources: Sequence[bytes]) -> float:
    bare = ours = 0.0
    for data in sources:
        loads, both = _best([partial(orjson.loads, data), partial(_decoded, validator, data)])
        bare, ours = bare + loads, ours + both
    return ours / bare if bare else 0.0


def _decoded(validator: Validator, data: bytes) -> bool:
    return validator.is_valid(codec.read(data))


def ndjson(mix: Sequence[bytes], count: int) -> None:
    """The command on files, start-up included and without it (what each further line takes), beside orjson.loads of the
    same lines in two processes. Modules are byte-compiled and schemas kept, as after the first start."""
    few = count // 10
    print(f"\nNDJSON, {count:,} lines of {len(mix)} kinds, `ecm-gateway validate` (two processes)")
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{place}/bytecode",
                       "ECM_CACHE": f"{place}/cache"}  # fmt: skip
        files = {lines: _written(Path(place) / f"{lines}.ndjson", mix, lines) for lines in (few, count)}
        bare, bare_busy = _bare(files[count], count)
        print(f"  {'orjson.loads':16} {bare:8,.0f} resources/s on the clock, {bare_busy:,.0f}/s by processor time")
        for told, options in (("--errors", ["--errors"]), ("everything told", []), ("--json", ["--json"])):
            _command(options, files[few], place, environment)  # what it compiles is kept
            short, short_busy = _command(options, files[few], place, environment)
            spent, busy = _command(options, files[count], place, environment)
            further = 2 * (count - few) / (busy - short_busy)
            print(f"  {told:16} {count / spent:8,.0f} resources/s on the clock, {2 * count / busy:,.0f}/s by processor "
                  f"time; {few:,} in {short:.2f} s ({short_busy:.2f} of processors); further ones "
                  f"{(count - few) / (spent - short):,.0f}/s on the clock, {further:,.0f}/s by processor time, "
                  f"{further / bare_busy:.0%} of orjson.loads")  # fmt: skip


def _written(file: Path, mix: Sequence[bytes], count: int) -> Path:
    thousand = b"".join(mix[n % len(mix)] + b"\n" for n in range(1000))
    with file.open("wb") as stream:
        for _ in range(count // 1000):
            stream.write(thousand)
    return file


def _command(options: Sequence[str], file: Path, place: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds on the clock and of all processors."""
    command = [sys.executable, "-m", "gateway", "validate", *options, str(file)]
    begun, before = time.perf_counter(), _children()
    with (Path(place) / "out").open("wb") as out:
        subprocess.run(command, cwd=ROOT, stdout=out, check=True, env=environment)
    return time.perf_counter() - begun, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bare(file: Path, count: int) -> tuple[float, float]:
    """Lines that two processes decode in a second, on the clock and by processor time."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        spent = pool.starmap(_parse, [(file, half) for half in (0, 1)])
    return count / max(clock for clock, _ in spent), 2 * count / sum(busy for _, busy in spent)


def _parse(file: Path, half: int) -> tuple[float, float]:
    lines = file.read_bytes().splitlines()[half::2]
    begun, before = time.perf_counter(), time.process_time()
    for line in lines:
        orjson.loads(line)
    return time.perf_counter() - begun, time.process_time() - before
