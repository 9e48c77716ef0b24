"""What tells a slice, as JSON Schema: exact, so that an item is sorted as the engine sorts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import ANY_RESOURCE, Criterion, Member, Rules, Shape
from gateway.validation.schema_values import CHECK, Schema, both, exactly, holding, listed

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


_MOST_LISTED = 300
"""Codes of a value set that are written into a schema."""


class NotSaid(Exception):
    """A rule that these schemas do not express."""


def matcher(engine: Engine, part: Rules, shape: Shape) -> Schema:
    """The schema that holds for just the items of `shape` that meet the criteria of slice `part`."""
    if not part.criteria:
        raise NotSaid
    return both(*(_criterion(engine, criterion, part, shape) for criterion in part.criteria))


def _criterion(engine: Engine, criterion: Criterion, part: Rules, shape: Shape) -> Schema:
    test, expected = criterion.test, criterion.expected
    if any(kind not in ("member", "extension") for kind, _ in criterion.steps):
        raise NotSaid
    if test == "exists":
        there = _at(engine, shape, criterion.steps, None, part)
        return there if expected else {"not": there}
    if test == "fixed":
        return _at(engine, shape, criterion.steps, exactly(expected), part)
    if test == "pattern":
        return _at(engine, shape, criterion.steps, holding(expected), part)
    if test == "parts" and not criterion.steps:
        leaves = [
            _at(engine, shape, steps, exactly(value) if how == "fixed" else holding(value), part)
            for steps, how, value in expected
        ]
        return both(*leaves)
    if test == "binding":
        return _at(engine, shape, criterion.steps, {CHECK: ["member", expected, part.profile]}, part)
    if test == "type" and len(criterion.steps) == 1:
        return _of_type(engine, shape, criterion.steps[0], expected)
    raise NotSaid


def _of_type(engine: Engine, shape: Shape, step: tuple[str, str], codes: tuple[str, ...]) -> Schema:
    """Where a member of the item has a value of one of the types."""
    kind, name = step
    if kind != "member":
        raise NotSaid
    names: list[str] = []
    members = [m for m in shape.members.values() if m.name == name or m.group == f"{name}[x]"]
    for member in members:
        if member.type in ANY_RESOURCE:
            raise NotSaid
        inner = engine.shapes.find(member.type)
        if member.type in codes or (inner is not None and any(above in codes for above in inner.ancestors)):
            names += [member.name, "_" + member.name] if member.primitive else [member.name]
    if not names:
        return {"not": {}}
    there = {member.name for member in members}
    if there <= set(names) and any(count.min and there == set(count.names) for count in shape.counts):
        return {}  # any type will do, and one of them has to be there
    return {"required": names} if len(names) == 1 else {"anyOf": [{"required": [one]} for one in names]}


def _at(engine: Engine, shape: Shape, steps: tuple[tuple[str, str], ...], leaf: Schema | None, part: Rules) -> Schema:
    """Where some value at the end of `steps` satisfies `leaf` (None: where there is any)."""
    if not steps:
        if leaf is None:
            raise NotSaid
        return _typed(engine, leaf, shape.name)
    (kind, name), rest = steps[0], steps[1:]
    if kind == "extension":
        extension = engine.shapes["Extension"]
        named: Schema = {"required": ["url"], "properties": {"url": {"const": name}}}
        inner = _at(engine, extension, rest, leaf, part) if rest or leaf is not None else None
        return {"required": ["extension"], "properties": {"extension": {"contains": both(named, inner)}}}
    members = [m for m in shape.members.values() if m.name == name or m.group == f"{name}[x]"]
    ways = [_through(engine, member, rest, leaf, part) for member in members]
    if not ways:
        raise NotSaid
    return ways[0] if len(ways) == 1 else {"anyOf": ways}


def _through(engine: Engine, member: Member, rest: tuple[Any, ...], leaf: Schema | None, part: Rules) -> Schema:
    if not rest and leaf is None:
        names = (member.name, "_" + member.name) if member.primitive else (member.name,)
        ways: list[Schema] = [{"required": [name]} for name in names]
        return ways[0] if len(ways) == 1 else {"anyOf": ways}
    inner = member.shape or engine.shapes[member.type]
    below = _at(engine, inner, rest, leaf, part) if rest else _typed(engine, leaf or {}, member.type)
    return {"required": [member.name], "properties": {member.name: {"contains": below} if member.many else below}}


def _typed(engine: Engine, leaf: Schema, type: str) -> Schema:
    """A leaf that asks Python must be told of which type the value is."""
    if CHECK not in leaf:
        return leaf
    kind, value_set, said = leaf[CHECK]
    members = members_of_set(engine, value_set, type, said)
    if members is not None:
        return members
    return {CHECK: [kind, value_set, type, said]}


def members_of_set(engine: Engine, value_set: str, type: str, said: str) -> Schema | None:
    """Just the values of a type that are in a value set asked for by the rule `said`; None if they are not few."""
    found = engine.terminology.codes(value_set, scope=engine.scope_of_rule(said))
    return None if found is None or len(found) > _MOST_LISTED else listed(found, type)


def chain(before: list[Schema], match: Schema) -> Schema:
    """The items of a slice that no earlier slice takes; `match` is added to `before`."""
    earlier = [other for other in before if not _apart(other, match)]
    before.append(match)
    return match if not earlier else {"allOf": [match, *({"not": other} for other in earlier)]}


def implied(asked: Schema, match: Schema) -> bool:
    """Whether what is asked of a slice's items is no more than what tells them."""
    if asked.keys() == {"properties"} and match.keys() >= {"properties", "required"}:
        named = match["properties"]
        return all(name in match["required"] and named.get(name) == said for name, said in asked["properties"].items())
    return asked == match or (asked.keys() == {"anyOf"} and match in asked["anyOf"])


def at_most(counts: list[Schema]) -> list[Schema]:
    """Counts of slices, such that those that only say how many there may be are not looked at in a short list."""
    optional = [count for count in counts if count["minContains"] == 0]
    if not optional:
        return counts
    least = min(count["maxContains"] for count in optional)
    rest = [count for count in counts if count["minContains"]]
    return [*rest, {"if": {"minItems": least + 1}, "then": {"allOf": optional}}]


def _apart(one: Schema, other: Schema) -> bool:
    """Whether no item can satisfy both: some single member is asked to have different constants."""
    if "const" in one and "const" in other:
        return bool(one["const"] != other["const"])
    mine, theirs = one.get("properties"), other.get("properties")
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return False
    return any(
        name in one.get("required", ()) and name in other.get("required", ()) and _apart(mine[name], theirs[name])
        for name in mine.keys() & theirs.keys()
    )
