"""A profile's rules, as far as they can give a hint: bindings that do not bind, warnings, profiles that are unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json, Member, Rules, Shape
from gateway.validation.conformance import Conformance, Item, Plan, focus_of
from gateway.validation.hint_slices import HintSlicer
from gateway.validation.hint_values import Remembering, Teller, binding_hints, hinting, key_of
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine
    from gateway.validation.hints import Hints

_KNOWN, _BINDING, _INVARIANTS, _TYPES, _CHILDREN, _SLICES = 1, 2, 4, 8, 16, 32


class HintConformance(Conformance):
    """Applies profiles to data that breaks none of their rules. What decides (slices, targets) is asked of `whole`."""

    def __init__(self, engine: Hints, whole: Engine) -> None:
        super().__init__(engine)
        self._whole = whole.conformance
        self.slicer = HintSlicer(engine, self, whole.conformance.slicer)
        self._tellers: dict[tuple[int, str], Teller] = {}

    def conforms(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None) -> bool | None:
        return self._whole.conforms(run, canonical, value, place, asked_in=asked_in)

    def may_hint(self, rules: Rules) -> bool:
        """Whether rules, or those below them, can give a hint."""
        return bool(self._to_do(rules) & ~_KNOWN)

    def only_below(self, rules: Rules) -> bool:
        """Whether only the rules of the elements below can."""
        return not self._to_do(rules) & ~(_KNOWN | _CHILDREN)

    def below(self, rules: tuple[Rules, ...], member: Member, shape: Shape) -> tuple[Rules, ...]:
        """The rules that can give a hint about a member, of several rules for an object."""
        children = (child for one in rules for child in one.children.values())
        return tuple(child for child in children if member in self.named(child, shape) and self._hints(child, member))

    def _hints(self, rules: Rules, member: Member) -> bool:
        """Whether rules can give a hint about a member: most bindings of codes break or say nothing."""
        return self.may_hint(rules) and (not self.only_binds(rules) or self._may(rules, member.type))

    def only_binds(self, rules: Rules) -> bool:
        """Whether only the binding of rules can give a hint."""
        return self._to_do(rules) == _KNOWN | _BINDING

    def _may(self, rules: Rules, type: str) -> bool:
        return binding_hints(self._engine, rules.binding, type, self._engine.scope_of_rule(rules.profile))

    def bound(self, rules: Rules, type: str) -> Remembering:
        """What a binding tells of values of a type."""
        binding, check, said = rules.binding, self._engine.bindings.check, f"{rules.profile}#{rules.id}"
        assert binding is not None

        def bound(run: Run, value: Any, place: Place) -> None:
            check(run, binding, type, value, place, said)

        return Remembering(self._engine, bound, key_of(type))

    def each(self, run: Run, rules: Rules, item: Item) -> None:
        """Hints about one value of an element, by its rules and those of its slice."""
        self.item(run, rules, item)
        if rules.slicing is not None and self._to_do(rules) & _SLICES:
            self.slicer.check(run, rules, rules.slicing, [item], item.place)

    def root(self, run: Run, rules: Rules, value: Any, place: Place) -> None:
        if self._to_do(rules) & _INVARIANTS:
            self._hold(run, rules, value, place, rules.name)

    def element(self, run: Run, rules: Rules, items: list[Item], place: Place) -> None:
        for item in items:
            self.each(run, rules, item)

    def item(self, run: Run, rules: Rules, item: Item) -> bool:
        work = self._work.get(id(rules)) or self._to_do(rules)
        if work & _TYPES and rules.types is not None:
            self.types.fit(run, rules, rules.types, item)
        if work & _BINDING and item.value is not None:
            self._bound(run, rules, item)
        if work & _INVARIANTS and item.value is not None:
            self._hold(run, rules, item.value, item.place, item.member.type)
        if work & _CHILDREN:
            inner = item.value if type(item.value) is dict else item.sibling
            self.children(run, rules, inner or {}, item.place)
        return True

    def _plan(self, rules: Rules, shape: Shape) -> Plan:
        every = super()._plan(rules, shape)
        plan = [(child, members, True) for child, members, _ in every if self._to_do(child) & ~_KNOWN]
        self._plans[(id(rules), id(shape))] = plan
        return plan

    def _to_do(self, rules: Rules) -> int:
        known = self._work.get(id(rules))
        if known is not None:
            return known
        work = _KNOWN
        if rules.binding is not None:
            work |= _BINDING
        if hinting(rules.constraints):
            work |= _INVARIANTS
        if any(rule.profiles for rule in rules.types or ()):
            work |= _TYPES
        if any(self._to_do(child) & ~_KNOWN for child in rules.children.values()):
            work |= _CHILDREN
        if rules.slicing is not None and any(self._to_do(part) & ~_KNOWN for part in rules.slicing.slices):
            work |= _SLICES
        self._work[id(rules)] = work
        return work

    def _bound(self, run: Run, rules: Rules, item: Item) -> None:
        key = (id(rules), item.member.type)
        tell = self._tellers.get(key)
        if tell is None:
            may = self._may(rules, item.member.type)
            tell = self._tellers[key] = self.bound(rules, item.member.type).tell if may else _silent
        tell(run, item.value, item.place)

    def _hold(self, run: Run, rules: Rules, value: Any, place: Place, kind: str) -> None:
        focus = focus_of(kind, place)
        compiled = self._invariants.get((id(rules), focus))
        if compiled is None:
            kept = hinting(rules.constraints)
            compiled = self._engine.invariants.compile(kept, focus, f"{rules.profile}#{rules.id}")
            self._invariants[(id(rules), focus)] = compiled
        self._engine.invariants.check(run, compiled, value, place)


def _silent(run: Run, value: Any, place: Place) -> None:
    pass
