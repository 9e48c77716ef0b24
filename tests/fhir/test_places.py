"""Line and column of parts of JSON: reckoned for what is written compactly, else read again; both say the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from gateway.fhir import codec
from gateway.fhir.places import Pointer, Sought

VALUES: list[Any] = [None, True, 1, -5, Decimal("1.50"), "x", 'é"\\\n', "日本", "", [], {}]
NAMES = ["a", "bé", 'c"d', "resourceType", "_x", "y"]


def locate(data: bytes, wanted: Iterable[Pointer], value: Any = None) -> dict[Pointer, tuple[int, int]]:
    return Sought(wanted).find(data, value=value)


def made(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth > 4 or kind < 0.3:
        return chance.choice(VALUES)
    if kind < 0.6:
        return [made(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(NAMES): made(chance, depth + 1) for _ in range(chance.randrange(5))}


def places(value: Any, way: Pointer = ()) -> Iterator[Pointer]:
    yield way
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*way, step))


def test_compact_sources_are_reckoned_as_they_are_read() -> None:
    chance = random.Random(7)
    for _ in range(1500):
        data = codec.compact(made(chance))
        assert data is not None
        value = codec.read(data)
        every = list(places(value))
        wanted = chance.sample(every, min(len(every), 5))
        wanted += [(*chance.choice(every), "gone"), (*chance.choice(every), 7)]
        assert locate(data, wanted, value=value) == locate(data, wanted)
        assert locate(data + b" \n", wanted, value=value) == locate(data, wanted)
        assert Sought(wanted).find(data, value=value, compactly=True) == locate(data, wanted)
        assert Sought(every).find(data, value=value, compactly=True) == locate(data, every), "one in the other"
        assert codec.compact(value) == data, "marks are taken away again"


def test_other_sources_are_read_again() -> None:
    value = {"a": [1, {"b": "é", "c": [True]}], "d": {"e": "x"}}
    wanted = list(places(value))
    for data in (json.dumps(value).encode(), json.dumps(value, indent=2).encode(), b" " + codec.write(value)):
        assert locate(data, wanted, value=codec.read(data)) == locate(data, wanted)
    assert locate(json.dumps(value, indent=2).encode(), [("d", "e")], value=value) == {("d", "e"): (12, 10)}
