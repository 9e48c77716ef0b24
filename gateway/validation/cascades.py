"""One issue per fault: what follows from a value that is not even well-formed, or is another way to say what is told at
the same place, is not told beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.errors import Issue
from gateway.validation.run import Place, pointer

Found = tuple[Issue, Place | None, str]
"""(issue, its place, the member that is missing or too many or the invariant's expression)"""
Pointer = tuple[str | int, ...]

_FORM = frozenset(("json-array", "json-null", "json-object", "json-empty", "ele-1", "choice-one"))
_COUNTS = frozenset(("card-min", "slice-min", "binding-no-code"))
_OF_CONTENT = frozenset(
    "binding-required binding-extensible binding-preferred binding-no-code code-unknown coding-system fixed pattern "
    "identifier-system identifier-value slice-closed profile-none reference-profile reference-form ref-1".split()
)

_AGAIN = {
    "ext-1": {("card-min", "value"), ("card-max", "value"), ("card-max", "extension")},
    "sqty-1": {("card-max", "comparator")},
    "binding-no-code": {("card-min", "coding"), ("card-min", "code")},
    "extension-max": {("slice-max", "extension"), ("slice-max", "modifierExtension")},
}
"""Issues that say, in other words, what another one (rule, member) says at the same place."""
_PAIRED = frozenset(rule for others in _AGAIN.values() for rule, _ in others)


def without_cascades(found: list[Found]) -> list[Found]:
    """`found` without issues that follow from a malformed value told at the same place or inside it, and without those
    that say again what another one says."""
    found = _said_once(found)
    broken = [pointer(place) for issue, place, _ in found if place is not None and _malformed(issue)]
    if not broken:
        return found
    return [entry for entry in found if _malformed(entry[0]) or not _follows(entry, broken)]


def _said_once(found: list[Found]) -> list[Found]:
    """`found` without what two rules say of one fault."""
    at: dict[str | None, set[tuple[str | None, str]]] = {}
    kept = []
    for issue, _, about in found:
        if issue.rule in _PAIRED and issue.is_error:
            at.setdefault(issue.expression, set()).add((issue.rule, about))
    typed: set[str | None] = set()
    for entry in found:
        issue = entry[0]
        beside = at.get(issue.expression, set())
        if issue.rule in _AGAIN and not beside.isdisjoint(_AGAIN[issue.rule]):
            continue
        if issue.rule == "type" and issue.expression in typed:
            continue
        if issue.rule == "type":
            typed.add(issue.expression)
        kept.append(entry)
    return kept


def _malformed(issue: Issue) -> bool:
    return issue.is_error and issue.rule is not None and (issue.rule in _FORM or issue.rule.startswith("type-"))


def _follows(entry: Found, broken: list[Pointer]) -> bool:
    issue, place, about = entry
    if place is None:
        return False
    here = pointer(place)
    inside = [b[len(here) :] for b in broken if b[: len(here)] == here]
    if issue.rule in _OF_CONTENT and inside:
        return True
    if issue.rule in _COUNTS:
        return any(rest and _named(rest[0], about) for rest in inside)
    if issue.code == "invariant":
        return any(not rest or _mentioned(rest, about) for rest in inside)
    return False


def _named(step: str | int, about: str) -> bool:
    name = str(step).removeprefix("_")
    return name == about or (name.startswith(about) and name[len(about) : len(about) + 1].isupper())


def _mentioned(rest: Pointer, expression: str) -> bool:
    """Whether an invariant speaks of the broken member."""
    return any(_named(str(rest[0]), word) for word in _words(expression))


def _words(expression: str) -> Iterator[str]:
    for match in re.finditer(r"[A-Za-z]+", expression):
        yield match[0]
