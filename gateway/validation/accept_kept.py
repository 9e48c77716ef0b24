"""Which compiled schemas are kept, and when one is worth compiling: callers may claim any number of profiles.

What resources claim and nobody knows asks nothing, so all such claims share one schema. There is a most of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.validation.known_profiles import MAX_CANONICAL

Key = tuple[str, ...]
"""The type of a resource, and every profile that it is held to."""
Compiled = TypeVar("Compiled")

MOST = 400
"""Schemas that are kept compiled; each takes a megabyte or so."""
_MOST_KEYS = 4_000
"""Keys whose schema is known."""
_LONGEST_KEY = 40
"""Canonicals in a key; what claims more goes to the engine."""
_FEW = 2
"""Resources of a kind that are explained before it is compiled what is accepted: that takes as long as a hundred."""
_MANY = 100
"""The same once there are `MOST`, and older ones must make room."""


class Kept(Generic[Compiled]):
    """Compiled schemas by their name, and the keys that need them."""

    def __init__(self) -> None:
        self.ready: dict[Key, Compiled | None] = {}
        """None where the engine decides alone."""
        self._by_name: dict[str, Compiled | None] = {}
        self._met: dict[Key, int] = {}

    def worth_it(self, key: Key, *, eager: bool) -> bool:
        """Whether what a key needs shall be compiled now. Unless `eager`, the first few of a kind are not worth it."""
        if len(key) > _LONGEST_KEY or any(len(part) > MAX_CANONICAL for part in key):
            return False
        full = len(self._by_name) >= MOST
        return (eager and not full) or self._met_more_than(_MANY if full else _FEW, key)

    def _met_more_than(self, times: int, key: Key) -> bool:
        if len(self._met) > MOST:
            self._met.clear()
        self._met[key] = self._met.get(key, 0) + 1
        return self._met[key] > times

    def named(self, name: str, make: Callable[[], Compiled | None]) -> Compiled | None:
        """What is compiled under a name, now where it is not."""
        if name not in self._by_name:
            self._by_name[name] = make()
        return self._by_name[name]

    def make_room(self) -> None:
        """Let go of the older half where there are too many."""
        if len(self._by_name) >= MOST:
            for name in list(self._by_name)[: MOST // 2]:
                del self._by_name[name]
            self.ready.clear()
        if len(self.ready) >= _MOST_KEYS:
            self.ready.clear()
