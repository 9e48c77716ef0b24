"""One issue per fault: what follows from a value that is not even well-formed, or is another way to say what is told at
the same place, is not told beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.errors import Issue
from gateway.validation.run import Place, pointer
from gateway.validation.said_once import said_once

Found = tuple[Issue, Place | None, str]
"""(issue, its place, the member that is missing or too many or the invariant's expression)"""
Pointer = tuple[str | int, ...]

_FORM = frozenset(("json-array", "json-null", "json-object", "json-empty", "ele-1", "choice-one"))
_COUNTS = frozenset(("card-min", "slice-min", "binding-no-code"))
_OF_CONTENT = frozenset(
    "binding-required binding-extensible binding-preferred binding-no-code code-unknown coding-system fixed pattern "
    "identifier-system identifier-value slice-closed profile-none reference-profile reference-form ref-1".split()
)

_NO_CODE = frozenset(("binding-required", "binding-no-code"))
_READING = {
    "ucum": {"code", "system"}, "unit-system": {"system"}, "reference-type": {"reference", "type"},
    "display": {"code", "display", "system"}, "attachment-size": {"data", "size"}, "bundle-fullurl": {"fullUrl"},
    "attachment-hash": {"data", "hash"},
}  # fmt: skip
"""Rules of a value, and the members whose content they read."""
_OF_DEFINITIONS = ("definition-", "questionnaire-", "codesystem-", "searchparameter-", "operation-")


def without_cascades(found: list[Found]) -> list[Found]:
    """`found` without issues that follow from a malformed value told at the same place or inside it, and without those
    that say again what another one says."""
    errors = [entry for entry in found if entry[0].is_error]
    if len(errors) > 1:
        found = said_once(found)
        errors = [entry for entry in found if entry[0].is_error]
    broken = [pointer(place) for issue, place, _ in errors if place is not None and _malformed(issue)]
    unread = [*broken, *_unread(errors)]
    if not unread:
        return found
    return [e for e in found if not may_follow(e[0]) or _malformed(e[0]) or not _follows(e, broken, unread)]


def _unread(errors: list[Found]) -> Iterator[Pointer]:
    """Members that are missing, or have no code that is known: rules that read them say no more."""
    for issue, place, about in errors:
        if place is None:
            continue
        if issue.rule == "card-min":
            yield (*pointer(place), about)
        elif issue.rule in _NO_CODE:
            yield pointer(place)


def _malformed(issue: Issue) -> bool:
    """Whether an error is that a value is not even well-formed."""
    rule = issue.rule
    return rule is not None and (rule in _FORM or rule.startswith("type-")) and issue.is_error


def may_follow(issue: Issue) -> bool:
    """Whether an issue is of a kind that may follow from another one."""
    rule = issue.rule
    if rule is None:
        return False
    by_rule = rule in _OF_CONTENT or rule in _COUNTS or rule in _READING
    return by_rule or issue.code == "invariant" or rule.startswith(_OF_DEFINITIONS)


def _follows(entry: Found, broken: list[Pointer], unread: list[Pointer]) -> bool:
    issue, place, about = entry
    if place is None or issue.rule is None:
        return False
    here = pointer(place)
    inside = _below(here, broken)
    if issue.rule in _OF_CONTENT and inside:
        return True
    if issue.rule in _COUNTS:
        return any(rest and _named(rest[0], about) for rest in inside)
    if issue.code == "invariant":
        return any(not rest or _mentioned(rest, about) for rest in _below(here, unread))
    if issue.rule in _READING:
        return any(rest and rest[0] in _READING[issue.rule] for rest in inside)
    return issue.rule.startswith(_OF_DEFINITIONS) and any(len(rest) < 2 for rest in _below(here, unread))


def _below(here: Pointer, places: list[Pointer]) -> list[Pointer]:
    """The ways from a place to those of `places` that are there or inside it."""
    return [one[len(here) :] for one in places if one[: len(here)] == here]


def _named(step: str | int, about: str) -> bool:
    name = str(step).removeprefix("_")
    return name == about or (name.startswith(about) and name[len(about) : len(about) + 1].isupper())


def _mentioned(rest: Pointer, expression: str) -> bool:
    """Whether an invariant speaks of the broken member."""
    return any(_named(str(rest[0]), word) for word in _words(expression))


def _words(expression: str) -> Iterator[str]:
    for match in re.finditer(r"[A-Za-z]+", expression):
        yield match[0]
