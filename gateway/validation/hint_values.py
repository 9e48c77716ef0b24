"""Which rules can give a hint, and hints about codes and extensions, remembered by what these are."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import Issue
from gateway.validation.bindings import CODED, QUANTITIES
from gateway.validation.compiled import Binding, Constraint, Member
from gateway.validation.known_profiles import MAX_CANONICAL
from gateway.validation.run import Place, Run, expression

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

Teller = Callable[[Run, Any, Place], None]
"""Tells a run the hints about a value at its place."""
Key = Callable[[Any, str | None], Hashable]
"""Stands for a value, in a scope; raises where nothing simple does."""
_REMEMBERED = 5_000
"""Answers that one place keeps."""
_PLACES = 200
"""Issues that are kept made for one answer."""
_ABOVE: Place = (None, Member("", "", "", "", ""), None, None)
_ROOT: Place = (None, Member("", "", "", "", ""), None, None)
_NO_CODE = ("no coding",)
usual: Callable[[Any], Hashable] = itemgetter("system", "code", "display")


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


def code_key(value: Any, scope: str | None) -> Hashable:
    """All that hints about a code depend on; None where there is no value. TypeError where it is none."""
    if type(value) is not str and value is not None:
        raise TypeError
    return value


def coding_key(value: Any, scope: str | None) -> Hashable:
    """All that hints about a Coding depend on. What cannot be hashed is not simple."""
    if len(value) == 3:
        try:
            return usual(value)
        except KeyError:
            pass
    return (*value, *value.values())


def concept_key(value: Any, scope: str | None) -> Hashable:
    """All that hints about a CodeableConcept depend on: its codings, as one that is text only says nothing. TypeError
    where that is not simple; what cannot be hashed is not simple either."""
    if "coding" not in value:
        return _NO_CODE if len(value) == 1 and "text" in value else (*value, *value.values())
    if len(value) > 1 and (len(value) > 2 or "text" not in value):
        raise TypeError
    codings = value["coding"]
    if len(codings) == 1:
        return coding_key(codings[0], scope)
    return tuple([coding_key(coding, scope) for coding in codings])


def quantity_key(value: Any, scope: str | None) -> Hashable:
    """All that hints about the unit of a quantity depend on."""
    return value.get("system"), value.get("code")


def key_of(type: str) -> Key:
    """Stands for values of a type, as far as bindings are concerned."""
    if type in QUANTITIES:
        return quantity_key
    return {"CodeableConcept": concept_key, "Coding": coding_key}.get(type, code_key)


def digest(value: Any, scope: str | None) -> Hashable:
    """Stands for an extension as it is meant in a scope, without keeping what it says of anybody. TypeError where it
    is not simple."""
    return blake2b(orjson.dumps(value), digest_size=16).digest(), scope


@dataclass(slots=True, eq=False)
class _Told:
    """A hint to give again. `steps` lead down from the value; None: it is told of the resource."""

    issue: Issue
    about: str
    steps: tuple[tuple[Any, ...], ...] | None
    made: dict[str, Issue] = field(default_factory=dict)

    def tell(self, run: Run, place: Place) -> None:
        if self.steps is None:
            once = (self.issue.rule, id(run), id(run.root))
            if once in run.memo:
                return
            run.memo[once] = True
            place = run.root_place
        else:
            for step in self.steps:
                place = (place, *step)
        where = expression(place)
        issue = self.made.get(where)
        if issue is None:
            given = self.issue
            issue = Issue(given.severity, given.code, given.message, where, given.rule, given.profile)
            if len(self.made) < _PLACES:
                self.made[where] = issue
        run.again(issue, place, self.about)


_ASK: tuple[_Told, ...] = (_Told(Issue("information", "informational", ""), "", None),)
"""Stands for what must be asked each time."""


class Remembering:
    """A teller that is asked once for each `key`, as long as the answer depends on nothing else."""

    def __init__(self, engine: Engine, check: Teller, key: Key) -> None:
        self._engine, self._check = engine, check
        self.key = key
        self.answers: dict[Hashable, tuple[_Told, ...]] = {None: ()}

    def learn(self, run: Run, value: Any, place: Place) -> tuple[_Told, ...]:
        """What there is to tell of a value; `place` is one like that it has."""
        try:
            key = self.key(value, run.scope)
            known = self.answers.get(key)
        except (TypeError, AttributeError):
            return _ASK
        if known is not None:
            return known
        told = _learn(self._engine, self._check, value, place, run.scope) if self._engine.offline else _ASK
        if len(repr(key)) < MAX_CANONICAL:
            if len(self.answers) >= _REMEMBERED:
                self.answers.clear()
                self.answers[None] = ()
            self.answers[key] = told
        return told

    def tell(self, run: Run, value: Any, place: Place) -> None:
        """Tell a run the hints about a value at its place."""
        told = self.learn(run, value, place)
        if told:
            self.again(run, value, place, told)

    def again(self, run: Run, value: Any, place: Place, told: tuple[_Told, ...]) -> None:
        if told is _ASK:
            self._check(run, value, place)
        elif run.later is not None:
            run.later.append((told, place if len(told) > 1 or told[0].steps is not None else _ROOT))
        else:
            for one in told:
                one.tell(run, place)


def _learn(engine: Engine, check: Teller, value: Any, place: Place, scope: str | None) -> tuple[_Told, ...]:
    run = Run(engine)
    run.root_place, run.scope = _ROOT, scope
    here: Place = (_ABOVE, *place[1:])
    check(run, value, here)
    if run.env is not None:
        return _ASK  # FHIRPath was asked, which may look at all of the resource
    return tuple(
        _Told(issue, about, _steps(at, here))
        for issue, at, about in zip(run.found, run.places, run.about, strict=True)
    )  # fmt: skip


def _steps(place: Place | None, here: Place) -> tuple[tuple[Any, ...], ...] | None:
    steps: list[tuple[Any, ...]] = []
    while place is not None and place is not here:
        if place is _ROOT:
            return None
        steps.append(place[1:])
        place = place[0]
    return tuple(reversed(steps))


def again(run: Run, what: Any, place: Place | None) -> None:
    """List what was met in another run, which gathered it for later."""
    if type(what) is Issue:
        run.again(what, place, "")
    elif type(what[0]) is _Told:
        assert place is not None
        for one in what:
            one.tell(run, place)
    else:
        severity, code, rule, message, profile, about = what
        run.add(severity, code, rule, message, place, profile=profile, about=about)
