"""What a resource with one error costs beside the same resource without it, for one error of every kind."""

from __future__ import annotations

import contextlib
import copy
import statistics
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gateway.errors import Invalid
from gateway.fhir import codec
from gateway.validation import Validator

Change = Callable[[Any], object]
Door = Callable[[object], object]

PLAIN: dict[str, Change] = {
    "a bad code": lambda r: r.update(status="nonsense"),
    "unknown member": lambda r: r.update(zebra=1),
    "missing member": lambda r: r.pop("subject"),
}
"""In a ServiceRequest."""
KINDS: dict[str, tuple[str, Change]] = {
    "unknown member": ("service-request", lambda r: r.update(zebra=1)),
    "unknown member of a part": ("patient", lambda r: r["contact"][0].update(zebra=1)),
    "missing member": ("service-request", lambda r: r.pop("subject")),
    "missing part": ("patient", lambda r: r["identifier"][0].pop("system")),
    "missing profile element": ("patient", lambda r: r.pop("name")),
    "required code": ("patient", lambda r: r.update(gender="x")),
    "bad date": ("patient", lambda r: r.update(birthDate="2021-02-30")),
    "bad date in a part": ("care-team", lambda r: r["participant"][2]["period"].update(start="2021-02-30")),
    "no array": ("care-plan", lambda r: r.update(category=r["category"][0])),
    "empty string": ("care-plan", lambda r: r.update(title="")),
    "null": ("task", lambda r: r.update(description=None)),
    "bad system": ("service-request", lambda r: r["category"][0]["coding"][0].update(system="a b")),
    "reference's type": ("service-request", lambda r: r["subject"].update(reference="Basic/1")),
    "reference deep": (
        "care-plan", lambda r: r["activity"][-1]["detail"]["performer"][0].update(reference="Basic/1"),
    ),
    "broken invariant": ("service-request", lambda r: r["occurrencePeriod"].update(start="2039-01-01")),
    "broken invariant of the resource": ("task", lambda r: r.update(lastModified="1999-01-01T00:00:00Z")),
    "wrong slice": ("care-plan", lambda r: r.update(category=[{"text": "x"}])),
    "extension twice": ("patient", lambda r: r["extension"].append(r["extension"][0])),
    "unknown extension": (
        "patient", lambda r: r["extension"].append({"url": "https://zebra.example/x", "valueString": "x"}),
    ),
    "value of an extension": ("patient", lambda r: r["extension"][0]["extension"][0].update(valueCoding={})),
    "narrative": ("care-team", lambda r: r["text"].update(div="<div>x</div>")),
    "wrong display": ("patient", lambda r: r["maritalStatus"]["coding"][0].update(display="Zebra")),
}  # fmt: skip


def abreast(*runs: Callable[[], object], number: int = 40, rounds: int = 40) -> list[float]:
    """Microseconds of each, the least of rounds in which they take turns, so that they see the same machine."""
    found = [float("inf")] * len(runs)
    for _ in range(rounds):
        for n, run in enumerate(runs):
            found[n] = min(found[n], timeit.timeit(run, number=number, timer=time.thread_time) / number * 1e6)
    return found


def errors(validator: Validator, resources: Mapping[str, bytes]) -> None:
    """What a resource with one error costs beside the valid one, by door."""
    doors: dict[str, Door] = {
        "check": validator.check,
        "is_valid": validator.is_valid,
        "require": suppressing(validator.require),
    }
    for told, change in PLAIN.items():
        good, bad = broken(validator, resources["service-request"], change)
        costs = []
        for name, door in doors.items():
            fine, wrong = abreast(partial(door, good), partial(door, bad))
            costs.append(f"{name}() {fine:.0f} -> {wrong:.0f} µs ({wrong / fine:.1f}x)")
        print(f"One error, {told}: " + ", ".join(costs))
    for name, door in doors.items():
        times = dict(sorted(_ratios(validator, resources, door), key=lambda pair: pair[1]))
        worst = ", ".join(f"{kind} {times[kind]:.1f}x" for kind in list(times)[-3:])
        within = sum(ratio <= 3 for ratio in times.values())
        print(f"One error of {len(times)} kinds: {name}() {statistics.median(times.values()):.1f}x in the median, "
              f"{within} within 3x; worst {worst}")  # fmt: skip


def _ratios(validator: Validator, resources: Mapping[str, bytes], door: Door) -> Iterator[tuple[str, float]]:
    for kind, (name, change) in KINDS.items():
        good, bad = broken(validator, resources[name], change)
        fine, wrong = abreast(partial(door, good), partial(door, bad), number=10, rounds=20)
        yield kind, wrong / fine


def broken(validator: Validator, data: bytes, change: Change) -> tuple[Any, Any]:
    """A valid resource and a broken one, which the validator has met so often that it is ready for them."""
    good = codec.read(data)
    bad = copy.deepcopy(good)
    change(bad)
    assert validator.is_valid(good)
    for _ in range(10):
        assert not validator.is_valid(bad)
    return good, bad


def suppressing(door: Door) -> Callable[[object], None]:
    """The door, with its refusals caught."""

    def quietly(value: object) -> None:
        with contextlib.suppress(Invalid):
            door(value)

    return quietly
