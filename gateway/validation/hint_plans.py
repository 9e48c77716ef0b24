"""What can give a hint in objects of a shape to which rules of profiles apply, as one walk over both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import ANY_RESOURCE, Json, Member, Rules, Shape
from gateway.validation.conformance import Item
from gateway.validation.elements import Plan, Walker
from gateway.validation.hint_members import always, concepts, each_of, having, references, remembered
from gateway.validation.hint_values import Remembering, Teller, binding_hints, code_key, digest, hinting, key_of
from gateway.validation.members import Hook, MemberCheck
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.hints import Hints

_CODED = frozenset(("CodeableConcept", "Coding"))


class HintWalker(Walker):
    """Walks the members that can give a hint."""

    def __init__(self, engine: Hints, hooks: dict[str, Hook]) -> None:
        super().__init__(engine, hooks)
        self._hints = engine
        self._nodes: dict[tuple[int, ...], Plan] = {}

    def walk(self, run: Run, value: Json, place: Place) -> None:
        shape = place[3]
        assert shape is not None
        self.through(run, self.node(shape), value, place)

    def through(self, run: Run, node: Plan, value: Json, place: Place) -> None:
        """Tell the hints about an object and its members."""
        self.members(run, node, value, place)
        if node.hook is not None:
            node.hook(run, value, place)
        if node.constraints:
            self._engine.invariants.check(run, node.constraints, value, place)

    def members(self, run: Run, node: Plan, value: Json, place: Place) -> None:
        checks = node.checks
        for name in value:
            if name in checks:
                checks[name](run, value[name], value, place)

    def node(self, shape: Shape, rules: tuple[Rules, ...] = ()) -> Plan:
        key = (id(shape), *map(id, rules))
        return self._nodes.get(key) or self._build(key, shape, rules)

    def _build(self, key: tuple[int, ...], shape: Shape, rules: tuple[Rules, ...]) -> Plan:
        node = Plan(shape, self._hooks.get(shape.name))
        for member in shape.members.values():
            if member.name == "resourceType" or member.type in ANY_RESOURCE:
                continue
            below = self._hints.conformance.below(rules, member, shape)
            if member.primitive:
                self._primitives(node, member, below)
            else:
                node.checks[member.name] = self._one(member, below)
        node.constraints = self._engine.invariants.compile(hinting(shape.constraints), shape.name)
        self._nodes[key] = node
        return node

    def _names(self, shape: Shape, below: tuple[Rules, ...]) -> frozenset[str]:
        """The members about which there may be something to tell."""
        members = shape.members.values()
        names = {one.name for one in members if not one.primitive or self._binds(one) or hinting(one.constraints)}
        names |= {one.name for one in members if self._hints.conformance.below(below, one, shape)}
        return frozenset(names | {f"_{one.name}" for one in members if one.primitive})

    # Primitives

    def _primitives(self, node: Plan, member: Member, below: tuple[Rules, ...]) -> None:
        own, beside = self._hinting_primitive(member), self._sibling(member)
        conformance = self._hints.conformance

        bound = [
            remembered(member, None, conformance.bound(one, member.type))
            for one in below
            if conformance.only_binds(one)
        ]
        rest = [one for one in below if not conformance.only_binds(one)]

        def ruled(name: str) -> MemberCheck:
            def each(run: Run, value: Any, parent: Json, place: Place) -> None:
                for rules in rest:
                    for item in conformance.items(member, name, parent, place):
                        conformance.each(run, rules, item)

            return each

        for name, found in ((member.name, own), (f"_{member.name}", beside)):
            checks = [found] if found is not None else []
            checks += bound if name == member.name else []
            checks += [ruled(name)] if rest else []
            if checks:
                node.checks[name] = each_of(checks)

    def _hinting_primitive(self, member: Member) -> MemberCheck | None:
        bound = self._engine.bindings.of(member) if self._binds(member) else None
        constraints = self._engine.invariants.compile(hinting(member.constraints), member.type)
        if bound is None and not constraints:
            return None
        known = Remembering(self._engine, bound, code_key) if bound is not None else None
        if known is not None and not constraints:
            return remembered(member, None, known)
        check = self._engine.invariants.check

        def primitive(run: Run, value: Any, parent: Json, place: Place) -> None:
            many = type(value) is list
            for index, item in enumerate(value if many else (value,)):
                here = (place, member, index if many else None, None)
                if known is not None and item is not None:
                    known.tell(run, item, here)
                if constraints and item is not None:
                    check(run, constraints, item, here)

        return primitive

    # Objects

    def _one(self, member: Member, below: tuple[Rules, ...]) -> MemberCheck:
        """The check of a member that holds objects, by their type and then by each rule."""
        shape = member.shape or self._engine.shapes[member.type]
        apart = shape.name in _CODED or member.type == "Extension"
        merged = not apart and all(self._hints.conformance.only_below(rules) for rules in below)
        inner = below if merged else ()
        plain, tell = self._own(member, shape, inner)
        if not merged and below:
            plain, tell = False, self._with_rules(member, tell, below)
        if shape.name in _CODED:
            told_of = concepts if shape.name == "CodeableConcept" else remembered
            return told_of(member, shape, Remembering(self._engine, tell, key_of(shape.name)))
        if member.name == "extension":
            return remembered(member, shape, Remembering(self._engine, tell, digest))
        if plain and member.type == "Reference":
            return references(member, shape, tell, names=self._names(shape, inner))
        if plain and self._of_members(shape):
            return having(member, shape, lambda: self.node(shape, inner).checks, names=self._names(shape, inner))
        return always(member, shape, tell)

    def _of_members(self, shape: Shape) -> bool:
        """Whether all there is to tell of an object is told of its members."""
        return shape.name not in self._hooks and not hinting(shape.constraints)

    def _own(self, member: Member, shape: Shape, inner: tuple[Rules, ...]) -> tuple[bool, Teller]:
        """Tells about a value by its type and what rules say of what is below; first, whether it says nothing of the
        value itself."""
        engine, bound = self._engine, self._engine.bindings.of(member) if self._binds(member) else None
        constraints = engine.invariants.compile(hinting(member.constraints), shape.name)
        profiles = [one for one in member.profiles if self._profile_hints(one)]

        if bound is None and not constraints and not profiles:
            return True, self._each_member(shape, inner) if self._of_members(shape) else self._object(shape, inner)
        within = self._object(shape, inner)

        def tell(run: Run, value: Any, here: Place) -> None:
            within(run, value, here)
            if bound is not None:
                bound(run, value, here)
            if constraints:
                engine.invariants.check(run, constraints, value, here)
            for profile in profiles:
                engine.conformance.apply_named(run, profile, value, here)

        return False, tell

    def _object(self, shape: Shape, inner: tuple[Rules, ...]) -> Teller:
        return lambda run, value, here: self.through(run, self.node(shape, inner), value, here)

    def _each_member(self, shape: Shape, inner: tuple[Rules, ...]) -> Teller:
        checks: dict[str, MemberCheck] | None = None

        def tell(run: Run, value: Any, here: Place) -> None:
            nonlocal checks
            if checks is None:
                checks = self.node(shape, inner).checks
            for name in value:
                if name in checks:
                    checks[name](run, value[name], value, here)

        return tell

    def _with_rules(self, member: Member, own: Teller, below: tuple[Rules, ...]) -> Teller:
        conformance = self._hints.conformance

        def tell(run: Run, value: Any, here: Place) -> None:
            own(run, value, here)
            for rules in below:
                conformance.each(run, rules, Item(value, None, member, here))

        return tell

    def _binds(self, member: Member) -> bool:
        return binding_hints(self._engine, member.binding, member.type, None)

    def _profile_hints(self, canonical: str) -> bool:
        profile = self._engine.profile(canonical, asked_in=None)
        return profile is None or bool(profile.imposed) or self._hints.conformance.may_hint(profile.rules)
