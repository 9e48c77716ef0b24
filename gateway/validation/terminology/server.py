"""The port for an external terminology server, and what keeps it from harming us: a cache, a deadline, a pause.

An adapter speaks to the server (`ValueSet/$validate-code`, https://hl7.org/fhir/R4/valueset-operation-validate-code.html)
and raises `TerminologyTrouble` for whatever goes wrong; `Guarded` around it never raises.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from gateway.validation.terminology.membership import Membership

_LONGEST = 2_000
"""Characters of a code that is kept; longer ones are nobody's."""


class TerminologyTrouble(Exception):
    """The terminology server did not answer in time, or not as it should."""


class TerminologyServer(Protocol):
    """Answers what is not known here."""

    def membership(self, value_set: str, system: str, code: str) -> Membership: ...


class RemoteTerminology(Protocol):
    """An adapter to an outside server: one question within `seconds`, or TerminologyTrouble."""

    def ask(self, value_set: str, system: str, code: str, *, seconds: float) -> Membership: ...


class Guarded:
    """A remote server behind a cache, a deadline a question, and a pause after trouble. Serves all threads at once.

    `clock` counts seconds (monotonic). While paused, and after trouble, the answer is unknown. Trouble is whatever the
    adapter raises, an answer that is none, and one that took longer than `seconds`. However many questions there are,
    no more than `most` seconds are spent waiting in every `pause`.
    """

    def __init__(
        self,
        remote: RemoteTerminology,
        *,
        clock: Callable[[], float],
        seconds: float = 2.0,
        pause: float = 30.0,
        most: float = 10.0,
        size: int = 10_000,
    ) -> None:
        self._remote = remote
        self._clock = clock
        self._seconds = seconds
        self._pause = pause
        self._most = most
        self._size = size
        self._since = self._waited = 0.0
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str, str], Membership] = OrderedDict()
        self._silent_until = float("-inf")

    def membership(self, value_set: str, system: str, code: str) -> Membership:
        key = (value_set, system, code)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            started = self._clock()
            if started < self._silent_until:
                return Membership("unknown", "the terminology server is not being asked after trouble")
            if started - self._since > self._pause:
                self._since, self._waited = started, 0.0
            if self._waited > self._most:
                return Membership("unknown", "the terminology server takes too long")
        found = self._ask(key)
        with self._lock:
            took = self._clock() - started
            self._waited += took
            if found is None or took > self._seconds:
                self._silent_until = started + took + self._pause
            if found is None:
                return Membership("unknown", "the terminology server did not answer")
            if len(code) < _LONGEST:
                self._kept[key] = found
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return found

    def _ask(self, key: tuple[str, str, str]) -> Membership | None:
        """The server's answer; None for whatever is none."""
        try:
            return checked(self._remote.ask(*key, seconds=self._seconds))
        except Exception:  # of an adapter that does not translate its errors
            return None


def checked(answer: Any) -> Membership | None:
    """What a server answered, in our words; None for what is no answer, and for "unknown"."""
    verdict = getattr(answer, "verdict", None)
    if verdict not in ("member", "not-member", "unknown"):
        return None
    reason = "the terminology server does not know" if verdict == "unknown" else ""
    return Membership(verdict, reason)
