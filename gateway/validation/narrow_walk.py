"""The engine's walk over some members of an object, what is refused in them, and the rules that speak of these."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.validation.accept_refused import Items, Refused, Within
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


class Look(NamedTuple):
    """What is looked at again where some members of a resource were refused: members, the type's invariants, and of
    each profile that applies its rules, whether those about the resource itself, those that speak of the members, and
    those that ask for others to be there."""

    names: frozenset[str]
    invariants: tuple[Invariant, ...]
    rules: tuple[tuple[Rules, bool, Plan, Plan], ...]


Looks = dict[tuple[frozenset[str], frozenset[str], bool], Look]
"""By the members that were refused, those that are missing, and whether the resource as a whole was."""


class PartWalk:
    """Walks what was refused, where the rest of an object was accepted: what rules say of both is asked again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: dict[tuple[int, frozenset[str]], tuple[Invariant, ...]] = {}
        self._parts: dict[tuple[int, int, frozenset[str]], tuple[Plan, Plan]] = {}

    def resource(
        self, run: Run, profiles: Sequence[Profile], value: Json, place: Place, refused: Refused, looks: Looks
    ) -> frozenset[str]:
        """Check a resource as far as it was refused; gives the names of the members looked at. `looks` are those known
        for its type and profiles."""
        plan = self._engine.walker.plan_of(place[3])  # type: ignore[arg-type]
        checks, within, whole = plan.checks, refused.names, refused.whole or bool(refused.missing)
        if not within.keys() <= checks.keys():
            unknown(run, value, checks, place)
            within = {name: inner for name, inner in within.items() if name in checks}
        told = frozenset(within)
        if whole:  # what must be beside a primitive's extensions is refused of all
            told = told.union(name for name in value if name.startswith("_") and name in checks)
        key = (told, refused.missing, refused.whole)
        look = looks.get(key)
        if look is None:
            look = self._look(plan, profiles, *key)
            keep(looks, key, look)
        if told:
            self._members(run, plan, value, place, within, look.names)
        if look.invariants:
            self._engine.invariants.check(run, look.invariants, value, place)
        conformance = self._engine.conformance
        for rules, itself, touched, needed in look.rules:
            if itself:
                conformance.root(run, rules, value, place)
            self._touched(run, touched, value, place, within)
            for child, members, _ in needed if whole else ():
                if value.keys().isdisjoint(members):
                    conformance.element(run, child, [], place)
        return look.names

    def _look(
        self, plan: WalkPlan, profiles: Sequence[Profile], told: frozenset[str], missing: frozenset[str], whole: bool
    ) -> Look:
        names = around(told, plan.shape)
        read = names | missing
        invariants = tuple(one for one in plan.constraints if whole or reads(one.constraint.expression, read))
        listed = []
        for profile in self._with_imposed(profiles, plan.shape):
            itself = whole or any(reads(one.expression, read) for one in profile.rules.constraints)
            listed.append((profile.rules, itself, *self._parts_of(profile.rules, plan.shape, names)))
        return Look(names, invariants, tuple(listed))

    def _with_imposed(self, profiles: Iterable[Profile], shape: Shape) -> Iterator[Profile]:
        """The profiles that hold for a shape, and those that they impose."""
        waiting, seen = list(profiles), set()
        while waiting:
            profile = waiting.pop(0)
            if profile.canonical in seen or profile.is_type or profile.type not in (shape.name, *shape.ancestors):
                continue
            seen.add(profile.canonical)
            yield profile
            imposed = (self._engine.profile(one, asked_in=profile.canonical) for one in profile.imposed)
            waiting += [one for one in imposed if one is not None]

    def _members(
        self, run: Run, plan: WalkPlan, value: Json, place: Place, within: dict[str, Within], names: frozenset[str]
    ) -> None:
        """Check some members of an object by its type."""
        checks = plan.checks
        for name in value:
            if name in names:
                inner = within.get(name)
                if inner is None:
                    checks[name](run, value[name], value, place)
                else:
                    self._within(run, plan, name, inner, value, place)

    def _object(self, run: Run, value: Json, place: Place, refused: Refused) -> None:
        """Check an object of the backbone as far as it was refused, by its type."""
        plan, within = self._engine.walker.plan_of(place[3]), refused.names  # type: ignore[arg-type]
        if not within.keys() <= plan.checks.keys():
            unknown(run, value, plan.checks, place)
            within = {name: inner for name, inner in within.items() if name in plan.checks}
        names = around(frozenset(within), plan.shape)
        self._members(run, plan, value, place, within, names)
        if plan.constraints:
            read = self._reading.get((id(plan), names))
            if read is None:
                read = tuple(one for one in plan.constraints if reads(one.constraint.expression, names))
                keep(self._reading, (id(plan), names), read)
            self._engine.invariants.check(run, read, value, place)

    def _within(self, run: Run, plan: WalkPlan, name: str, within: Items, parent: Json, place: Place) -> None:
        """Check what was refused in a member that holds objects."""
        member, one, values = plan.shape.members[name], plan.ones[name], parent[name]
        for index, refused in within.items():
            value = values if index is None else values[index]
            if refused is None:
                one(run, value, parent, place, index)
            else:
                self._object(run, value, (place, member, index, member.shape), refused)
        if member.type == "Extension":
            self._engine.extensions.check_number(run, values, parent, place)

    def _touched(self, run: Run, touched: Plan, value: Json, place: Place, within: dict[str, Within]) -> None:
        """Check the members that rules speak of, as far as these were refused."""
        for child, members, idle in touched:
            inner = None
            if len(members) == 1 and not child.choice:
                ((name, member),) = members.items()
                inner = within.get(name)
            if inner is None:
                self._engine.conformance.child(run, child, members, idle=idle, value=value, place=place)
            else:
                self._items(run, child, member, inner, value[name], place)

    def _items(self, run: Run, rules: Rules, member: Member, within: Items, values: Any, place: Place) -> None:
        """Check what was refused in a member by the rules of its element."""
        conformance = self._engine.conformance
        shape = member.shape or self._engine.shapes.find(member.type)
        for index, refused in within.items():
            value = values if index is None else values[index]
            here: Place = (place, member, index, shape)
            if type(value) is not dict:
                continue
            if refused is None or shape is None or not _only_of_members(rules):
                item = Item(value, None, member, here)
                if conformance.item(run, rules, item) and rules.slicing is not None:
                    conformance.slicer.check_one(run, rules, rules.slicing, item)
                continue
            names = around(frozenset(refused.names), shape)
            if rules.constraints and any(reads(one.expression, names) for one in rules.constraints):
                conformance.root(run, rules, value, here)
            self._touched(run, self._parts_of(rules, shape, names)[0], value, here, refused.names)

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


def keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
    if len(kept) >= _MOST:
        kept.clear()
    kept[key] = value


@lru_cache(maxsize=1024)
def around(names: frozenset[str], shape: Shape) -> frozenset[str]:
    """Members of an object, with the siblings of primitives and the other types of a choice."""
    said = ((name, shape.members.get(name.removeprefix("_"))) for name in names)
    groups = {one.group for name, one in said if one is not None and (one.primitive or name == one.name)}
    alike = [member for member in shape.members.values() if member.group in groups]
    beside = (one for one in alike if one.primitive and not (one.attribute or one.names_type))
    return frozenset([*(one.name for one in alike), *(f"_{one.name}" for one in beside)])


def _only_of_members(rules: Rules) -> bool:
    """Whether rules say nothing of a value but what invariants and the rules of its members say."""
    said = (rules.fixed, rules.pattern, rules.min_value, rules.max_value)
    return all(one is MISSING for one in said) and not (
        rules.types is not None
        or rules.binding
        or rules.extras
        or rules.must_have_value
        or rules.value_alternatives
        or rules.slicing
    )


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
