"""Single faults made by rule: for each rule of a valid resource's type and profiles, a copy that breaks just it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.validation import Validator
from gateway.validation.compiled import MISSING, Member, Rules, Shape
from gateway.validation.conformance import Item
from gateway.validation.run import Place, Run, expression, pointer, root_place

Json = dict[str, Any]
BAD_PRIMITIVE: dict[str, Any] = {
    "boolean": "true", "integer": "1", "decimal": "1.0", "positiveInt": 0, "unsignedInt": -1, "date": "2021-02-30",
    "dateTime": "2021-02-30T10:00:00Z", "instant": "2021-01-01", "time": "25:00:00", "code": " a b ", "id": "a b",
    "uri": "a b", "url": "a b", "canonical": "a b", "oid": "1.2", "uuid": "x", "base64Binary": "!!", "string": 5,
    "markdown": 5, "xhtml": 5,
}  # fmt: skip
OTHER_TYPES: dict[str, Any] = {
    "string": "x",
    "boolean": True,
    "integer": 1,
    "dateTime": "2020",
    "Period": {"start": "2020"},
}


@dataclass(frozen=True)
class Mutation:
    """A broken copy: which rule, where the fault is."""

    rule: str
    place: str
    resource: Json


def mutations(validator: Validator, resource: Json) -> Iterator[Mutation]:
    """Every single fault that the rules of the resource's type and claimed profiles give."""
    shape = validator.engine.shapes[resource["resourceType"]]
    place = root_place(shape)
    maker = _Maker(validator, resource)
    yield from maker.by_shape(resource, place)
    for canonical in resource.get("meta", {}).get("profile", ()):
        profile = validator.profile(canonical)
        maker.run.scope = profile.canonical
        yield from maker.by_rules(profile.rules, resource, place)


