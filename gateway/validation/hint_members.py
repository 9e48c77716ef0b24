"""Hints about the values of one member: one or many, remembered or told anew, and none of most.

A place is made only where there is something to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.validation.compiled import Json, Member, Shape
from gateway.validation.hint_values import Remembering, Teller, coding_key, concept_key, usual
from gateway.validation.members import MemberCheck
from gateway.validation.run import Place, Run

Checks = dict[str, MemberCheck]


def always(member: Member, shape: Shape, tell: Teller) -> MemberCheck:
    """Each value has to be looked at."""

    def every(run: Run, value: Any, parent: Json, place: Place) -> None:
        if type(value) is list:
            for index, item in enumerate(value):
                tell(run, item, (place, member, index, shape))
        else:
            tell(run, value, (place, member, None, shape))

    return every


def remembered(
    member: Member, shape: Shape | None, known: Remembering, *, answer: Callable[[Any, str | None], Any] | None = None
) -> MemberCheck:
    """What there is to tell of a value is mostly known. `answer` gives it, KeyError where it is not known."""
    learn, again, answer = known.learn, known.again, answer or _by_key(known)

    def one(run: Run, value: Any, parent: Json, place: Place) -> None:
        try:
            told = answer(value, run.scope)
        except (KeyError, TypeError, AttributeError):
            told = learn(run, value, (place, member, None, shape))
        if told:
            again(run, value, (place, member, None, shape), told)

    def many(run: Run, value: Any, parent: Json, place: Place) -> None:
        for index, item in enumerate(value):
            try:
                told = answer(item, run.scope)
            except (KeyError, TypeError, AttributeError):
                told = learn(run, item, (place, member, index, shape))
            if told:
                again(run, item, (place, member, index, shape), told)

    return many if member.many else one


def _by_key(known: Remembering) -> Callable[[Any, str | None], Any]:
    answers, key = known.answers, known.key
    return lambda value, scope: answers[key(value, scope)]


def concepts(member: Member, shape: Shape, known: Remembering) -> MemberCheck:
    """The same of CodeableConcepts: most have one coding with a system, a code and a display."""
    answers = known.answers

    def answer(value: Any, scope: str | None) -> Any:
        if (
            "coding" in value
            and len(value["coding"]) == 1
            and (len(value) == 1 or (len(value) == 2 and "text" in value))
        ):
            coding = value["coding"][0]
            return answers[usual(coding) if len(coding) == 3 else coding_key(coding, None)]
        return answers[concept_key(value, None)]

    return remembered(member, shape, known, answer=answer)


def references(member: Member, shape: Shape, tell: Teller, *, names: frozenset[str]) -> MemberCheck:
    """Nothing can be said of a Reference that has none of the members `names`, and is no urn."""
    disjoint = names.isdisjoint

    def one(run: Run, value: Any, parent: Json, place: Place) -> None:
        if not disjoint(value) or ("reference" in value and "urn:" in value["reference"]):
            tell(run, value, (place, member, None, shape))

    def many(run: Run, value: Any, parent: Json, place: Place) -> None:
        for index, item in enumerate(value):
            if not disjoint(item) or ("reference" in item and "urn:" in item["reference"]):
                tell(run, item, (place, member, index, shape))

    return many if member.many else one


def having(member: Member, shape: Shape, checks_of: Callable[[], Checks], *, names: frozenset[str]) -> MemberCheck:
    """All there is to tell of an object is told of its members `names`, by `checks_of` these."""
    disjoint, seldom = names.isdisjoint, shape.kind != "backbone"
    checks: Checks | None = None

    def one(run: Run, value: Any, parent: Json, place: Place) -> None:
        nonlocal checks
        if seldom and disjoint(value):
            return
        if checks is None:
            checks = checks_of()
        here = (place, member, None, shape)
        for name in value:
            if name in checks:
                checks[name](run, value[name], value, here)

    def many(run: Run, value: Any, parent: Json, place: Place) -> None:
        nonlocal checks
        for index, item in enumerate(value):
            if seldom and disjoint(item):
                continue
            if checks is None:
                checks = checks_of()
            here = (place, member, index, shape)
            for name in item:
                if name in checks:
                    checks[name](run, item[name], item, here)

    return many if member.many else one


def each_of(checks: list[MemberCheck]) -> MemberCheck:
    """Several checks of one member."""
    if len(checks) == 1:
        return checks[0]

    def every(run: Run, value: Any, parent: Json, place: Place) -> None:
        for check in checks:
            check(run, value, parent, place)

    return every
