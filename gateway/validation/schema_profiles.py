"""Profiles as JSON Schema: what a profile asks beyond its type, laid over the type's own schema.

As strict as the engine or stricter. An element whose rules cannot be said here must be absent: data that has it is not
accepted, and the engine decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gateway.validation.bindings import CODED
from gateway.validation.compiled import ANY_RESOURCE, MISSING, Member, Profile, Rules, Shape, TypeRule
from gateway.validation.schema_codings import can_fail
from gateway.validation.schema_elements import (
    absent,
    at_least,
    demands,
    fitting_types,
    forbidden,
    json_names,
    leads_back,
    limited,
    members_of,
    merged,
    never_told,
    present,
    sayable,
)
from gateway.validation.schema_references import reference
from gateway.validation.schema_shapes import Shapes2Schema
from gateway.validation.schema_slices import NotSaid, at_most, chain, implied, matcher, members_of_set
from gateway.validation.schema_values import CHECK, Schema, both, exactly, holding

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


class Profiles2Schema:
    """Overlays of one schema document; types go to `shapes.defs`."""

    def __init__(self, engine: Engine, shapes: Shapes2Schema) -> None:
        self._engine = engine
        self._shapes = shapes

    def profile(self, profile: Profile, shape: Shape) -> Schema:
        """The overlay of a profile on resources or data of `shape`."""
        if profile.imposed:
            return {"not": {}}
        rules = profile.rules
        own = self._shapes.invariants(rules.constraints, shape)
        parts = _parts(profile) if shape.name == "Extension" else None
        return both(self._own_value(rules), parts, *own, self.children(rules, shape))

    def targeted(self, rules: Rules, shape: Shape) -> Iterator[tuple[str, str]]:
        """The members (shape, name) whose references all objects of `shape` have held to some of the type's targets."""
        if leads_back(shape):
            return
        for child in rules.children.values():
            for member in members_of(child, shape):
                fitting = fitting_types(child, member)
                said = self._targets(child, fitting) if member.type == "Reference" and fitting else None
                if said and (not member.targets or set(said["properties"]["type"]["enum"]) <= set(member.targets)):
                    yield shape.name, member.name
                if member.shape is not None:
                    yield from self.targeted(child, member.shape)

    def children(self, rules: Rules, shape: Shape) -> Schema | None:
        """What the rules of elements below ask of an object of `shape`."""
        parts = []
        for child in rules.children.values():
            members = members_of(child, shape)
            try:
                parts.append(self._element(child, members))
            except NotSaid:
                parts.append(absent(child, members))
        kept = [part for part in parts if part]
        if not kept:
            return None
        return merged(kept)

    # Elements

    def _element(self, rules: Rules, members: Sequence[Member]) -> Schema:
        if rules.max == 0:
            return forbidden(members)
        if len(members) != 1 and (rules.min > 1 or rules.max not in (None, 1)):
            raise NotSaid
        properties: Schema = {}
        parts: list[Schema] = []
        for member in members:
            parts += self._item(rules, member, properties)
        if rules.min:
            able = [member for member in members if fitting_types(rules, member) is not None]
            parts.append(present(able))
        if len(members) == 1 and members[0].many:
            self._number(rules, members[0], properties)
        if rules.slicing is not None:
            parts.append(self._slicing(rules, members))
        return both({"properties": properties} if properties else None, *parts)

    def _number(self, rules: Rules, member: Member, properties: Schema) -> None:
        count: Schema = {}
        if rules.min > 1:
            count["minItems"] = rules.min
        if rules.max is not None:
            count["maxItems"] = rules.max
        if count:
            properties[member.name] = both(properties.get(member.name), count)

    def _item(self, rules: Rules, member: Member, properties: Schema) -> list[Schema]:
        """Put what is asked of each value into `properties`; gives what is asked of the object around."""
        fitting = fitting_types(rules, member)
        if fitting is None:
            properties |= dict.fromkeys(json_names(member), False)
            return []
        value = self.value(rules, member, fitting)
        beside: list[Schema] = []
        if member.primitive:
            beside = self._beside(rules, member, properties)
        if value:
            properties[member.name] = {"items": value} if member.many else value
        return beside

    def value(self, rules: Rules, member: Member, fitting: list[TypeRule]) -> Schema | None:
        """What is asked of one value of an element."""
        if member.type in ANY_RESOURCE:
            raise NotSaid
        if limited(rules):
            raise NotSaid
        shape = member.shape or self._engine.shapes[member.type]
        lengths: Schema = {}
        if rules.min_length is not None:
            lengths["minLength"] = rules.min_length
        if rules.max_length is not None:
            lengths["maxLength"] = rules.max_length
        focus = member.type if member.primitive else shape.name
        inner = None if member.primitive else self.children(rules, shape)
        parts = [self._own_value(rules), lengths, self._typed(rules, member, fitting, shape), inner]
        told = self._told(fitting, rules) if member.type == "Extension" else frozenset()
        parts += [self._shapes.invariant(one, focus) for one in rules.constraints if one.expression not in told]
        if rules.binding is not None:
            parts.append(self._bound(rules, member))
        return both(*parts)

    def _own_value(self, rules: Rules) -> Schema | None:
        fixed = exactly(rules.fixed) if rules.fixed is not MISSING else None
        return both(fixed, holding(rules.pattern) if rules.pattern is not MISSING else None)

    def _beside(self, rules: Rules, member: Member, properties: Schema) -> list[Schema]:
        """A primitive's rules on its `_name` object, and on there being a value at all."""
        if rules.value_alternatives or (rules.children and member.many):
            raise NotSaid
        parts: list[Schema] = []
        if rules.children:
            inner = self.children(rules, self._engine.shapes["Element"])
            if inner:
                properties["_" + member.name] = inner
                if demands(rules):
                    parts.append({"dependentRequired": {member.name: ["_" + member.name]}})
        bound = rules.binding is not None and can_fail(rules.binding)
        if rules.pattern is not MISSING or rules.must_have_value or bound:
            parts.append({"dependentRequired": {"_" + member.name: [member.name]}})
        return parts

    def _typed(self, rules: Rules, member: Member, fitting: list[TypeRule], shape: Shape) -> Schema | None:
        if any(rule.aggregation or rule.versioning for rule in fitting):
            raise NotSaid
        targets = self._targets(rules, fitting) if member.type == "Reference" else None
        profiles = [canonical for rule in fitting for canonical in rule.profiles]
        if not profiles or not all(rule.profiles for rule in fitting):
            return targets
        if len(profiles) != 1 or member.primitive:
            raise NotSaid
        if member.type == "Extension":
            return self._extension(profiles[0], rules)
        profile = self._engine.profile(profiles[0], asked_in=rules.profile)
        if profile is None or profile.type != shape.name or not sayable(profile):
            raise NotSaid
        return both(targets, self.profile(profile, shape))

    def _extension(self, canonical: str, rules: Rules) -> Schema:
        """The url leads to the definition, asked where the extension stands; the profile may mean another one."""
        url = canonical.partition("|")[0]
        named: Schema = {"properties": {"url": {"const": url}}}
        meant = self._engine.profile(canonical, asked_in=rules.profile)
        if meant is self._engine.profile(url, asked_in=self._shapes.scope):
            return named
        return {**named, CHECK: ["version", canonical, rules.profile, self._shapes.scope]}

    def _told(self, fitting: list[TypeRule], rules: Rules) -> frozenset[str]:
        """The invariants of the definition that an extension's url leads to, which is checked wherever it stands."""
        profiles = [canonical for rule in fitting for canonical in rule.profiles]
        if len(profiles) != 1 or len(fitting) != 1:
            return frozenset()
        url = profiles[0].partition("|")[0]
        meant = self._engine.profile(profiles[0], asked_in=rules.profile)
        if meant is None or meant is not self._engine.profile(url, asked_in=self._shapes.scope):
            return frozenset()
        return frozenset(one.expression for one in meant.rules.constraints if one.severity == "error")

    def _targets(self, rules: Rules, fitting: list[TypeRule]) -> Schema | None:
        canonicals = [canonical for rule in fitting for canonical in rule.targets]
        if not canonicals or not all(rule.targets for rule in fitting):
            return None
        kinds = {self._engine.type_of(canonical, asked_in=rules.profile) for canonical in canonicals}
        if None in kinds or ANY_RESOURCE & kinds:
            return None
        named = sorted(kind for kind in kinds if kind)
        return {"properties": {"reference": reference(named), "type": {"enum": named}}}

    def _bound(self, rules: Rules, member: Member) -> Schema | None:
        binding = rules.binding
        assert binding is not None
        if not can_fail(binding) or member.type not in CODED:
            return None
        said = [binding.strength, binding.value_set, binding.maximum, [list(pair) for pair in binding.extra]]
        rule = f"{rules.profile}#{rules.id}"
        asked: Schema = {CHECK: ["bound", said, member.type, rule]}
        if binding.maximum or binding.extra:
            return asked
        members = members_of_set(self._engine, binding.value_set, member.type, rule)
        return asked if members is None else {"anyOf": [members, asked]}

    # Slices

    def _slicing(self, rules: Rules, members: Sequence[Member]) -> Schema:
        slicing = rules.slicing
        assert slicing is not None
        if len(members) > 1 or rules.choice:
            return self._by_type(slicing.slices, members, closed=slicing.rules == "closed")
        member = members[0]
        if slicing.ordered or slicing.rules == "openAtEnd" or not member.many or member.primitive:
            raise NotSaid
        if all(never_told(part) for part in slicing.slices):
            return at_least(member, max(part.min for part in slicing.slices))
        shape = member.shape or self._engine.shapes[member.type]
        matches: list[Schema] = []
        counts: list[Schema] = []
        links: list[tuple[Schema, Schema]] = []
        for part in slicing.slices:
            match = chain(matches, matcher(self._engine, part, shape))
            counts += self._slice_count(part, match)
            asked = self._slice_item(part, member)
            links.append((matches[-1], {} if implied(asked, matches[-1]) else asked))
        items: Schema = {} if slicing.rules != "closed" else {"not": {}}
        for match, asked in reversed(links):
            if asked or items:
                items = {"if": match, "then": asked, "else": items} if items else {"if": match, "then": asked}
        listed = both({"items": items} if items else None, *at_most(counts))
        least = [{"required": [member.name]}] if any(part.min for part in slicing.slices) else []
        return both({"properties": {member.name: listed}} if listed else None, *least)

    def _slice_count(self, part: Rules, match: Schema) -> list[Schema]:
        if part.min == 0 and part.max is None:
            return []
        count: Schema = {"contains": match, "minContains": part.min}
        if part.max is not None:
            count["maxContains"] = part.max
        return [count]

    def _slice_item(self, part: Rules, member: Member) -> Schema:
        fitting = fitting_types(part, member)
        if part.slicing is not None or fitting is None:
            raise NotSaid
        return self.value(part, member, fitting) or {}

    def _by_type(self, slices: Sequence[Rules], members: Sequence[Member], *, closed: bool) -> Schema:
        """Slices of a choice element: each is the rules of the members of its types."""
        properties: Schema = {}
        parts: list[Schema] = []
        taken: set[str] = set()
        for part in slices:
            codes = {code for c in part.criteria if c.test == "type" and not c.steps for code in c.expected}
            mine = [member for member in members if member.type in codes]
            if len(part.criteria) != 1 or not mine or taken & codes or part.slicing is not None:
                raise NotSaid
            taken |= codes
            if part.max == 0:
                parts.append(forbidden(mine))
                continue
            for member in mine:
                parts += self._item(part, member, properties)
            if part.min:
                parts.append(present(mine))
        if closed:
            parts.append(forbidden([member for member in members if member.type not in taken]))
        return both({"properties": properties} if properties else None, *parts)


def _parts(profile: Profile) -> Schema | None:
    """The parts of a complex extension: those that its definition names, or extensions of their own."""
    part = profile.rules.children.get("extension")
    slices = part.slicing.slices if part is not None and part.slicing is not None else ()
    known = {one.slice_name for one in slices} | {c.expected for one in slices for c in one.criteria}
    if not slices:
        return None
    named = {"properties": {"url": {"enum": sorted(name for name in known if isinstance(name, str))}}}
    return {"properties": {"extension": {"items": {"anyOf": [named, {"properties": {"url": {"pattern": ":"}}}]}}}}