class _Maker:
    def __init__(self, validator: Validator, resource: Json) -> None:
        self.engine = validator.engine
        self.resource = resource
        self.run = Run(validator.engine)
        self.run.resource = self.run.root = self.run.top = resource
        self.run.root_place = root_place(self.engine.shapes[resource["resourceType"]])

    def broken(self, rule: str, place: Place, change: Callable[[Json], Any]) -> Iterator[Mutation]:
        made = copy.deepcopy(self.resource)
        if change(made) is not False:
            yield Mutation(rule, expression(place), made)

    # The type

    def by_shape(self, value: Json, place: Place) -> Iterator[Mutation]:
        shape = place[3]
        assert shape is not None
        yield from self.broken("unknown-element", place, lambda r: at(r, place).update(zebra="x"))
        for count in shape.counts:
            if count.min:
                yield from self.broken("card-min", place, lambda r, c=count: _without(at(r, place), c.names))  # type: ignore[misc]
        for name in list(value):
            member = shape.members.get(name)
            if member is not None and name != "resourceType":
                yield from self.by_member(member, value[name], place)

    def by_member(self, member: Member, value: Any, place: Place) -> Iterator[Mutation]:
        here: Place = (place, member, None, None)
        name = member.name
        wrong = value[0] if member.many else [value]
        yield from self.broken("json-array", here, lambda r: at(r, place).update({name: wrong}))
        yield from self.broken("json-null", here, lambda r: at(r, place).update({name: None}))
        empty: Any = [] if member.many else "" if member.primitive else {}
        yield from self.broken("empty", here, lambda r: at(r, place).update({name: empty}))
        if member.primitive:
            bad = BAD_PRIMITIVE[member.type]
            yield from self.broken(
                f"type-{member.type}", here, lambda r: at(r, place).update({name: [bad] if member.many else bad})
            )
            return
        for index, inner in enumerate(value if member.many else [value]):
            inside = member.shape or self.engine.shapes.find(member.type)
            if member.type == "Resource":
                inside = self.engine.shapes[inner["resourceType"]]
            deeper: Place = (place, member, index if member.many else None, inside)
            if member.type == "Reference" and member.targets and "Resource" not in member.targets:
                kind = "Basic" if "Basic" not in member.targets else "Group"
                yield from self.broken(
                    "reference-target",
                    deeper,
                    lambda r, d=deeper, k=kind: _retarget(at(r, d), k),  # type: ignore[misc]
                )
            yield from self.by_shape(inner, deeper)

    # The profiles

    def by_rules(self, rules: Rules, value: Json, place: Place) -> Iterator[Mutation]:
        shape = place[3]
        if shape is None:
            return
        for child in rules.children.values():
            items = self.items(child, value, shape, place)
            if items:
                yield from self.by_element(child, items, place)

    def items(self, rules: Rules, value: Json, shape: Shape, place: Place) -> list[Item]:
        conformance = self.engine.conformance
        return [
            item
            for member in conformance.named(rules, shape)
            for name in (member.name, f"_{member.name}")
            if name in value
            for item in conformance.items(member, name, value, place)
        ]

    def by_element(self, rules: Rules, items: list[Item], place: Place) -> Iterator[Mutation]:
        name = f"{rules.profile}#{rules.id}"
        if rules.min:
            yield from self.broken(f"min {name}", place, lambda r: _remove(r, items))
        if rules.max is not None and items[0].member.many and not rules.slice_name:
            yield from self.broken(f"max {name}", place, lambda r: _repeat(r, items[0], rules.max or 0))
        for item in items[:1]:
            if rules.types and rules.choice and not rules.slice_name:
                yield from self.broken(f"type {name}", place, lambda r, i=item: self.retype(r, rules, i))  # type: ignore[misc]
            inner = item.value if isinstance(item.value, dict) else item.sibling
            if inner:
                yield from self.by_rules(rules, inner, item.place)
            if (rules.fixed is not MISSING or rules.pattern is not MISSING) and not _tells_a_slice(rules):
                yield from self.broken(f"value {name}", item.place, lambda r, i=item: _spoil(r, i))  # type: ignore[misc]
        if rules.slicing is not None:
            yield from self.by_slices(rules, items, place)

    def by_slices(self, rules: Rules, items: list[Item], place: Place) -> Iterator[Mutation]:
        slicing = rules.slicing
        assert slicing is not None
        slicer = self.engine.conformance.slicer
        numbers = [slicer.slice_of(self.run, slicing, item, [0] * len(slicing.slices)) for item in items]
        for number, part in enumerate(slicing.slices):
            mine = [item for item, found in zip(items, numbers, strict=True) if found == number]
            name = f"{part.profile}#{part.id}"
            if part.min and mine:
                yield from self.broken(f"slice-min {name}", place, lambda r, m=mine: _remove(r, m))  # type: ignore[misc]
            if part.max and mine and mine[0].member.many:
                yield from self.broken(f"slice-max {name}", place, lambda r, m=mine, p=part: _repeat(r, m[0], p.max))  # type: ignore[misc]

    def retype(self, resource: Json, rules: Rules, item: Item) -> Any:
        above = item.place[0]
        allowed = {t.code for t in rules.types or ()}
        for member in above[3].members.values():
            if member.group == item.member.group and member.type in OTHER_TYPES and member.type not in allowed:
                parent = at(resource, above)
                del parent[item.member.name]
                parent[member.name] = OTHER_TYPES[member.type]
                return None
        return False


def _tells_a_slice(rules: Rules) -> bool:
    """A broken discriminator makes an item of no slice, which open slicing allows."""
    return ":" in rules.id


def at(resource: Any, place: Place) -> Any:
    """The value at a place of another copy of the resource."""
    for step in pointer(place):
        resource = resource[step]
    return resource


def _without(value: Json, names: tuple[str, ...]) -> Any:
    for name in names:
        value.pop(name, None)
        value.pop(f"_{name}", None)
    return None if value else False


def _retarget(reference: Json, kind: str) -> None:
    reference.pop("type", None)
    reference["reference"] = f"{kind}/1"


def _remove(resource: Json, items: list[Item]) -> Any:
    for item in sorted(items, key=lambda i: -(i.place[2] or 0)):
        parent = at(resource, item.place[0])
        name, index = item.member.name, item.place[2]
        if index is None:
            parent.pop(name, None)
            parent.pop(f"_{name}", None)
        else:
            parent[name].pop(index)
            if not parent[name]:
                del parent[name]
        if not parent:
            return False
    return None


def _repeat(resource: Json, item: Item, most: int) -> Any:
    if item.place[2] is None:
        return False
    values = at(resource, item.place[0])[item.member.name]
    values += [copy.deepcopy(values[item.place[2]]) for _ in range(most)]
    return None


def _spoil(resource: Json, item: Item) -> Any:
    parent, name = at(resource, item.place[0]), item.member.name
    other: Any = {"CodeableConcept": {"text": "x"}, "uri": "http://other.example/x", "string": "x", "code": "x"}
    if item.member.type not in other:
        return False
    if item.place[2] is None:
        parent[name] = other[item.member.type]
    else:
        parent[name][item.place[2]] = other[item.member.type]
    return None
