"""What is to be told of a resource that has no error: warnings, preferences, what was not checked.

The engine once more, restricted: the same walk and the same checks, without those that can only find errors. It is run
only where it is known that there are none, or away from where they are, and tells what a walk over all tells
(`tests/properties/test_hints.py`). Answers about codes and extensions are remembered.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.errors import Issue
from gateway.validation.accept_refused import LookedItems
from gateway.validation.compiled import Json, Profile, Shape
from gateway.validation.datatypes import check_reference
from gateway.validation.elements import Plan
from gateway.validation.engine import Engine
from gateway.validation.extensions import Extensions
from gateway.validation.hint_plans import HintWalker
from gateway.validation.hint_rules import HintConformance
from gateway.validation.hint_values import again, hinting
from gateway.validation.members import Hook
from gateway.validation.run import MAX_ISSUES, Enough, Place, Run, root_place
from gateway.validation.telling import NOTHING, Listed, listed, listed_beside
from gateway.validation.vital_signs import vital_signs

_MOST = 400
"""Combinations of type and profiles that are kept ready."""
_REMEMBERED = 1_000
"""Lists of hints that are kept for one of these."""
_NO_RESOURCE: Json = {}
_NAMES: frozenset[str] = frozenset()
_NOTHING_THERE: Json = {}
"""Stands for an item that is looked at elsewhere."""
_LISTED = 40
"""Hints in one that is kept."""


@dataclass(slots=True, eq=False)
class _Program:
    """What there is to tell of resources of one type that claim the same profiles: `said` of the claims themselves,
    by `node` of the parts, and by the profiles of the resource as a whole."""

    scope: str | None
    said: Run
    node: Plan
    profiles: list[Profile]
    place: Place
    known: dict[tuple[Any, ...], Listed | None] = field(default_factory=dict)
    """What there is to tell, by what is met in a walk, and where: most resources of a kind tell the same."""
    runs: list[Run] = field(default_factory=list)
    """Runs that have ended and hold nothing, to be used again."""
    asks_more: bool = field(init=False)
    """Whether there is more to ask than what members and the type's own invariants tell."""

    def __post_init__(self) -> None:
        response = self.node.shape.name == "QuestionnaireResponse"
        self.asks_more = bool(self.said.found or self.profiles or response)


