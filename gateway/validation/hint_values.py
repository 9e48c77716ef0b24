"""Which rules can give a hint, and hints about coded values, remembered by their codes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from gateway.errors import Severity
from gateway.validation.bindings import CODED, QUANTITIES
from gateway.validation.compiled import Binding, Constraint, Member
from gateway.validation.known_profiles import MAX_CANONICAL
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_Step = tuple[Member, int | None, Any]
Told = tuple[tuple[Severity, str, str, str, str | None, str, tuple[_Step, ...] | None], ...]
"""Hints as (severity, code, rule, message, profile, about, steps from the value down; None: told of the resource)."""
_REMEMBERED = 5_000
"""Answers that one place keeps."""
_ABOVE: Place = (None, Member("", "", "", "", ""), None, None)
_ROOT: Place = (None, Member("", "", "", "", ""), None, None)
_NO_CODE = ("no coding",)


def hinting(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """Those whose breach is no error."""
    return tuple(one for one in constraints if one.severity != "error" or one.best_practice)


def binding_hints(engine: Engine, binding: Binding | None, type: str, scope: str | None) -> bool:
    """Whether something may be said of a code that breaks no rule: all but required codes of a set that is listed."""
    if binding is None or type not in CODED:
        return False
    if binding.maximum or binding.extra or type in QUANTITIES:
        return True
    if binding.strength == "example":
        return False
    return binding.strength != "required" or engine.terminology.codes(binding.value_set, scope=scope) is None


def coded_key(value: Any) -> Hashable | None:
    """All that hints about a code, Coding or CodeableConcept depend on; None when that is not simple. What cannot be
    hashed is not simple either."""
    if type(value) is not dict:
        return value if type(value) is str else None
    codings = value.get("coding")
    if codings is None:
        return _NO_CODE if len(value) == 1 and "text" in value else (*value, *value.values())
    if len(value) > 1 and (len(value) > 2 or "text" not in value):
        return None
    if len(codings) == 1:
        return (*codings[0], *codings[0].values())
    return tuple([(*coding, *coding.values()) for coding in codings])


class Remembered:
    """What there is to tell about coded values, by where they stand and what codes they have."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Hashable, dict[Hashable, Told]] = {}

    def teller(self, where: Hashable) -> Callable[[Run, Any, Place, Callable[[Run, Place], None]], None]:
        """Tells about a value at a place, by a check that is asked once for each code."""
        known = self._known.setdefault(where, {})

        def tell(run: Run, value: Any, place: Place, check: Callable[[Run, Place], None]) -> None:
            try:
                key = coded_key(value)
                told = known.get(key)
            except (TypeError, AttributeError, KeyError):
                key = told = None
            if told is None:
                if key is None or not self._engine.offline:
                    check(run, place)
                    return
                told = self._learn(check, place)
                if len(repr(key)) < MAX_CANONICAL:
                    if len(known) >= _REMEMBERED:
                        known.clear()
                    known[key] = told
            for one in told:
                _tell(run, place, one)

        return tell

    def _learn(self, check: Callable[[Run, Place], None], place: Place) -> Told:
        run = Run(self._engine)
        run.root_place = _ROOT
        here: Place = (_ABOVE, *place[1:])
        check(run, here)
        return tuple(
            (issue.severity, issue.code, issue.rule or "", issue.message, issue.profile, about, _steps(at, here))
            for issue, at, about in zip(run.found, run.places, run.about, strict=True)
        )


def _steps(place: Place | None, here: Place) -> tuple[_Step, ...] | None:
    steps: list[_Step] = []
    while place is not None and place is not here:
        if place is _ROOT:
            return None
        steps.append(place[1:])
        place = place[0]
    return tuple(reversed(steps))


def _tell(run: Run, place: Place, told: Any) -> None:
    severity, code, rule, message, profile, about, steps = told
    if steps is None:
        once = (rule, id(run), id(run.root))
        if once in run.memo:
            return
        run.memo[once] = True
        place = run.root_place
    else:
        for step in steps:
            place = (place, *step)
    run.add(severity, code, rule, message, place, profile=profile, about=about)
