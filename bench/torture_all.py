"""Every torture run, one after the other, as one table. Used by `python -m bench.torture all`."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial

from bench.torture import apply_steps, database, deliver_steps, kill9, pauses, receive_steps, write_steps
from bench.torture_deliver import Outcome, dead, drain, faults

Run = tuple[str, str, Callable[[], bool | Outcome]]
HANDS = 16


def run_all(engines: Sequence[str], *, seed: int, short: bool) -> bool:
    """Run everything and print a line for each; whether every promise was kept."""
    kept = True
    print(f"{'run':12}{'engine':12}{'seconds':>8}  {'verdict':8}what was seen")
    for name, engine, run in runs(engines, seed=seed, short=short):
        began = time.monotonic()
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                outcome = run()
        except (SystemExit, Exception) as error:  # a run that cannot end has kept nothing; the others go on
            print(f"{type(error).__name__}: {error}", file=said)
            outcome = False
        sound = outcome.sound if isinstance(outcome, Outcome) else outcome
        met = outcome.met if isinstance(outcome, Outcome) else True
        verdict = "BROKEN" if not sound else "kept" if met else "slow"
        lines = said.getvalue().splitlines() or [""]
        print(f"{name:12}{engine:12}{time.monotonic() - began:8.0f}  {verdict:8}{lines[0]}", flush=True)
        for line in lines[1:]:
            print(f"{'':42}{line}")
        kept &= sound
    print("every promise was kept" if kept else "BROKEN")
    return kept


def runs(engines: Sequence[str], *, seed: int, short: bool) -> Iterator[Run]:
    """What is run, shortest first."""
    kills, mixed, backlog, some = (6, 1_000, 4_000, 1_000) if short else (30, 5_000, 20_000, 2_000)
    for engine in engines:
        yield "write", engine, partial(write_steps, engine)
        yield "receive", engine, partial(receive_steps, engine)
        yield "apply", engine, partial(apply_steps, engine)
        yield "deliver", engine, partial(deliver_steps, engine)
        yield "paused", engine, partial(pauses, engine)
        yield "kill9", engine, partial(kill9, engine, kills=kills, seed=seed)
        yield "faults", engine, partial(fresh, faults, engine, mixed, seed)
        yield "drain", engine, partial(fresh, drain, engine, backlog, seed)
        yield "dead", engine, partial(dead, engine, some, seed, HANDS)


def fresh(run: Callable[[str, int, int, int], Outcome], engine: str, number: int, seed: int) -> Outcome:
    """Run on a database of its own."""
    with database(engine) as (url, _, _):
        return run(url, number, seed, HANDS)