class Hints(Engine):
    """The engine without what can only find errors. `whole` decides wherever an error matters: which slice an item is
    of, whether a target conforms."""

    def __init__(self, whole: Engine) -> None:
        self.__dict__.update(whole.__dict__)
        self.extensions = _HintExtensions(self, whole.extensions)
        self.conformance: HintConformance = HintConformance(self, whole)
        hooks: dict[str, Hook] = {"Extension": self.extensions.check, "Coding": whole.coding, "Reference": _urn}
        self.walker: HintWalker = HintWalker(self, hooks)
        self._programs: dict[Hashable, _Program | None] = {}

    def gather(
        self, resource: Json, wanted: Sequence[Profile], key: Hashable, *, without: frozenset[str] = frozenset()
    ) -> Listed | None:
        """Every hint about a resource that has no error, but for some members. `key` stands for the resource's type and
        profiles. None where only a walk over all can tell."""
        program = self._ready(resource, wanted, key)
        return None if program is None else self._hinted(resource, _rest(resource, without), program)

    def add(
        self, run: Run, resource: Json, wanted: Sequence[Profile], key: Hashable, *, without: frozenset[str],
        items: LookedItems,
    ) -> Listed | None:  # fmt: skip
        """What a run found, and every hint about a resource but for its members `without`, and some items of others (or
        members of these)."""
        program = self._ready(resource, wanted, key)
        if program is None:
            return None
        part = _rest(resource, without)
        if items:
            part = dict(part)
            for name, left_out in items.items():
                part[name] = [
                    one if at not in left_out else _rest(one, left_out[at]) for at, one in enumerate(part[name])
                ]
        hints = self._hinted(resource, part, program, found=run.found)
        if hints is None or len(run.found) + len(hints.issues) >= MAX_ISSUES:
            return None
        whole = any(names is None for looked in items.values() for names in looked.values())
        return listed_beside(run, hints, left_out=partial(_among, items) if whole else None)

    def _hinted(self, resource: Json, part: Json, program: _Program, *, found: Sequence[Issue] = ()) -> Listed | None:
        """The hints about some members of a resource: known, where others have met the same. `found` are its errors."""
        run = self._run(resource, program)
        met: list[tuple[Any, Place | None]] = []
        run.later = met
        if found:
            run.found = list(found)
        node, place = program.node, program.place
        checks = node.checks
        try:
            for name in part:
                if name in checks:
                    checks[name](run, part[name], part, place)
            if node.constraints:
                self.invariants.check(run, node.constraints, resource, place)
            if program.asks_more:
                self._asked_more(run, resource, program)
        except (Enough, RecursionError):
            return None
        if not (found or run.memo or run.active or run.env or run.bundles):
            run.resource = run.root = run.top = _NO_RESOURCE
            run.later = None
            program.runs.append(run)
        if not met:
            return NOTHING
        if len(met) > _LISTED:
            return self._listed(resource, program, met)
        what = tuple(met)
        try:
            return program.known[what]
        except KeyError:
            if len(program.known) >= _REMEMBERED:
                program.known.clear()
            made = program.known[what] = self._listed(resource, program, met)
            return made

    def _listed(self, resource: Json, program: _Program, met: Sequence[tuple[Any, Place | None]]) -> Listed | None:
        """What was met, made issues as they are told; None where an error is among it, or too much."""
        run = self._run(resource, program)
        for what, place in met:
            again(run, what, place)
        return None if run.failed or len(run.found) >= MAX_ISSUES else listed(run)

    def _ready(self, resource: Json, wanted: Sequence[Profile], key: Hashable) -> _Program | None:
        try:
            return self._programs[key]
        except KeyError:
            return self._program(resource, wanted, key)

    def _run(self, resource: Json, program: _Program) -> Run:
        try:
            run = program.runs.pop()
        except IndexError:
            run = Run(self)
            run.root_place = program.place
            run.scope = program.scope
        run.resource = run.root = run.top = resource
        return run

    def _asked_more(self, run: Run, resource: Json, program: _Program) -> None:
        for issue in program.said.found:
            run.again(issue, program.place, "")
        for profile in program.profiles:
            self.conformance.root(run, profile.rules, resource, program.place)
        if program.node.shape.name == "QuestionnaireResponse":
            self.questionnaires.check_response(run, resource, program.place)

    def _program(self, resource: Json, wanted: Sequence[Profile], key: Hashable) -> _Program | None:
        if len(self._programs) >= _MOST:
            self._programs.clear()
        found = self._programs[key] = self._made(self.shapes[resource["resourceType"]], resource, wanted)
        return found

    def _made(self, shape: Shape, resource: Json, wanted: Sequence[Profile]) -> _Program | None:
        place, said = root_place(shape), Run(self)
        profiles = list(self.claims(said, resource, place))
        if shape.name == "Observation":
            vital = (self.profile(canonical, asked_in=None) for canonical in vital_signs(resource))
            profiles += [profile for profile in vital if profile is not None]
        profiles += wanted
        kept = [profile for profile in {one.canonical: one for one in profiles}.values() if not profile.is_type]
        if any(profile.imposed for profile in kept) or any(issue.is_error for issue in said.found):
            return None
        node = self.walker.node(shape, tuple(profile.rules for profile in kept))
        ruled = [profile for profile in kept if hinting(profile.rules.constraints)]
        return _Program(self.scope_of(resource, wanted), said, node, ruled, place)


class _HintExtensions(Extensions):
    """Extensions that are known to be right where they stand."""

    def __init__(self, engine: Hints, whole: Extensions) -> None:
        super().__init__(engine, whole.unknown, examples=whole.examples)

    def check(self, run: Run, value: Any, place: Place) -> None:
        url = value.get("url")
        if type(url) is str and ":" in url:
            self._defined(run, value, place)

    def _parts(self, run: Run, profile: Profile, value: Any, place: Place) -> None:
        pass

    def _placed(self, run: Run, profile: Profile, place: Place, *, modifier: bool) -> None:
        pass


def _rest(value: Json, without: frozenset[str] | None) -> Json:
    """An object without some of its members (None: all)."""
    if without is None:
        return _NOTHING_THERE
    return {name: inner for name, inner in value.items() if name not in without} if without else value


def _among(items: LookedItems, place: Place | None) -> bool:
    """Whether a place is one of the items of which all was looked at elsewhere, or in one."""
    if place is None:
        return False
    above: Place | None = place[0]
    while above is not None and above[0] is not None:
        place, above = above, above[0]
    return above is not None and items.get(place[1].name, {}).get(place[2], _NAMES) is None


def _urn(run: Run, value: Any, place: Place) -> None:
    reference = value.get("reference")
    if type(reference) is str and reference.startswith("urn:"):
        check_reference(run, value, place)
