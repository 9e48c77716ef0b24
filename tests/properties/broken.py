"""Resources broken at random, and the published sets and our own that are broken."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESOURCES = sorted((Path(__file__).parents[2] / "bench" / "resources").glob("*.json"))
"""Our own, one of each kind that the bench measures."""
SETS = {
    "us-core-6.1.0": ["hl7.fhir.us.core#6.1.0"],
    "us-core-7.0.0": ["hl7.fhir.us.core#7.0.0"],
    "us-core-8.0.0": ["hl7.fhir.us.core#7.0.0"],
    "sdohcc-3.0.0": ["hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"],
    "subscriptions-backport-r4-1.1.0": ["hl7.fhir.uv.subscriptions-backport.r4#1.1.0"],
}
ODD: list[Any] = [
    None,
    "",
    " ",
    "x",
    "a b",
    "http://",
    "#x",
    0,
    1.5,
    True,
    [],
    {},
    [None],
    {"a": 1},
    {"id": "x"},
    {"extension": []},
    "2021-02-30",
    "\u0085",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def broken(resource: Any, chance: random.Random) -> Any:
    """The resource with one thing taken away, doubled, renamed, moved or replaced."""
    made = copy.deepcopy(resource)
    path = chance.choice([p for p in places(made) if p])
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    match chance.randrange(7):
        case 0:
            del holder[last]
        case 1:
            holder[last] = chance.choice(ODD)
        case 2 if isinstance(holder, dict):
            holder[chance.choice(["_" + str(last), str(last) + "x", "extension", "id", "valueString"])] = holder[last]
        case 3 if isinstance(holder[last], str):
            holder[last] = chance.choice(
                [holder[last] + "x", holder[last][:-1], holder[last].upper(), holder[last] + " "]
            )
        case 4 if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        case 5:
            other = made
            for step in chance.choice([p for p in places(made) if p])[:-1]:
                other = other[step]
            if isinstance(other, dict):
                other[str(last) if isinstance(last, str) else "extension"] = copy.deepcopy(holder[last])
        case _:
            holder[last] = [holder[last]] if not isinstance(holder[last], list) else (holder[last] or [1])[0]
    return made
