"""Value sets compiled to questions: is this code in, out, or can that not be known here?

https://hl7.org/fhir/R4/valueset.html#compositions. Truth has three values: True, False and None for unknown. A set is
the union of its includes without its excludes; an include is a system's codes (all, listed or filtered) that are also
in each value set it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.validation.terminology.check_digits import impossible
from gateway.validation.terminology.outer_bounds import surely_has
from gateway.validation.terminology.systems import Systems
from gateway.validation.terminology.truth import Truth, all_of, any_of

Json = dict[str, Any]
Memo = dict[str, set[tuple[str, str]] | None]


class Part(msgspec.Struct):
    """One include or exclude."""

    system: str | None
    version: str | None
    codes: frozenset[str] | None
    folded: frozenset[str]
    """The listed codes without regard to case."""
    filters: tuple[tuple[str, str, str], ...]
    value_sets: tuple[str, ...]
    broken: bool = False
    """It says nothing that could be decided."""


class ValueSet(msgspec.Struct):
    """A value set made ready for questions."""

    scope: str | None
    includes: Sequence[Part]
    excludes: Sequence[Part] = ()
    active_only: bool = False
    listed: frozenset[tuple[str, str]] | None = None
    """The codes of its own expansion, if it brings one that is whole."""


class Question(msgspec.Struct):
    """One code asked about, and why the answer could not be had."""

    system: str | None
    """None for a bare code, which is in when any system of the set has it."""
    code: str
    seen: dict[str, Truth] = {}
    reasons: set[str] = msgspec.field(default_factory=set)


class _Code(msgspec.Struct):
    code: str


class _Filter(msgspec.Struct):
    property: str
    op: str
    value: str


class _Include(msgspec.Struct):
    system: str | None = None
    version: str | None = None
    concept: list[_Code] | None = None
    filter: list[_Filter] = []
    valueSet: list[str] = []  # noqa: N815


class _Compose(msgspec.Struct):
    include: list[_Include] = []
    exclude: list[_Include] = []
    inactive: bool | None = None


class _Contains(msgspec.Struct):
    system: str = ""
    code: str | None = None
    abstract: bool = False
    contains: list[_Contains] = []


class _Expansion(msgspec.Struct):
    contains: list[_Contains] = []
    total: int = 0
    offset: int = 0


class _Resource(msgspec.Struct):
    compose: _Compose = msgspec.field(default_factory=_Compose)
    expansion: _Expansion | None = None


def compile_value_set(resource: Json, *, scope: str | None) -> ValueSet | None:
    """A ValueSet resource as a ValueSet; None when it is malformed."""
    try:
        read = msgspec.convert(resource, _Resource)
    except (msgspec.ValidationError, RecursionError):
        return None
    return ValueSet(
        scope=scope,
        includes=[_part(item) for item in read.compose.include],
        excludes=[_part(item) for item in read.compose.exclude],
        active_only=read.compose.inactive is False,
        listed=None if read.expansion is None else _listed(read.expansion),
    )


def _part(item: _Include) -> Part:
    codes = None if item.concept is None else frozenset(concept.code for concept in item.concept)
    return Part(
        system=item.system,
        version=item.version,
        codes=codes,
        folded=frozenset(code.casefold() for code in codes or ()),
        filters=tuple((each.property, each.op, each.value) for each in item.filter),
        value_sets=tuple(item.valueSet),
        broken=item.system is None and (not item.valueSet or codes is not None or bool(item.filter)),
    )


def _listed(expansion: _Expansion) -> frozenset[tuple[str, str]] | None:
    found: set[tuple[str, str]] = set()
    waiting = list(expansion.contains)
    seen = 0
    while waiting:
        item = waiting.pop()
        seen += 1
        if item.code is not None and not item.abstract:
            found.add((item.system, item.code))
        waiting += item.contains
    whole = seen and expansion.total <= seen and not expansion.offset
    return frozenset(found) if whole else None


class Sets:
    """Decides questions about value sets, looking nested ones up through `find`."""

    def __init__(self, systems: Systems, find: Any) -> None:
        self._systems = systems
        self._find = find

    def holds(self, value_set: ValueSet, question: Question) -> Truth:
        """Whether the code asked about is in `value_set`."""
        if value_set.includes:
            answer = any_of(self._in_part(part, value_set, question) for part in value_set.includes)
            if answer is not False and value_set.excludes:
                out = any_of(self._in_part(part, value_set, question) for part in value_set.excludes)
                answer = all_of((answer, None if out is None else not out))
            if answer is False and any(part.value_sets for part in value_set.includes) and value_set.listed:
                # the sets it names may have changed since (THO moved the codes of v2-0136); it was published with these
                return _in_list(value_set.listed, question) is True
            if answer is not None:
                return answer
        if value_set.listed is not None:
            return _in_list(value_set.listed, question)
        if not value_set.includes:
            question.reasons.add("the value set has no content here")
        return None

    def _in_part(self, part: Part, value_set: ValueSet, question: Question) -> Truth:
        if part.broken:
            question.reasons.add("the value set has a part without system")
            return None
        own = self._in_system(part, value_set, question) if part.system is not None else True
        if own is False:
            return False
        return all_of([own, *(self._in_named(url, value_set.scope, question) for url in part.value_sets)])

    def _in_system(self, part: Part, value_set: ValueSet, question: Question) -> Truth:
        assert part.system is not None
        if question.system is not None and question.system != part.system:
            return False
        code, scope = question.code, value_set.scope
        if part.codes is not None:
            listed = code in part.codes
            if not listed and code.casefold() in part.folded:
                listed = self._systems.ignores_case(part.system, version=part.version, scope=scope)
            answer: Truth = listed
        else:
            answer = self._systems.has(part.system, code, version=part.version, scope=scope)
        if answer is not False and part.filters:
            passed = [
                self._systems.passes(part.system, code, each, version=part.version, scope=scope)
                for each in part.filters
            ]
            answer = all_of([answer, *passed])
        if answer and value_set.active_only and self._systems.inactive(part.system, code, scope=scope):
            return False
        if answer is None and impossible(part.system, code):
            return False
        if answer is None:
            question.reasons.add(f"{part.system} is not wholly at hand")
        return answer

    def _in_named(self, url: str, scope: str | None, question: Question) -> Truth:
        if url in question.seen:
            return question.seen[url]
        question.seen[url] = None  # what it says while it is being asked: a set that includes itself adds nothing
        found = self._find(url, scope)
        if found is None:
            known = question.seen[url] = surely_has(url, question.system, question.code)
            if known is None:
                question.reasons.add(f"the value set {url} is not at hand")
            return known
        answer = self.holds(found, question)
        question.seen[url] = answer
        return answer

    # Listing

    def codes(self, value_set: ValueSet, *, most: int, memo: Memo | None = None) -> set[tuple[str, str]] | None:
        """All codes as (system, code), if they can be listed exactly: known, at most `most`, and case matters."""
        memo = {} if memo is None else memo
        if not value_set.includes:
            return None if value_set.listed is None else set(value_set.listed)
        found: set[tuple[str, str]] = set()
        for part in value_set.includes:
            some = self._codes_of(part, value_set, most=most, memo=memo)
            if some is None or len(found) + len(some) > most:
                return None
            found |= some
        for part in value_set.excludes:
            some = self._codes_of(part, value_set, most=most, memo=memo)
            if some is None:
                return None
            found -= some
        return found

    def _codes_of(self, part: Part, value_set: ValueSet, *, most: int, memo: Memo) -> set[tuple[str, str]] | None:
        if part.broken:
            return None
        sets: list[set[tuple[str, str]]] = []
        system, scope = part.system, value_set.scope
        if system is not None:
            own = self._systems.codes(system, part.codes, part.filters, version=part.version, scope=scope)
            if own is None or len(own) > most:
                return None
            if value_set.active_only:
                own = {code for code in own if not self._systems.inactive(system, code, scope=scope)}
            sets.append({(system, code) for code in own})
        for url in part.value_sets:
            if url not in memo:
                memo[url] = None  # a set that includes itself cannot be listed
                nested = self._find(url, scope)
                memo[url] = None if nested is None else self.codes(nested, most=most, memo=memo)
            some = memo[url]
            if some is None:
                return None
            sets.append(some)
        return set.intersection(*sets)


def _in_list(listed: frozenset[tuple[str, str]], question: Question) -> bool:
    if question.system is not None:
        return (question.system, question.code) in listed
    return any(code == question.code for _, code in listed)
