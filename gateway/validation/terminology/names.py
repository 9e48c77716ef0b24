"""What codes are called by value sets: R4's own have names that the code systems do not."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any, Protocol

Json = dict[str, Any]
Code = tuple[str, str]
"""(system, code)."""


class Sets(Protocol):
    """Where value sets come from (`gateway.packages.Definitions`)."""

    def resources(self, type: str) -> Iterator[Json]: ...


class SetNames:
    """The names that any value set at hand gives to a code; gathered when first asked for."""

    def __init__(self, definitions: Sets) -> None:
        self._definitions = definitions
        self._found: dict[Code, frozenset[str]] | None = None
        self._gathering = Lock()

    def of(self, system: str, code: str) -> frozenset[str]:
        with self._gathering:
            if self._found is None:
                self._found = _gather(self._definitions)
        return self._found.get((system, code), frozenset())


def _gather(definitions: Sets) -> dict[Code, frozenset[str]]:
    found: dict[Code, frozenset[str]] = {}
    for value_set in definitions.resources("ValueSet"):
        for key, name in _named(value_set):
            known = found.get(key)
            if known is None or name not in known:
                found[key] = (known or frozenset()) | {name}
    return found


def _named(value_set: Json) -> Iterator[tuple[Code, str]]:
    for part in _objects(value_set.get("compose"), "include"):
        system = part.get("system")
        for concept in _objects(part, "concept"):
            code = concept.get("code")
            for name in (concept.get("display"), *(one.get("value") for one in _objects(concept, "designation"))):
                if isinstance(system, str) and isinstance(code, str) and isinstance(name, str):
                    yield (system, code), name


def _objects(value: Any, name: str) -> list[Json]:
    listed = value.get(name) if isinstance(value, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
