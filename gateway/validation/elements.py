"""The walk over an instance by its shape: members, arrays, primitives, choices, cardinality.

https://hl7.org/fhir/R4/json.html. One function per kind of member, built once per shape; each reports what is wrong
with its own member and knows nothing of its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import ANY_RESOURCE, Json, Member, Shape
from gateway.validation.datatypes import CANONICAL_URLS, check_canonical_url, check_element_id
from gateway.validation.members import (
    Hook,
    MemberCheck,
    ValueCheck,
    at_most,
    bad_primitive,
    followed_by,
    is_list,
    list_of,
    nothing,
    single,
    unknown,
)
from gateway.validation.primitives import CHECKS
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


class Plan:
    """How objects of one shape are walked: a check per member name, and what must or may be there."""

    __slots__ = ("checks", "choices", "constraints", "hook", "needed", "ones", "required", "shape")

    def __init__(self, shape: Shape, hook: Hook | None) -> None:
        self.shape = shape
        self.checks: dict[str, MemberCheck] = {}
        self.ones: dict[str, ValueCheck] = {}
        """The checks of single values, of members that hold objects."""
        self.required: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.needed: frozenset[str] = frozenset()
        """First names of what is required: where all are there, nothing is missing."""
        self.choices: tuple[tuple[str, frozenset[str]], ...] = ()
        self.constraints: tuple[Any, ...] = ()
        self.hook = hook


class Walker:
    """Walks objects by their shapes; holds one Plan per shape."""

    def __init__(self, engine: Engine, hooks: dict[str, Hook]) -> None:
        self._engine = engine
        self._hooks = hooks
        self._plans: dict[int, Plan] = {}

    def walk(self, run: Run, value: Json, place: Place) -> None:
        """Check an object against the shape that its place names."""
        shape = place[3]
        assert shape is not None
        plan = self._plans.get(id(shape)) or self._plan(shape)
        checks = plan.checks
        strange = False
        for name, inner in value.items():
            check = checks.get(name)
            if check is None:
                strange = True
            else:
                check(run, inner, value, place)
        if strange:
            unknown(run, value, checks, place)
        if not plan.needed <= value.keys() or plan.choices:
            self.check_presence(run, plan, value, place)
        if plan.hook is not None:
            plan.hook(run, value, place)
        if plan.constraints:
            self._engine.invariants.check(run, plan.constraints, value, place)

    def check_presence(self, run: Run, plan: Plan, value: Json, place: Place) -> None:
        """What must be there, and choices that are made once only."""
        if not plan.needed <= value.keys():
            self.check_required(run, plan, value, place)
        for group, choice in plan.choices:
            if len(choice & value.keys()) > 1 and len({name.removeprefix("_") for name in choice & value.keys()}) > 1:
                run.error(
                    "structure", "choice-one", f"{group} must be given in one type only; several are present.", place
                )

    def check_required(self, run: Run, plan: Plan, value: Json, place: Place) -> None:
        """What must be there."""
        shape = plan.shape
        for group, names in plan.required:
            for name in names:
                if name in value or f"_{name}" in value:
                    break
            else:
                run.error(
                    "required",
                    "card-min",
                    f"{group} is missing: {shape.name} must have at least one.",
                    place,
                    profile=f"{shape.url}|4.0.1#{shape.name}.{group}",
                    about=group.removesuffix("[x]"),
                )

    def plan_of(self, shape: Shape) -> Plan:
        return self._plans.get(id(shape)) or self._plan(shape)

    def _plan(self, shape: Shape) -> Plan:
        plan = Plan(shape, self._hooks.get(shape.name))
        for member in shape.members.values():
            plan.checks[member.name] = self._member(member, plan)
            if member.primitive and not (member.attribute or member.names_type):
                plan.checks["_" + member.name] = self._sibling(member)
        plan.required = tuple((c.group, c.names) for c in shape.counts if c.min)
        plan.needed = frozenset(names[0] for _, names in plan.required)
        plan.choices = tuple(
            (c.group, frozenset(c.names) | {f"_{name}" for name in c.names}) for c in shape.counts if len(c.names) > 1
        )
        plan.constraints = self._engine.invariants.compile(shape.constraints, shape.name)
        self._plans[id(shape)] = plan  # when it is whole: other threads may be waiting for it
        return plan

    # One builder per kind of member

    def _member(self, member: Member, plan: Plan) -> MemberCheck:
        if member.names_type:
            return nothing
        if member.primitive:
            return self._primitive_list(member) if member.many else self._primitive(member)
        one = self._resource(member) if member.type in ANY_RESOURCE else self._complex(member)
        plan.ones[member.name] = one
        if member.type == "Extension":
            return followed_by(list_of(member, one), self._engine.extensions.check_number)
        return list_of(member, one) if member.many else single(member, one)

    def _primitive(self, member: Member) -> MemberCheck:
        check = CHECKS[member.type]
        coded = self._engine.bindings.of(member)
        content = self._content(member)

        def primitive(run: Run, value: Any, parent: Json, place: Place) -> None:
            wrong = check(value)
            if wrong is not None:
                bad_primitive(run, member, wrong, value, (place, member, None, None))
                return
            if coded is not None:
                coded(run, value, (place, member, None, None))
            if content is not None:
                content(run, value, (place, member, None, None))

        return primitive

    def _primitive_list(self, member: Member) -> MemberCheck:
        check = CHECKS[member.type]
        coded = self._engine.bindings.of(member)
        content = self._content(member)

        def primitives(run: Run, value: Any, parent: Json, place: Place) -> None:
            if not is_list(run, value, member, place):
                return
            siblings = parent.get(f"_{member.name}")
            for index, item in enumerate(value):
                here = (place, member, index, None)
                if item is None:
                    if not (type(siblings) is list and index < len(siblings) and siblings[index]):
                        run.error("structure", "json-null", "null may only stand where _ has extensions.", here)
                    continue
                wrong = check(item)
                if wrong is not None:
                    bad_primitive(run, member, wrong, item, here)
                    continue
                if coded is not None:
                    coded(run, item, here)
                if content is not None:
                    content(run, item, here)

        return primitives

    def _content(self, member: Member) -> Hook | None:
        """A further check of a good primitive: invariants at its element, narrative, canonical targets."""
        checks = [self._hooks[member.type]] if member.type in self._hooks else []
        if member.name == "url" and member.type == "uri" and member.path in CANONICAL_URLS:
            checks.append(check_canonical_url)
        if member.type == "canonical":
            checks.append(self._engine.references.of_canonical(member))
        if member.name == "id" and member.type == "string":
            checks.append(check_element_id)
        longest = member.max_length
        if longest is not None:
            checks.append(at_most(longest))
        constraints = self._engine.invariants.compile(member.constraints, member.type)
        if constraints:
            check = self._engine.invariants.check
            checks.append(lambda run, value, place: check(run, constraints, value, place))
        if not checks:
            return None
        if len(checks) == 1:
            return checks[0]

        def every(run: Run, value: Any, place: Place) -> None:
            for one in checks:
                one(run, value, place)

        return every

    def _sibling(self, member: Member) -> MemberCheck:
        """`_name`: id and extensions of a primitive, an object or an array of objects and nulls."""
        element = self._engine.shapes["Element"]
        required = member.type == "code" and member.binding is not None and member.binding.strength == "required"

        def one(run: Run, value: Any, here: Place, *, valued: bool) -> None:
            if type(value) is not dict:
                run.error("structure", "json-object", f"_{member.name} must be a JSON object.", here)
            elif not value:
                run.error("structure", "ele-1", f"_{member.name} must not be empty.", here)
            else:
                if len(value) == 1 and "id" in value and not valued:
                    run.error("invariant", "ele-1", f"{member.name} must have a value or extensions, not only an id.",
                              here)  # fmt: skip
                elif required and not valued:
                    run.error("code-invalid", "binding-no-code", f"{member.name} must have a code: its binding is "
                              "required.", here)  # fmt: skip
                self.walk(run, value, here)
                if member.path.endswith(".id") and member.type == "id" and "extension" in value:
                    run.error("business-rule", "id-extension", "A resource's id must not have extensions.", here)

        def sibling(run: Run, value: Any, parent: Json, place: Place) -> None:
            if not member.many:
                one(run, value, (place, member, None, element), valued=parent.get(member.name) is not None)
                return
            if not is_list(run, value, member, place):
                return
            values = parent.get(member.name)
            if values is not None and type(values) is list and len(values) != len(value):
                run.error(
                    "structure", "json-array", f"{member.name} and _{member.name} must be of one length.",
                    (place, member, None, None),
                )  # fmt: skip
            for index, item in enumerate(value):
                if item is not None:
                    has_value = type(values) is list and index < len(values) and values[index] is not None
                    one(run, item, (place, member, index, element), valued=has_value)
                elif values is None:
                    run.error("structure", "json-null", "null may not stand alone.", (place, member, index, None))

        return sibling

    def _complex(self, member: Member) -> ValueCheck:
        walk = self.walk
        shape = member.shape or self._engine.shapes[member.type]
        coded = self._engine.bindings.of(member)
        pointed = self._engine.references.of(member)
        constraints = self._engine.invariants.compile(member.constraints, shape.name)
        check = self._engine.invariants.check
        profiles = member.profiles

        def complex_value(run: Run, value: Any, parent: Json, place: Place, index: int | None) -> None:
            here = (place, member, index, shape)
            if type(value) is not dict:
                run.error("structure", "json-object", f"{member.name} must be a JSON object.", here)
                return
            if not value:
                run.error("structure", "ele-1", f"{member.name} must not be empty: leave the member out instead.", here)
                return
            if len(value) == 1 and "id" in value:
                run.error("invariant", "ele-1", f"{member.name} must have content, not only an id.", here)
            walk(run, value, here)
            if coded is not None:
                coded(run, value, here)
            if pointed is not None:
                pointed(run, value, here)
            if constraints:
                check(run, constraints, value, here)
            for profile in profiles:
                self._engine.conformance.apply_named(run, profile, value, here)

        return complex_value

    def _resource(self, member: Member) -> ValueCheck:
        contained = member.path.endswith(".contained")

        def resource(run: Run, value: Any, parent: Json, place: Place, index: int | None) -> None:
            self._engine.nested(run, value, parent, (place, member, index, None), contained=contained)

        return resource
