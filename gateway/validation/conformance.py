"""The walk over an instance by a profile's rules, after its shape has been checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.validation.compiled import ANY_RESOURCE, MISSING, Json, Member, Profile, Rules, Shape
from gateway.validation.limits import check_limits
from gateway.validation.run import Place, Run
from gateway.validation.slicing import Slicer, said_by_slices
from gateway.validation.type_rules import TypeRules
from gateway.validation.values import holds, same
from gateway.validation.wording import called, times

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

MAX_CHAIN = 50
"""Profiles within profiles, through references, that are followed; beyond, it cannot be told whether they hold."""
_KNOWN, _TYPES, _VALUES, _LIMITS, _INVARIANTS, _CHILDREN = 1, 2, 4, 8, 16, 32
Plan = list[tuple[Rules, dict[str, Member], bool]]


class Item(NamedTuple):
    """One value of an element: `sibling` is a primitive's `_name` object; `value` is None when only that is there."""

    value: Any
    sibling: Json | None
    member: Member
    place: Place


class Conformance:
    """Applies compiled profiles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.slicer = Slicer(engine, self)
        self.types = TypeRules(engine, self)
        self._plans: dict[tuple[int, int], Plan] = {}
        self._invariants: dict[tuple[int, str], Any] = {}
        self._work: dict[int, int] = {}

    def apply(self, run: Run, profile: Profile, value: Json, place: Place) -> None:
        """Check an object against a profile's rules."""
        key = (id(value), profile.canonical)
        if key in run.active:
            return  # a profile that leads back to itself over the same data holds if nothing else breaks it
        shape = place[3]
        if shape is not None and profile.type != shape.name and profile.type not in shape.ancestors:
            run.error(
                "structure", "profile-type", f"The profile is for {profile.type}, not for {shape.name}.", place,
                profile=profile.canonical,
            )  # fmt: skip
            return
        run.active.add(key)
        try:
            self.root(run, profile.rules, value, place)
            self.children(run, profile.rules, value, place)
            for imposed in profile.imposed:
                self.apply_named(run, imposed, value, place, asked_in=profile.canonical)
        finally:
            run.active.discard(key)

    def apply_named(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None = None) -> None:
        """Check against a profile by canonical; one that is not known is said, not passed over."""
        profile = self._engine.profile(canonical, asked_in=asked_in)
        if profile is None:
            run.warn(
                "not-found", "profile-unknown", "A profile asked for here is not known, so it was not checked.", place,
                profile=canonical,
            )  # fmt: skip
        elif not profile.is_type:
            self.apply(run, profile, value, place)

    def conforms(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None) -> bool | None:
        """Whether an object meets a profile; None when the profile is not known. Nothing is reported."""
        profile = self._engine.profile(canonical, asked_in=asked_in)
        if profile is None:
            return None
        shape = place[3]
        if shape is not None and profile.type != shape.name and profile.type not in shape.ancestors:
            return False
        if profile.is_type:
            return True
        key = (id(value), profile.canonical)
        if key not in run.memo:
            if key in run.active:
                return True
            if len(run.active) > MAX_CHAIN:
                return None
            trial = run.trial()
            self.apply(trial, profile, value, place)
            run.memo[key] = not trial.failed
        return bool(run.memo[key])

    # Elements

    def children(self, run: Run, rules: Rules, value: Json, place: Place) -> None:
        shape = place[3]
        if shape is None:
            return
        for child, members, idle in self.plan_of(rules, shape):
            self.child(run, child, members, idle=idle, value=value, place=place)

    def child(
        self, run: Run, child: Rules, members: dict[str, Member], *, idle: bool, value: Json, place: Place
    ) -> None:
        found: list[Item] = []
        for name in value if len(members) > 2 else members:
            member = members.get(name)
            if member is not None and name in value:
                found += self.items(member, name, value, place)
        if found or not idle:
            self.element(run, child, found, place)

    def plan_of(self, rules: Rules, shape: Shape) -> Plan:
        return self._plans.get((id(rules), id(shape))) or self._plan(rules, shape)

    def _plan(self, rules: Rules, shape: Shape) -> Plan:
        """Per child: its rules, the JSON names of its values, and whether its absence breaks nothing."""
        plan = []
        for child in rules.children.values():
            members: dict[str, Member] = {}
            for member in self.named(child, shape):
                members[member.name] = member
                if member.primitive:
                    members[f"_{member.name}"] = member
            slicing = child.slicing
            idle = child.min == 0 and (slicing is None or not any(part.min for part in slicing.slices))
            plan.append((child, members, idle))
        self._plans[(id(rules), id(shape))] = plan
        return plan

    def items(self, member: Member, name: str, value: Json, place: Place) -> list[Item]:
        """The values of one member, in order; `name` is its JSON name, or `_name` where that stands alone."""
        here = value[name]
        if member.primitive:
            if name != member.name:
                return [] if member.name in value else self._primitives(member, None, here, place)
            return self._primitives(member, here, value.get(f"_{name}"), place)
        inner = member.shape or self._engine.shapes.find(member.type)
        if type(here) is list:
            return [self._item(member, v, place, i, inner) for i, v in enumerate(here) if type(v) is dict]
        return [self._item(member, here, place, None, inner)] if type(here) is dict else []

    def _item(self, member: Member, value: Json, place: Place, index: int | None, shape: Shape | None) -> Item:
        if member.type in ANY_RESOURCE:
            kind = value.get("resourceType")
            shape = self._engine.shapes.find(kind) if type(kind) is str else None
        return Item(value, None, member, (place, member, index, shape))

    def _primitives(self, member: Member, value: Any, sibling: Any, place: Place) -> list[Item]:
        element = self._engine.shapes.find("Element")
        if not member.many:
            if value is None and sibling is None:
                return []
            here = (place, member, None, element)
            return [Item(value, sibling if type(sibling) is dict else None, member, here)]
        values = value if type(value) is list else []
        siblings = sibling if type(sibling) is list else []
        return [
            Item(
                values[i] if i < len(values) else None,
                siblings[i] if i < len(siblings) and type(siblings[i]) is dict else None,
                member,
                (place, member, i, element),
            )
            for i in range(max(len(values), len(siblings)))
        ]

    def named(self, rules: Rules, shape: Shape) -> list[Member]:
        if rules.choice:
            return [m for m in shape.members.values() if m.group == f"{rules.name}[x]"]
        one = shape.members.get(rules.name)
        return [one] if one is not None else []

    def element(self, run: Run, rules: Rules, items: list[Item], place: Place) -> None:
        """All values of one element: their number, each of them, and their slices."""
        lacking = len(items) < rules.min and not said_by_slices(rules)
        if lacking:
            run.error(
                "required", "card-min", f"{called(rules)} must be there at least {times(rules.min)}.", place,
                profile=f"{rules.profile}#{rules.id}", about=rules.name,
            )  # fmt: skip
        if rules.max is not None and len(items) > rules.max:
            told = "must not be there" if rules.max == 0 else f"must be there at most {times(rules.max)}"
            run.error("structure", "card-max", f"{called(rules)} {told}.", place,
                      profile=f"{rules.profile}#{rules.id}", about=rules.name)  # fmt: skip
        fitting = [item for item in items if self.item(run, rules, item)]
        if rules.slicing is not None and not (rules.choice and len(fitting) < len(items)) and (items or not lacking):
            self.slicer.check(run, rules, rules.slicing, fitting, place)

    def item(self, run: Run, rules: Rules, item: Item) -> bool:
        """One value of an element; whether it has a type that the rules allow."""
        work = self._work.get(id(rules)) or self._to_do(rules)
        if work & _TYPES and rules.types is not None and not self.types.fit(run, rules, rules.types, item):
            return False
        if work & (_VALUES | _LIMITS):
            said = f"{rules.profile}#{rules.id}"
            self._values(run, rules, item.value, item.place, said)
            if work & _LIMITS:
                check_limits(run, rules, item, said)
            if rules.binding is not None and item.value is not None:
                self._engine.bindings.check(run, rules.binding, item.member.type, item.value, item.place, said)
        if work & _INVARIANTS and item.value is not None:
            self._hold(run, rules, item.value, item.place, item.member.type)
        if work & _CHILDREN:
            inner = item.value if type(item.value) is dict else item.sibling
            self.children(run, rules, inner or {}, item.place)
        return True

    def _to_do(self, rules: Rules) -> int:
        """Which kinds of rules there are, so that the others are not looked for at every value."""
        work = _KNOWN
        if rules.types is not None:
            work |= _TYPES
        if rules.fixed is not MISSING or rules.pattern is not MISSING or rules.binding is not None:
            work |= _VALUES
        lengths = rules.min_length is not None or rules.max_length is not None
        if rules.min_value is not MISSING or rules.max_value is not MISSING or lengths or rules.extras:
            work |= _LIMITS
        if rules.must_have_value or rules.value_alternatives:
            work |= _LIMITS
        if rules.constraints:
            work |= _INVARIANTS
        if rules.children:
            work |= _CHILDREN
        self._work[id(rules)] = work
        return work

    def root(self, run: Run, rules: Rules, value: Any, place: Place) -> None:
        self._values(run, rules, value, place, f"{rules.profile}#{rules.id}")
        if rules.constraints:
            self._hold(run, rules, value, place, rules.name)

    def _values(self, run: Run, rules: Rules, value: Any, place: Place, said: str) -> None:
        if rules.fixed is not MISSING and value is not None and not same(value, rules.fixed):
            run.error("value", "fixed", f"{rules.name} must have exactly the value that the profile fixes.", place,
                      profile=said)  # fmt: skip
        if rules.pattern is not MISSING and not holds(value, rules.pattern):
            run.error("value", "pattern", f"{rules.name} must contain the pattern that the profile gives.", place,
                      profile=said)  # fmt: skip

    def _hold(self, run: Run, rules: Rules, value: Any, place: Place, kind: str) -> None:
        focus = focus_of(kind, place)
        compiled = self._invariants.get((id(rules), focus))
        if compiled is None:
            compiled = self._engine.invariants.compile(rules.constraints, focus, f"{rules.profile}#{rules.id}")
            self._invariants[(id(rules), focus)] = compiled
        self._engine.invariants.check(run, compiled, value, place)


def focus_of(kind: str, place: Place) -> str:
    shape = place[3]
    return shape.name if shape is not None and shape.name != "Element" else kind
