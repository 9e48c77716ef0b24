"""What a run found, as it is told: each fault once, in the order of places, and where that is in the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
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


class _Hint(NamedTuple):
    """What is told where there is no error, its place in the order, and what it is known by (`Run.seen`)."""

    told: Told
    order: tuple[Any, ...]
    key: tuple[str | None, str, str]


@dataclass(slots=True, eq=False)
class Listed:
    """Issues as they are told, and the place of each and what it is about."""

    issues: Sequence[Issue]
    places: Sequence[Place | None]
    about: Sequence[str]
    _ways: list[Pointer | None] | None = None
    _hints: tuple[list[_Hint], list[_Hint]] | None = None
    _sought: Sought | None = None

    def ways(self) -> list[Pointer | None]:
        """The places as members and indexes of the JSON."""
        if self._ways is None:
            self._ways = [None if place is None else pointer(place) for place in self.places]
        return self._ways

    def hints(self) -> tuple[list[_Hint], list[_Hint]]:
        """The issues, which are no errors, to be told beside some: those that may follow from these, and the others."""
        if self._hints is None:
            hints = [_Hint(told, _order(told), key_of(told[0]))
                     for told in zip(self.issues, self.places, self.about, strict=True)]  # fmt: skip
            self._hints = (
                [one for one in hints if may_follow(one.told[0])], [one for one in hints if not may_follow(one.told[0])]
            )  # fmt: skip
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
    following, others = hints.hints()
    if left_out is not None:
        following = [one for one in following if not left_out(one.told[1])]
        others = [one for one in others if not left_out(one.told[1])]
    seen = run.seen
    told: list[Told] = list(zip(run.found, run.places, run.about, strict=True))
    told += [one.told for one in following if one.key not in seen]
    if len(told) > 1 and run.failed:
        told = without_cascades(told)
    ordered = [(_order(one), one) for one in told]
    ordered += [(one.order, one.told) for one in others if one.key not in seen]
    ordered.sort(key=_first)
    return Listed([one[1][0] for one in ordered], [one[1][1] for one in ordered], [one[1][2] for one in ordered])


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


_first = itemgetter(0)


def _order(entry: Told) -> tuple[Any, ...]:
    issue = entry[0]
    return (_place_order(issue.expression or ""), issue.rule or "", issue.message)


@lru_cache(maxsize=4096)
def _place_order(expression: str) -> tuple[tuple[int, str], ...]:
    """Items by their numbers, not by the digits of these."""
    parts = _NUMBERS.split(expression)
    return tuple((int(p), "") if i % 2 else (-1, p) for i, p in enumerate(parts))
