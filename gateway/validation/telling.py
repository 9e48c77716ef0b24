"""What a run found, as it is told: each fault once, in the order of places, and where that is in the source."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from gateway.errors import Issue
from gateway.fhir.places import Pointer, Sought
from gateway.validation.cascades import may_follow, without_cascades
from gateway.validation.run import Place, Run, key_of, pointer

_NUMBERS = re.compile(r"(\d+)")


Told = tuple[Issue, Place | None, str]
"""An issue, its place, and what it is about (see `Run.add`)."""


def told_of(run: Run) -> list[Told]:
    """What a run found, in order, each fault once."""
    if not run.found:
        return []
    told: list[Told] = list(zip(run.found, run.places, run.about, strict=False))
    if len(told) > 1 and run.failed:
        told = without_cascades(told)
    told += [(issue, None, "") for issue in run.found[len(run.places) :]]
    if len(told) > 1:
        told.sort(key=_order)
    return told


class _Hints(NamedTuple):
    """What issues that are told where there is no error are known by (`Run.seen`), their order, and the members of the
    resource in which those are that may follow from an error (None: the resource itself)."""

    keys: frozenset[tuple[str | None, str, str]]
    orders: list[tuple[Any, ...]]
    following: frozenset[str | None]


@dataclass(slots=True, eq=False)
class Listed:
    """Issues as they are told, and the place of each and what it is about."""

    issues: Sequence[Issue]
    places: Sequence[Place | None]
    about: Sequence[str]
    _ways: list[Pointer | None] | None = None
    _hints: _Hints | None = None
    _sought: Sought | None = None

    def ways(self) -> list[Pointer | None]:
        """The places as members and indexes of the JSON."""
        if self._ways is None:
            self._ways = [None if place is None else pointer(place) for place in self.places]
        return self._ways

    def hints(self) -> _Hints:
        """The issues, which are no errors, to be told beside some."""
        if self._hints is None:
            listed = list(zip(self.issues, self.places, self.about, strict=True))
            tops = (_top(place) for issue, place, _ in listed if may_follow(issue))
            keys = frozenset(key_of(issue) for issue in self.issues)
            self._hints = _Hints(keys, [_order(told) for told in listed], frozenset(tops))
        return self._hints

    def sought(self) -> Sought:
        """The same, to be found in a source."""
        if self._sought is None:
            self._sought = Sought(way for way in self.ways() if way is not None)
        return self._sought


NOTHING = Listed((), (), ())


def listed(run: Run) -> Listed:
    if len(run.found) == len(run.places) == 1:
        return Listed(run.found, run.places, run.about)
    told = told_of(run)
    return Listed([one[0] for one in told], [one[1] for one in told], [one[2] for one in told])


def listed_beside(run: Run, hints: Listed, *, left_out: Callable[[Place | None], bool] | None = None) -> Listed:
    """What a run found and the hints that it does not have yet, but for those at places that are `left_out`."""
    known = hints.hints()
    following = known.following and not known.following.isdisjoint((None, *map(_top, run.places)))
    if following or left_out is not None or not run.seen.isdisjoint(known.keys):
        for issue, place, about in zip(hints.issues, hints.places, hints.about, strict=True):
            if left_out is None or not left_out(place):
                run.again(issue, place, about)
        return listed(run)
    told = told_of(run)
    issues, places, abouts = list(hints.issues), list(hints.places), list(hints.about)
    for one in reversed(told):  # what was found stands before hints at the same place
        at = bisect_left(known.orders, _order(one))
        issues.insert(at, one[0])
        places.insert(at, one[1])
        abouts.insert(at, one[2])
    return Listed(issues, places, abouts)


def _top(place: Place | None) -> str | None:
    """The member of the resource in which a place is."""
    name = None
    while place is not None and place[0] is not None:
        name, place = place[1].name, place[0]
    return name


def at(issue: Issue, place: tuple[int, int | None] | None) -> Issue:
    """The issue with line and column."""
    if place is None:
        return issue
    i, (line, column) = issue, place
    return Issue(i.severity, i.code, i.message, i.expression, i.rule, i.profile, line, column)


def nearest(places: dict[Pointer, tuple[int, int]], where: Pointer | None) -> tuple[int, int] | None:
    if where is None:
        return None
    while where and where not in places:
        where = where[:-1]
    return places.get(where)


_LOST = frozenset(("unknown-element", "unknown-attribute", "structure", "xml-namespace", "xml-text"))
"""Rules by which the reader of XML leaves out what it found."""
_MISSED = frozenset(("card-min", "ele-1", "resource-type"))


def told(issue: Issue, before: Sequence[Issue]) -> bool:
    """Whether the reader of XML has told the same fault at the same place, or why something is not there."""
    return any(
        b.expression == issue.expression and (b.rule == issue.rule or (b.rule in _LOST and issue.rule in _MISSED))
        for b in before
    )


def _order(entry: Told) -> tuple[Any, ...]:
    issue = entry[0]
    return (_place_order(issue.expression or ""), issue.rule or "", issue.message)


@lru_cache(maxsize=4096)
def _place_order(expression: str) -> tuple[tuple[int, str], ...]:
    """Items by their numbers, not by the digits of these."""
    parts = _NUMBERS.split(expression)
    return tuple((int(p), "") if i % 2 else (-1, p) for i, p in enumerate(parts))
