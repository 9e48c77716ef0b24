"""The port for an external terminology server, and what keeps it from harming us: a cache, a deadline, a pause.

An adapter speaks to the server (`ValueSet/$validate-code`, https://hl7.org/fhir/R4/valueset-operation-validate-code.html)
and raises `TerminologyTrouble` for whatever goes wrong; `Guarded` around it never raises.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.validation.terminology import Membership


class TerminologyTrouble(Exception):
    """The terminology server did not answer in time, or not as it should."""


class TerminologyServer(Protocol):
    """Answers what is not known here."""

    def membership(self, value_set: str, system: str, code: str) -> Membership: ...


class RemoteTerminology(Protocol):
    """An adapter to an outside server: one question within `seconds`, or TerminologyTrouble."""

    def ask(self, value_set: str, system: str, code: str, *, seconds: float) -> Membership: ...


class Guarded:
    """A remote server behind a cache, a deadline a question, and a pause after trouble.

    `clock` counts seconds (monotonic). While paused, and after trouble, the answer is unknown.
    """

    def __init__(
        self,
        remote: RemoteTerminology,
        *,
        clock: Callable[[], float],
        seconds: float = 2.0,
        pause: float = 30.0,
        size: int = 10_000,
    ) -> None:
        self._remote = remote
        self._clock = clock
        self._seconds = seconds
        self._pause = pause
        self._size = size
        self._kept: OrderedDict[tuple[str, str, str], Membership] = OrderedDict()
        self._silent_until = float("-inf")

    def membership(self, value_set: str, system: str, code: str) -> Membership:
        from gateway.validation.terminology import Membership

        key = (value_set, system, code)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._clock() < self._silent_until:
            return Membership("unknown", "the terminology server is not being asked after trouble")
        try:
            found = self._remote.ask(value_set, system, code, seconds=self._seconds)
        except TerminologyTrouble:
            self._silent_until = self._clock() + self._pause
            return Membership("unknown", "the terminology server did not answer")
        self._kept[key] = found
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found
