"""A profile's rules, as far as they can give a hint: bindings that do not bind, warnings, profiles that are unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json, Profile, Rules, Shape, Slicing
from gateway.validation.conformance import Conformance, Item, Plan, focus_of
from gateway.validation.hint_values import binding_hints, hinting
from gateway.validation.run import Place, Run
from gateway.validation.slicing import Slicer

if TYPE_CHECKING:
    from gateway.validation.engine import Engine
    from gateway.validation.hints import Hints

_KNOWN, _BINDING, _INVARIANTS, _TYPES, _CHILDREN, _SLICES = 1, 2, 4, 8, 16, 32


class HintConformance(Conformance):
    """Applies profiles to data that breaks none of their rules. What decides (slices, targets) is asked of `whole`."""

    def __init__(self, engine: Hints, whole: Engine) -> None:
        super().__init__(engine)
        self._whole = whole.conformance
        self._remembered = engine.remembered
        self.slicer = _HintSlicer(engine, self, whole.conformance.slicer)
        self._tellers: dict[tuple[int, str], Any] = {}

    def conforms(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None) -> bool | None:
        return self._whole.conforms(run, canonical, value, place, asked_in=asked_in)

    def may_hint(self, profile: Profile) -> bool:
        return bool(self._to_do(profile.rules) & ~_KNOWN) or bool(profile.imposed)

    def root(self, run: Run, rules: Rules, value: Any, place: Place) -> None:
        if self._to_do(rules) & _INVARIANTS:
            self._hold(run, rules, value, place, rules.name)

    def element(self, run: Run, rules: Rules, items: list[Item], place: Place) -> None:
        for item in items:
            self.item(run, rules, item)
        if rules.slicing is not None and self._to_do(rules) & _SLICES:
            self.slicer.check(run, rules, rules.slicing, items, place)

    def item(self, run: Run, rules: Rules, item: Item) -> None:
        work = self._work.get(id(rules)) or self._to_do(rules)
        if work & _TYPES and rules.types is not None:
            self._types(run, rules, rules.types, item)
        if work & _BINDING and item.value is not None:
            self._bound(run, rules, item)
        if work & _INVARIANTS and item.value is not None:
            self._hold(run, rules, item.value, item.place, item.member.type)
        if work & _CHILDREN:
            inner = item.value if type(item.value) is dict else item.sibling
            self.children(run, rules, inner or {}, item.place)

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
        binding, kind = rules.binding, item.member.type
        assert binding is not None
        key = (id(rules), kind)
        tell = self._tellers.get(key)
        if tell is None:
            may = binding_hints(self._engine, binding, kind, self._engine.scope_of_rule(rules.profile))
            tell = self._tellers[key] = self._remembered.teller(key) if may else _silent
        check, value, said = self._engine.bindings.check, item.value, f"{rules.profile}#{rules.id}"
        tell(run, value, item.place, lambda run, place: check(run, binding, kind, value, place, said))

    def _hold(self, run: Run, rules: Rules, value: Any, place: Place, kind: str) -> None:
        focus = focus_of(kind, place)
        compiled = self._invariants.get((id(rules), focus))
        if compiled is None:
            kept = hinting(rules.constraints)
            compiled = self._engine.invariants.compile(kept, focus, f"{rules.profile}#{rules.id}")
            self._invariants[(id(rules), focus)] = compiled
        self._engine.invariants.check(run, compiled, value, place)


class _HintSlicer(Slicer):
    """Sorts items as the whole engine does, and tells the hints of their slices."""

    def __init__(self, engine: Engine, conformance: HintConformance, whole: Slicer) -> None:
        super().__init__(engine, conformance)
        self._whole = whole

    def slice_of(self, run: Run, slicing: Slicing, item: Item, unsure: list[int]) -> int | None:
        return self._whole.slice_of(run, slicing, item, unsure)


def _silent(run: Run, value: Any, place: Place, check: Any) -> None:
    pass
