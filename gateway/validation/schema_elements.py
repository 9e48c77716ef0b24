"""Small pieces of the schemas of elements: which members, which types, how many, none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.validation.compiled import ANY_RESOURCE, MISSING, Count, Member, Profile, Rules, Shape, TypeRule
from gateway.validation.schema_values import CHECK, Schema

_USUAL = ("CodeableConcept", "Coding", "string", "code", "boolean", "dateTime", "Quantity", "Reference", "Period")
"""Types that choices mostly have."""


def leads_back(shape: Shape) -> bool:
    """Whether some element below has the same content as another one, so that a shape stands in several places."""
    seen: set[int] = set()
    stack = [shape]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            return True
        seen.add(id(one))
        stack += [member.shape for member in one.members.values() if member.shape is not None]
    return False


def members_of(rules: Rules, shape: Shape) -> tuple[Member, ...]:
    if rules.choice:
        return tuple(m for m in shape.members.values() if m.group == f"{rules.name}[x]")
    one = shape.members.get(rules.name)
    return (one,) if one is not None else ()


def never_told(part: Rules) -> bool:
    """Whether membership of the slice needs the target of a reference, which is not at hand in a lone resource."""
    return (
        len(part.criteria) == 1 and part.criteria[0].test == "profile" and part.criteria[0].steps == (("resolve", ""),)
    )


def at_least(member: Member, count: int) -> Schema:
    return {"required": [member.name], "properties": {member.name: {"minItems": count}}} if count else {}


def demands(rules: Rules) -> bool:
    """Whether an object without any of the elements below would break a rule."""
    slices = [part for child in rules.children.values() if child.slicing for part in child.slicing.slices]
    return any(child.min for child in (*rules.children.values(), *slices))


def fitting_types(rules: Rules, member: Member) -> list[TypeRule] | None:
    """The type rules that hold for values of a member; None when the profile does not allow its type."""
    if rules.types is None:
        return []
    found = [t for t in rules.types if t.code == member.type or t.code in ANY_RESOURCE or t.code in ("Element", "*")]
    return found or None


def json_names(member: Member) -> tuple[str, ...]:
    return (member.name, "_" + member.name) if member.primitive else (member.name,)


def forbidden(members: Sequence[Member]) -> Schema:
    return {"properties": {name: False for member in members for name in json_names(member)}}


def present(members: Sequence[Member]) -> Schema:
    """Some of the members is there; the usual ones are looked for first."""
    names = [member.name for member in sorted(members, key=_unusual)]
    names += ["_" + member.name for member in members if member.primitive]
    ways: list[Schema] = [{"required": [name]} for name in names]
    return {"not": {}} if not ways else ways[0] if len(ways) == 1 else {"anyOf": ways}


def _unusual(member: Member) -> int:
    return _USUAL.index(member.type) if member.type in _USUAL else len(_USUAL)


def absent(rules: Rules, members: Sequence[Member]) -> Schema:
    """Accept only data without the element; nothing at all where the element must be there."""
    slices = rules.slicing.slices if rules.slicing is not None else ()
    if rules.min or any(part.min for part in slices):
        return {"not": {}}
    return forbidden(members)


def limited(rules: Rules) -> bool:
    """Whether rules have limits that schemas do not say."""
    return rules.min_value is not MISSING or rules.max_value is not MISSING or bool(rules.extras)


def sayable(profile: Profile) -> bool:
    """Whether schemas say what a profile of a data type asks of the value itself."""
    return profile.derivation == "constraint" and not limited(profile.rules) and profile.rules.binding is None


def merged(parts: list[Schema]) -> Schema:
    """One object schema of many: properties side by side where no name is in two."""
    properties: Schema = {}
    required: list[str] = []
    rest: list[Schema] = []
    for part in parts:
        names = part.get("properties", {})
        if part.keys() <= {"properties", "required"} and not names.keys() & properties.keys():
            properties |= names
            required += part.get("required", [])
        else:
            rest.append(part)
    made: Schema = {}
    if properties:
        made["properties"] = properties
    if required:
        made["required"] = list(dict.fromkeys(required))
    if rest:
        made["allOf"] = rest
    return rest[0] if made.keys() == {"allOf"} and len(rest) == 1 else made


def distinct_urls(urls: Sequence[str]) -> Schema:
    """Two or three extensions, each with another url; all but the last one's are among `urls`."""

    def first(url: str, before: int) -> Schema:
        other = {"properties": {"url": {"not": {"const": url}}}}
        this = {"properties": {"url": {"const": url}}}
        return {"prefixItems": [*([{}] * before), this, *([other] * (2 - before))]}

    second: list[Schema] = [{"maxItems": 2}, *(first(url, 1) for url in urls)]
    return {"maxItems": 3, "anyOf": [first(url, 0) for url in urls], "allOf": [{"anyOf": second}]}


def value_types(rules: Rules) -> frozenset[str] | None:
    """The types of value[x] that an extension and its parts may have by its definition; None when any."""
    value, parts = rules.children.get("value[x]"), rules.children.get("extension")
    found: set[str] = set()
    if value is None or (value.max != 0 and value.types is None):
        return None
    if value.max != 0:
        found |= {rule.code for rule in value.types or ()}
    if parts is not None and parts.max != 0:
        for part in parts.slicing.slices if parts.slicing is not None else ():
            below = value_types(part)
            if below is None:
                return None
            found |= below
    return frozenset(found)


def whole_value(rules: Rules) -> bool:
    """Whether an extension has a value by its definition, and no parts."""
    value = rules.children.get("value[x]")
    return value is None or value.max != 0


def is_recursive(schema: Schema) -> bool:
    """Whether some definition of a document leads back to itself."""
    leads = {name: set(refs(inner)) for name, inner in schema.get("$defs", {}).items()}
    while True:  # take away, again and again, what leads to nothing that is left
        ends = [name for name, found in leads.items() if not found & leads.keys()]
        if not ends:
            return bool(leads)
        for name in ends:
            del leads[name]


def refs(schema: Any) -> Iterator[str]:
    stack = [schema]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"].rpartition("/")[2]
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def counted(count: Count, shape: Shape) -> list[Schema]:
    """How many of a group of members there must and may be."""
    parts: list[Schema] = []
    if count.min:
        parts.append(present([shape.members[name] for name in count.names]))
    if len(count.names) > 1 and shape.name != "Extension":
        needed = [c.names[0] for c in shape.counts if c.min and len(c.names) == 1 and c.names != count.names]
        parts.append(_one_of_types(count, shape, needed))
    return parts


def _one_of_types(count: Count, shape: Shape, needed: list[str]) -> Schema:
    """At most one type of a choice is there, value or extensions. `needed` are other members that have to be."""
    if len(count.names) > 12:
        asked: Schema = {CHECK: ["choice", [*count.names, *(f"_{name}" for name in count.names)]]}
        if not count.min or not needed:
            return asked
        return {"anyOf": [{"required": needed, "maxProperties": len(needed) + 1}, asked]}
    rest: Schema = {}
    for member in (shape.members[name] for name in count.names):
        others: list[Schema] = [{"required": [name]} for name in count.names if name != member.name]
        rest[member.name] = {"not": {"anyOf": others}}
        if member.primitive:
            beside = [name for name in count.names if name != member.name and shape.members[name].primitive]
            rest[f"_{member.name}"] = {"not": {"anyOf": [*others, *({"required": [f"_{name}"]} for name in beside)]}}
    return {"dependentSchemas": rest}
