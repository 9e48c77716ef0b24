"""One issue per fault: of two rules that say the same of one value, or of one member, one is told."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import Issue
from gateway.validation.run import Place, pointer

Found = tuple[Issue, Place | None, str]
"""(issue, its place, the member that is missing, unknown or too many or the invariant's expression)"""
Said = set[tuple[str | None, str]]
"""(rule, member) of what is told at one place"""
List = tuple[tuple[str | int, ...], str]
"""(the object, its member)"""

_AGAIN = {
    "ext-1": {("card-min", "value"), ("card-max", "value"), ("card-max", "extension")},
    "sqty-1": {("card-max", "comparator")},
    "binding-no-code": {("card-min", "coding"), ("card-min", "code")},
    "extension-max": {("slice-max", "extension"), ("slice-max", "modifierExtension")},
    "binding-required": {("fixed", ""), ("pattern", "")},
}
"""Issues that say, in other words, what another one (rule, member) says at the same place."""
_ONCE = frozenset(("type", "binding-required", "fixed", "pattern"))
"""Rules that profiles take over from each other: told once of a place, as what is asked first has it."""

_SAYING = frozenset(("card-min", "slice-min", *_AGAIN, *_ONCE))


def said_once(found: list[Found]) -> list[Found]:
    """`found` without what says of a fault what is told of it already."""
    if all(issue.rule not in _SAYING for issue, _, _ in found):
        return found
    at: dict[str | None, Said] = {}
    for issue, _, about in found:
        if issue.is_error:
            at.setdefault(issue.expression, set()).add((issue.rule, about))
    bare = frozenset(_bare(found))
    return list(_kept(found, at, bare))


def _kept(found: list[Found], at: dict[str | None, Said], bare: frozenset[List]) -> Iterator[Found]:
    told: set[tuple[str | None, str | None]] = set()
    for entry in found:
        issue, place, about = entry
        beside = at.get(issue.expression, set())
        if not issue.is_error:
            yield entry
            continue
        if issue.rule in _AGAIN and not beside.isdisjoint(_AGAIN[issue.rule]):
            continue
        if issue.rule == "card-min" and any(r == "unknown-element" and _a_type_of(about, name) for r, name in beside):
            continue
        if issue.rule == "slice-min" and place is not None and (pointer(place), about) in bare:
            continue
        if issue.rule in _ONCE:
            if (issue.expression, issue.rule) in told:
                continue
            told.add((issue.expression, issue.rule))
        yield entry


def _bare(found: list[Found]) -> Iterator[List]:
    """Lists (parent, member) in which an item lacks what must be there: it may be that by which its slice is told."""
    for issue, place, _ in found:
        if issue.rule == "card-min" and place is not None and place[0] is not None and place[2] is not None:
            yield pointer(place[0]), place[1].name


def _a_type_of(choice: str, name: str) -> bool:
    """Whether a member that is no element is meant as a choice, in a type that it does not have."""
    return bool(choice) and name.startswith(choice) and name[len(choice) : len(choice) + 1].isupper()
