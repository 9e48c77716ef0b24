"""The errors of a resource that the fast way refused, found where it refused them.

The fast way names the places that it does not accept. Only the members of the resource in which these lie are walked
by the engine, with the invariants that read them and what must be there; what the fast way accepts has no error, so
the rest is not looked at again. The checks are the engine's own: there is one truth, and what is found here is what a
walk over all finds (`tests/properties/test_narrowing.py`). Warnings elsewhere are not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.errors import BadProfile
from gateway.validation.accept import key_of
from gateway.validation.accept_refused import Refused
from gateway.validation.canonical import CHECKS
from gateway.validation.compiled import Json, Profile, Rules, Shape
from gateway.validation.conformance import Plan
from gateway.validation.invariants import Invariant
from gateway.validation.known_profiles import MAX_CANONICAL
from gateway.validation.members import unknown
from gateway.validation.run import Enough, Place, Run, root_place
from gateway.validation.vital_signs import vital_signs

if TYPE_CHECKING:
    from gateway.validation.accept import Acceptor
    from gateway.validation.engine import Engine

_WHOLE = frozenset(("Bundle", "Parameters", "Questionnaire", "QuestionnaireResponse", *CHECKS))
"""Types with rules of their own between their parts: always walked whole."""
_READS_ALL = re.compile(r"descendants\(|children\(|%|\$this|resolve\(")
_NOWHERE = Refused(frozenset(), frozenset(), whole=False)
_WORD = re.compile(r"[A-Za-z]+")


_MOST = 400
"""Combinations of type and profiles, and of members looked at, that are kept ready."""


class _Kind(NamedTuple):
    """What is the same for all resources of a type that claim the same profiles: `scope` and the profiles that the
    engine would apply."""

    scope: str | None
    profiles: tuple[Profile, ...]


class Narrowing:
    def __init__(self, engine: Engine, acceptor: Acceptor) -> None:
        self._engine = engine
        self._acceptor = acceptor
        self._kinds: dict[Hashable, _Kind] = {}
        self._reading: dict[tuple[int, frozenset[str]], tuple[Invariant, ...]] = {}
        self._parts: dict[tuple[int, int, frozenset[str]], tuple[Plan, Plan]] = {}

    def errors(self, resource: Any, wanted: Sequence[Profile], *, first: bool = False) -> Run | None:
        """A run with every error of a resource that was not accepted, if it has any (with the first one where that is
        enough); None when it must be walked whole to tell."""
        found = self.where(resource, wanted, first=first)
        return None if found is None else found[0]

    def where(
        self, resource: Any, wanted: Sequence[Profile], *, first: bool = False
    ) -> tuple[Run, frozenset[str]] | None:
        """The same, with the members in which everything was looked at."""
        kind = resource.get("resourceType") if type(resource) is dict else None
        shape = self._engine.shapes.find(kind) if type(kind) is str else None
        if shape is None or shape.name in _WHOLE or shape.abstract or shape.kind != "resource":
            return None
        if "contained" in resource or "_contained" in resource:
            return None
        run = Run(self._engine, first=first)
        run.resource = run.root = run.top = resource
        run.root_place = place = root_place(shape)
        try:
            told = self._narrowed(run, resource, place, shape, wanted)
        except Enough:
            told = frozenset() if first else None
        except RecursionError:
            told = None
        return None if told is None else (run, told)

    def _narrowed(
        self, run: Run, resource: Json, place: Place, shape: Shape, wanted: Sequence[Profile]
    ) -> frozenset[str] | None:
        """Report the errors; the members looked at, or None where not all errors were surely met."""
        walker = self._engine.walker
        plan = walker.plan_of(shape)
        strange = not resource.keys() <= plan.checks.keys()
        if strange and run.first:
            run.error("structure", "unknown-element", "A member here is no element.", place)
        elif strange:
            unknown(run, resource, plan.checks, place)
        if not plan.needed <= resource.keys() or plan.choices:
            walker.check_presence(run, plan, resource, place)
        known = {name: value for name, value in resource.items() if name in plan.checks} if strange else resource
        refused: Refused | None = _NOWHERE
        if not (strange and self._acceptor.accepts(known, wanted)):
            refused = self._acceptor.refused(known, wanted, first=run.first)
        if refused is None:
            return None
        if refused is _NOWHERE:
            return frozenset() if run.failed else None
        kind = self._kind(resource, wanted, shape)
        run.scope = kind.scope
        names, whole = refused.names, refused.whole
        if whole or refused.missing:  # what must be beside a primitive's extensions is refused of all
            names |= {name for name in resource if name.startswith("_")}
        names = _around(names, shape)
        for name in resource if names else ():
            if name in names and name in plan.checks:
                plan.checks[name](run, resource[name], resource, place)
        read = names | refused.missing
        self._invariants(run, plan.constraints, resource, place, None if whole else read)
        for profile in kind.profiles:
            self._apply(run, profile, resource, place, names, read=None if whole else read)
        return names if run.failed or not (whole or refused.missing or run.first) else None

    def _apply(
        self, run: Run, profile: Profile, value: Json, place: Place, names: frozenset[str], *,
        read: frozenset[str] | None,
    ) -> None:  # fmt: skip
        """Check a resource against what a profile says of some of its members, and of what is not there; and against
        the invariants that read some members (None: against all)."""
        conformance, rules, shape = self._engine.conformance, profile.rules, place[3]
        if profile.is_type or shape is None or (profile.type != shape.name and profile.type not in shape.ancestors):
            return
        if read is None or (rules.constraints and any(reads(one.expression, read) for one in rules.constraints)):
            conformance.root(run, rules, value, place)
        touched, needed = self._parts_of(rules, shape, names)
        for child, members, idle in touched:
            conformance.child(run, child, members, idle=idle, value=value, place=place)
        there = value.keys()
        for child, members, _ in needed:
            if there.isdisjoint(members):
                conformance.element(run, child, [], place)
        for imposed in profile.imposed:
            other = self._engine.profile(imposed, asked_in=profile.canonical)
            if other is not None:
                self._apply(run, other, value, place, names, read=read)

    def _parts_of(self, rules: Rules, shape: Shape, names: frozenset[str]) -> tuple[Plan, Plan]:
        """The rules about some members, and those of others that ask for something to be there."""
        key = (id(rules), id(shape), names)
        found = self._parts.get(key)
        if found is None:
            plan = self._engine.conformance.plan_of(rules, shape)
            found = ([one for one in plan if not names.isdisjoint(one[1])],
                     [one for one in plan if names.isdisjoint(one[1]) and not one[2]])  # fmt: skip
            _keep(self._parts, key, found)
        return found

    def _invariants(self, run: Run, all_: Any, value: Json, place: Place, names: frozenset[str] | None) -> None:
        read = all_ if names is None else self._reading.get((id(all_), names))
        if read is None:
            read = tuple(one for one in all_ if reads(one.constraint.expression, names))
            _keep(self._reading, (id(all_), names), read)
        if read:
            self._engine.invariants.check(run, read, value, place)

    def _kind(self, resource: Json, wanted: Sequence[Profile], shape: Shape) -> _Kind:
        try:
            key = key_of(resource, wanted)
            found = self._kinds.get(key)
        except (TypeError, KeyError):
            key, found = None, None
        if found is None:
            found = _Kind(self._engine.scope_of(resource, wanted), tuple(self._applying(resource, wanted, shape)))
            if key is not None and all(len(one) <= MAX_CANONICAL for one in key):
                _keep(self._kinds, key, found)
        return found

    def _applying(self, resource: Json, wanted: Sequence[Profile], shape: Shape) -> list[Profile]:
        """The profiles that the engine would apply, told of which elsewhere where they are not known."""
        meta = resource.get("meta")
        declared = meta.get("profile") if type(meta) is dict else None
        listed: list[str] = [one for one in declared if type(one) is str] if type(declared) is list else []
        if shape.name == "Observation":
            listed += vital_signs(resource)
        found = []
        for canonical in listed:
            with suppress(BadProfile):
                profile = self._engine.strictly(canonical)
                if profile is not None:
                    found.append(profile)
        return [*found, *wanted]


def _keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
    if len(kept) >= _MOST:
        kept.clear()
    kept[key] = value


@lru_cache(maxsize=1024)
def _around(names: frozenset[str], shape: Shape) -> frozenset[str]:
    """Members of a resource, with the siblings of primitives and the other types of a choice."""
    found: set[str] = set()
    for name in names:
        bare = str(name).removeprefix("_")
        member = shape.members.get(bare)
        group = member.group if member is not None else bare
        alike = [one.name for one in shape.members.values() if one.group == group] or [bare]
        found.update(alike)
        found.update(f"_{one}" for one in alike)
    return frozenset(found)


@lru_cache(maxsize=4096)
def reads(expression: str, names: frozenset[str]) -> bool:
    """Whether an invariant may read one of the members."""
    if not names:
        return False
    words = set(_WORD.findall(expression))
    return _READS_ALL.search(expression) is not None or any(
        name in words or any(name.startswith(word) and name[len(word) :][:1].isupper() for word in words)
        for name in names
    )
