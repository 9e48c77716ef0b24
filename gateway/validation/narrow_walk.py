"""The engine's walk over some members of an object, what is refused in them, and the rules that speak of these."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.validation.accept_refused import Refused
from gateway.validation.compiled import MISSING, Json, Member, Profile, Rules, Shape
from gateway.validation.conformance import Item, Plan
from gateway.validation.elements import Plan as WalkPlan
from gateway.validation.invariants import Invariant
from gateway.validation.members import unknown
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_READS_ALL = re.compile(r"descendants\(|children\(|%|\$this|resolve\(")
_WORD = re.compile(r"[A-Za-z]+")
_MOST = 400
"""Combinations of type and profiles, and of members looked at, that are kept ready."""


class PartWalk:
    """Walks what was refused, where the rest of an object was accepted: what rules say of both is asked again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: dict[tuple[int, frozenset[str]], tuple[Invariant, ...]] = {}
        self._parts: dict[tuple[int, int, frozenset[str]], tuple[Plan, Plan]] = {}

    def members(self, run: Run, plan: WalkPlan, value: Json, place: Place, refused: Refused) -> frozenset[str]:
        """Check the members of an object that were refused, by its type; gives the names of what was looked at."""
        checks, within = plan.checks, refused.names
        if not within.keys() <= checks.keys():
            unknown(run, value, checks, place)
            within = {name: inner for name, inner in within.items() if name in checks}
        told = frozenset(within)
        if refused.whole or refused.missing:  # what must be beside a primitive's extensions is refused of all
            told = told.union(name for name in value if name.startswith("_") and name in checks)
        if not told:
            return told
        names = _around(told, plan.shape)
        for name in value:
            if name in names and name in checks:
                inner = within.get(name)
                if inner is None:
                    checks[name](run, value[name], value, place)
                else:
                    self._within(run, plan, name, inner, value, place)
        return names

    def _within(
        self, run: Run, plan: WalkPlan, name: str, within: dict[int | None, Refused | None], parent: Json, place: Place
    ) -> None:
        """Check what was refused in a member that holds objects."""
        member, one, values = plan.shape.members[name], plan.ones[name], parent[name]
        for index, refused in within.items():
            value = values if index is None else values[index]
            if refused is None:
                one(run, value, parent, place, index)
            else:
                assert member.shape is not None
                here: Place = (place, member, index, member.shape)
                inner = self._engine.walker.plan_of(member.shape)
                names = self.members(run, inner, value, here, refused)
                self.invariants(run, inner.constraints, value, here, names)
        if member.type == "Extension":
            self._engine.extensions.check_number(run, values, parent, place)

    def apply(
        self, run: Run, profile: Profile, value: Json, place: Place, refused: Refused, *, names: frozenset[str]
    ) -> None:
        """Check a resource against what a profile says of some of its members, and of what is not there; and against
        the invariants that read them (or against all)."""
        conformance, rules, shape = self._engine.conformance, profile.rules, place[3]
        if profile.is_type or shape is None or (profile.type != shape.name and profile.type not in shape.ancestors):
            return
        whole, missing = refused.whole, refused.missing
        if whole or _any_reads(rules, names | missing):
            conformance.root(run, rules, value, place)
        self._children(run, rules, value, place, refused, names=names)
        for imposed in profile.imposed:
            other = self._engine.profile(imposed, asked_in=profile.canonical)
            if other is not None:
                self.apply(run, other, value, place, refused, names=names)

    def _children(
        self, run: Run, rules: Rules, value: Json, place: Place, refused: Refused, *, names: frozenset[str]
    ) -> None:
        conformance, shape = self._engine.conformance, place[3]
        assert shape is not None
        touched, needed = self._parts_of(rules, shape, names)
        for child, members, idle in touched:
            within = None
            if len(members) == 1 and child.slicing is None:
                ((name, member),) = members.items()
                within = refused.names.get(name)
            if within is None:
                conformance.child(run, child, members, idle=idle, value=value, place=place)
            else:
                self._items(run, child, member, within, value[name], place)
        if refused.whole or refused.missing:
            there = value.keys()
            for child, members, _ in needed:
                if there.isdisjoint(members):
                    conformance.element(run, child, [], place)

    def _items(
        self,
        run: Run,
        rules: Rules,
        member: Member,
        within: dict[int | None, Refused | None],
        values: Any,
        place: Place,
    ) -> None:
        """Check what was refused in a member by the rules of its element."""
        conformance = self._engine.conformance
        shape = member.shape or self._engine.shapes.find(member.type)
        for index, refused in within.items():
            value = values if index is None else values[index]
            here: Place = (place, member, index, shape)
            if type(value) is not dict:
                continue
            if refused is None or not _only_of_members(rules):
                conformance.item(run, rules, Item(value, None, member, here))
                continue
            names = _around(frozenset(refused.names), shape)
            if _any_reads(rules, names):
                conformance.root(run, rules, value, here)
            self._children(run, rules, value, here, refused, names=names)

    def _parts_of(self, rules: Rules, shape: Shape, names: frozenset[str]) -> tuple[Plan, Plan]:
        """The rules about some members, and those of others that ask for something to be there."""
        key = (id(rules), id(shape), names)
        found = self._parts.get(key)
        if found is None:
            plan = self._engine.conformance.plan_of(rules, shape)
            found = ([one for one in plan if not names.isdisjoint(one[1])],
                     [one for one in plan if names.isdisjoint(one[1]) and not one[2]])  # fmt: skip
            keep(self._parts, key, found)
        return found

    def invariants(self, run: Run, all_: Any, value: Json, place: Place, names: frozenset[str] | None) -> None:
        if not all_:
            return
        read = all_ if names is None else self._reading.get((id(all_), names))
        if read is None:
            read = tuple(one for one in all_ if reads(one.constraint.expression, names))
            keep(self._reading, (id(all_), names), read)
        if read:
            self._engine.invariants.check(run, read, value, place)


def keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
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


def _only_of_members(rules: Rules) -> bool:
    """Whether rules say nothing of a value but what invariants and the rules of its members say."""
    said = (rules.fixed, rules.pattern, rules.min_value, rules.max_value)
    return all(one is MISSING for one in said) and not (
        rules.types is not None or rules.binding or rules.extras or rules.must_have_value or rules.value_alternatives
    )


def _any_reads(rules: Rules, names: frozenset[str]) -> bool:
    return bool(rules.constraints) and any(reads(one.expression, names) for one in rules.constraints)


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
