"""What is to be told of a resource that has no error: warnings, preferences, what was not checked.

The engine once more, restricted: the same walk and the same checks, without those that can only find errors. It is run
only where it is known that there are none, or away from where they are, and tells what a walk over all tells, in its
order (`tests/properties/test_hints.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.validation.compiled import Json, Member, Profile, Shape
from gateway.validation.datatypes import check_reference
from gateway.validation.elements import Plan, Walker
from gateway.validation.engine import Engine
from gateway.validation.extensions import Extensions
from gateway.validation.hint_rules import HintConformance
from gateway.validation.hint_values import Remembered, binding_hints, hinting
from gateway.validation.members import Hook, MemberCheck, ValueCheck, list_of, single
from gateway.validation.run import MAX_ISSUES, Enough, Place, Run, root_place
from gateway.validation.schema_elements import ANY_RESOURCE
from gateway.validation.vital_signs import vital_signs

_CODED = frozenset(("CodeableConcept", "Coding"))


class Hints(Engine):
    """The engine without what can only find errors. `whole` decides wherever an error matters: which slice an item is
    of, whether a target conforms."""

    def __init__(self, whole: Engine) -> None:
        self.__dict__.update(whole.__dict__)
        self.remembered = Remembered(whole)
        self.extensions = _HintExtensions(self, whole.extensions)
        self.conformance: HintConformance = HintConformance(self, whole)
        hooks = {"Extension": self.extensions.check, "Coding": whole.coding, "Reference": _urn}
        self.walker: _HintWalker = _HintWalker(self, hooks)

    def gather(
        self,
        resource: Json,
        wanted: Sequence[Profile],
        *,
        run: Run | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Run | None:
        """A run with every hint about a resource, but for its members `without`; added to `run` if one is given. None
        where only a walk over all can tell."""
        shape = self.shapes[resource["resourceType"]]
        place = root_place(shape)
        if run is None:
            run = Run(self)
            run.resource = run.root = run.top = resource
            run.root_place = place
            run.scope = self.scope_of(resource, wanted)
        part = {name: value for name, value in resource.items() if name not in without} if without else resource
        try:
            self._gathered(run, resource, part, place, wanted)
        except (Enough, RecursionError):
            return None
        return run if len(run.found) < MAX_ISSUES else None

    def _gathered(self, run: Run, resource: Json, part: Json, place: Place, wanted: Sequence[Profile]) -> None:
        shape = place[3]
        assert shape is not None
        plan = self.walker.plan_of(shape)
        self.walker.members(run, plan, part, place)
        if plan.constraints:
            self.invariants.check(run, plan.constraints, resource, place)
        for profile in self.claims(run, resource, place):
            self._profile(run, profile, resource, part, place)
        if shape.name == "QuestionnaireResponse":
            self.questionnaires.check_response(run, resource, place)
        elif shape.name == "Observation":
            for canonical in vital_signs(resource):
                self._named(run, canonical, resource, part, place)
        for profile in wanted:
            if not profile.is_type:
                self._profile(run, profile, resource, part, place)

    def _profile(self, run: Run, profile: Profile, resource: Json, part: Json, place: Place) -> None:
        key = (id(resource), profile.canonical)
        if key in run.active:
            return
        run.active.add(key)
        try:
            self.conformance.root(run, profile.rules, resource, place)
            self.conformance.children(run, profile.rules, part, place)
            for imposed in profile.imposed:
                self._named(run, imposed, resource, part, place, asked_in=profile.canonical)
        finally:
            run.active.discard(key)

    def _named(
        self, run: Run, canonical: str, resource: Json, part: Json, place: Place, *, asked_in: str | None = None
    ) -> None:
        profile = self.profile(canonical, asked_in=asked_in)
        if profile is None:
            self.conformance.apply_named(run, canonical, resource, place, asked_in=asked_in)  # says that
        elif not profile.is_type:
            self._profile(run, profile, resource, part, place)


class _Plan(Plan):
    """`names`: all members that can give a hint; `idle`: nothing else does."""

    __slots__ = ("idle", "names")
    idle: bool
    names: frozenset[str]


class _HintWalker(Walker):
    """Walks the members that can give a hint."""

    def __init__(self, engine: Hints, hooks: dict[str, Any]) -> None:
        super().__init__(engine, hooks)
        self._hints = engine

    def walk(self, run: Run, value: Json, place: Place) -> None:
        shape = place[3]
        assert shape is not None
        plan = self._plans.get(id(shape)) or self._plan(shape)
        self.members(run, plan, value, place)
        if plan.hook is not None:
            plan.hook(run, value, place)
        if plan.constraints:
            self._engine.invariants.check(run, plan.constraints, value, place)

    def members(self, run: Run, plan: Plan, value: Json, place: Place) -> None:
        """Tell the hints about the members of an object."""
        checks = plan.checks
        for name in value:
            check = checks.get(name)
            if check is not None:
                check(run, value[name], value, place)

    def _plan(self, shape: Shape) -> _Plan:
        plan = _Plan(shape, self._hooks.get(shape.name))
        for member in shape.members.values():
            check = self._hinting(member)
            if check is not None:
                plan.checks[member.name] = check
            if member.primitive and member.name != "resourceType":
                plan.checks["_" + member.name] = self._sibling(member)
        plan.constraints = self._engine.invariants.compile(hinting(shape.constraints), shape.name)
        plan.names = frozenset(plan.checks)
        plan.idle = plan.hook is None and not plan.constraints
        self._plans[id(shape)] = plan
        return plan

    def _hinting(self, member: Member) -> MemberCheck | None:
        """The check of a member; None where it can give no hint."""
        if member.primitive:
            return self._hinting_primitive(member)
        if member.type in ANY_RESOURCE:
            return None
        one = self._complex(member)
        return list_of(member, one) if member.many else single(member, one)

    def _hinting_primitive(self, member: Member) -> MemberCheck | None:
        bound = self._engine.bindings.of(member) if self._binds(member) else None
        constraints = self._engine.invariants.compile(hinting(member.constraints), member.type)
        if bound is None and not constraints:
            return None
        check = self._engine.invariants.check

        def primitive(run: Run, value: Any, parent: Json, place: Place) -> None:
            many = type(value) is list
            for index, item in enumerate(value if many else (value,)):
                here = (place, member, index if many else None, None)
                if bound is not None and item is not None:
                    bound(run, item, here)
                if constraints and item is not None:
                    check(run, constraints, item, here)

        return primitive

    def _complex(self, member: Member) -> ValueCheck:
        shape = member.shape or self._engine.shapes[member.type]
        bound = self._engine.bindings.of(member) if self._binds(member) else None
        constraints = self._engine.invariants.compile(hinting(member.constraints), shape.name)
        profiles = [one for one in member.profiles if self._profile_hints(one)]
        plain = bound is None and not constraints and not profiles
        engine, walk, plans = self._engine, self.walk, self._plans

        def told(run: Run, value: Any, here: Place) -> None:
            walk(run, value, here)
            if bound is not None:
                bound(run, value, here)
            if constraints:
                engine.invariants.check(run, constraints, value, here)
            for profile in profiles:
                engine.conformance.apply_named(run, profile, value, here)

        if shape.name in _CODED:
            return self._coded(member, shape, told)

        def complex_value(run: Run, value: Any, parent: Json, place: Place, index: int | None) -> None:
            plan = plans.get(id(shape)) or self._plan(shape)
            if not (plain and plan.idle and plan.names.isdisjoint(value)):  # type: ignore[attr-defined]
                told(run, value, (place, member, index, shape))

        return complex_value

    def _coded(self, member: Member, shape: Shape, told: Hook) -> ValueCheck:
        tell = self._hints.remembered.teller((id(member), "type"))

        def coded_value(run: Run, value: Any, parent: Json, place: Place, index: int | None) -> None:
            tell(run, value, (place, member, index, shape), lambda run, here: told(run, value, here))

        return coded_value

    def _binds(self, member: Member) -> bool:
        return binding_hints(self._engine, member.binding, member.type, None)

    def _profile_hints(self, canonical: str) -> bool:
        profile = self._engine.profile(canonical, asked_in=None)
        return profile is None or self._hints.conformance.may_hint(profile)


class _HintExtensions(Extensions):
    """Extensions that are known to be right where they stand."""

    def __init__(self, engine: Hints, whole: Extensions) -> None:
        super().__init__(engine, whole.unknown, examples=whole.examples)
        self._hints = engine

    def check(self, run: Run, value: Any, place: Place) -> None:
        url = value.get("url")
        if type(url) is str and ":" in url:
            self._defined(run, value, place)

    def _parts(self, run: Run, profile: Profile, value: Any, place: Place) -> None:
        pass

    def _placed(self, run: Run, profile: Profile, place: Place, *, modifier: bool) -> None:
        pass


def _urn(run: Run, value: Any, place: Place) -> None:
    reference = value.get("reference")
    if type(reference) is str and reference.startswith("urn:"):
        check_reference(run, value, place)
