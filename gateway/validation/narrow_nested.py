"""Resources inside a Bundle or Parameters that the fast way accepts, so that only what surrounds them is walked.

What was accepted by itself has no error by itself. Inside a Bundle a reference may lead to another entry, and only that
can tell more: the members of the resource in which such references stand are walked by the engine where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.accept import key_of
from gateway.validation.compiled import Json
from gateway.validation.run import MAX_ISSUES, Place, Run

if TYPE_CHECKING:
    from gateway.validation.accept import Acceptor
    from gateway.validation.hints import Hints
    from gateway.validation.narrowing import Narrowing


class Nested:
    def __init__(self, acceptor: Acceptor, narrowing: Narrowing, hints: Hints) -> None:
        self._acceptor = acceptor
        self._narrowing = narrowing
        self._hints = hints

    def errors(self, run: Run, resource: Json, place: Place) -> bool:
        """Whether every error of a resource inside another was reported here; where not, nothing was."""
        return self._looked_at(run, resource, place) is not None

    def everything(self, run: Run, resource: Json, place: Place) -> bool:
        """Whether everything there is to tell of a resource inside another was reported here; where not, it is all to
        be told, again or not."""
        names = self._looked_at(run, resource, place)
        if names is None:
            return False
        hints = self._hints.gather(resource, (), key_of(resource), without=names)
        if hints is None or len(run.found) + len(hints.issues) >= MAX_ISSUES:
            return False
        for issue, at, about in zip(hints.issues, hints.places, hints.about, strict=True):
            here = place if at is None else _inside(at, place)
            run.add(
                issue.severity, issue.code, issue.rule or "", issue.message, here, profile=issue.profile, about=about
            )
        return True

    def _looked_at(self, run: Run, resource: Json, place: Place) -> frozenset[str] | None:
        """The members of an accepted resource that were walked where they are; None where it was not accepted."""
        if not self._narrowing.may_narrow(resource, place[3]) or not self._acceptor.accepts(resource, eager=False):
            return None
        if not run.bundles:
            return frozenset()
        texts = {name: _texts(value) for name, value in resource.items()}
        names = frozenset(name for around in run.bundles for name in texts if around.may_mean(texts[name]))
        return self._narrowing.look_again(run, resource, place, names) if names else names


def _inside(at: Place, place: Place) -> Place:
    """A place in a resource by itself, where the resource is at a place in another."""
    above, member, index, shape = at
    return place if above is None else (_inside(above, place), member, index, shape)


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
