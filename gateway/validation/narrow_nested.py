"""Resources inside a Bundle or Parameters that the fast way accepts, so that only what surrounds them is walked.

What was accepted by itself has no error by itself. Inside a Bundle a reference may lead to another entry, and only that
can tell more: the members of the resource in which such references stand are walked by the engine where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.accept import Acceptor
    from gateway.validation.narrowing import Narrowing


class Nested:
    def __init__(self, acceptor: Acceptor, narrowing: Narrowing) -> None:
        self._acceptor = acceptor
        self._narrowing = narrowing

    def checked(self, run: Run, resource: Json, place: Place) -> bool:
        """Whether every error of a resource inside another was reported here; where not, nothing was."""
        if not self._narrowing.may_narrow(resource, place[3]) or not self._acceptor.accepts(resource, eager=False):
            return False
        if run.bundles:
            texts = {name: _texts(value) for name, value in resource.items()}
            names = {name for around in run.bundles for name in texts if around.may_mean(texts[name])}
            if names:
                self._narrowing.look_again(run, resource, place, frozenset(names))
        return True


def _texts(value: Any) -> list[str]:
    """All strings in a value."""
    found: list[str] = []
    stack = [value]
    while stack:
        one = stack.pop()
        kind = type(one)
        if kind is str:
            found.append(one)
        elif kind is dict:
            stack += one.values()
        elif kind is list:
            stack += one
    return found
