"""Steps from items to their members, as closures specialised on what the model says of the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.fhirpath.code import EMPTY, Code, Fn, Truth, constant, nothing
from gateway.fhirpath.environment import Env
from gateway.fhirpath.model import PRIMITIVES, Field, Model
from gateway.fhirpath.values import ABSTRACT, Node, type_of

_ON_PRIMITIVES = {"id": "string", "extension": "Extension"}


def member(model: Model, source: Code, name: str) -> Code | None:
    """`source.name`; None when the model knows the type of `source` and it has no such member."""
    if source.const == EMPTY:
        return nothing()
    if source.type is None or source.type.startswith("System."):
        return Code(_dynamic(model, source.fn, name))
    if source.type in PRIMITIVES:
        found = _ON_PRIMITIVES.get(name)
        return None if found is None else Code(_of_primitive(source.fn, name), found)
    fields = model.fields(source.type, name)
    if not fields:
        info = model.info(source.type)
        written = info.by_key.get(name) if info else None
        if written is not None:  # `valueDateTime`: the JSON name, as some published expressions say
            fields = (written,)
        elif source.type in ABSTRACT:
            return Code(_dynamic(model, source.fn, name))
        else:
            return None
    return typed(source, fields)


def typed(source: Code, fields: tuple[Field, ...]) -> Code:
    """The items of one field, or of several fields of a choice."""
    if len(fields) > 1:
        return Code(_choice(source, {field.key: field for field in fields}), single=source.single)
    field = fields[0]
    single = source.single and not field.many
    make = _primitive if field.primitive else _complex
    return Code(make(source, field), field.type, single=single)


def presence(source: Code, fields: tuple[Field, ...]) -> Truth | None:
    """A fast `exists()` for members of the focus itself."""
    if not source.focus or not fields:
        return None
    keys = [key for field in fields for key in ((field.key, "_" + field.key) if field.primitive else (field.key,))]
    if len(keys) == 1:
        key = keys[0]
        return lambda t, e: key in t
    if len(keys) == 2:
        first, second = keys
        return lambda t, e: first in t or second in t
    wanted = frozenset(keys)
    return lambda t, e: not wanted.isdisjoint(t)


def _complex(source: Code, field: Field) -> Fn:
    key, fn = field.key, source.fn
    if source.focus and field.many:
        return lambda t, e: t.get(key, EMPTY)
    if source.focus:

        def single(t: Any, e: Env) -> list[Any]:
            value = t.get(key)
            return EMPTY if value is None else [value]

        return single
    if field.many:

        def every(t: Any, e: Env) -> list[Any]:
            items = fn(t, e)
            if len(items) == 1:
                return items[0].get(key, EMPTY)  # type: ignore[no-any-return]
            found: list[Any] = []
            for item in items:
                found += item.get(key, EMPTY)
            return found

        return every
    return lambda t, e: [item[key] for item in fn(t, e) if key in item]


def _primitive(source: Code, field: Field) -> Fn:
    key, other, kind, fn = field.key, "_" + field.key, field.type, source.fn
    if field.many:

        def every(t: Any, e: Env) -> list[Any]:
            found: list[Any] = []
            for item in fn(t, e):
                if other in item:
                    found += _paired(item.get(key, EMPTY), item[other], kind)
                else:
                    found += item.get(key, EMPTY)
            return found

        return every
    if source.focus:

        def single(t: Any, e: Env) -> list[Any]:
            value = t.get(key)
            if other in t:
                return [Node(value, kind, t[other])]
            return EMPTY if value is None else [value]

        return single

    def each(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        for item in fn(t, e):
            value = item.get(key)
            if other in item:
                found.append(Node(value, kind, item[other]))
            elif value is not None:
                found.append(value)
        return found

    return each


def _paired(values: list[Any], elements: list[Any], kind: str) -> list[Any]:
    found: list[Any] = []
    for place in range(max(len(values), len(elements))):
        value = values[place] if place < len(values) else None
        element = elements[place] if place < len(elements) else None
        if value is not None or element is not None:
            found.append(Node(value, kind, element) if element is not None else value)
    return found


def _choice(source: Code, fields: Mapping[str, Field]) -> Fn:
    fn = source.fn

    def choose(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        for item in fn(t, e):
            for key in item:
                field = fields.get(key[1:] if key[0] == "_" else key)
                if field is not None and (key[0] != "_" or field.key not in item):
                    found += nodes(item, field)
        return found

    return choose


def nodes(item: Mapping[str, Any], field: Field) -> list[Node]:
    """What one object holds in a field, as Nodes."""
    value = item.get(field.key)
    if not field.primitive:
        values = value if isinstance(value, list) else ([] if value is None else [value])
        return [Node(one, _own_type(one, field.type)) for one in values]
    element = item.get("_" + field.key)
    if isinstance(value, list) or isinstance(element, list):
        pairs = _paired(value or [], element or [], field.type)
        return [one if type(one) is Node else Node(one, field.type) for one in pairs]
    return [] if value is None and element is None else [Node(value, field.type, element)]


def _own_type(value: Any, static: str) -> str | None:
    return type_of(value, static) if static in ABSTRACT else static


def _dynamic(model: Model, fn: Fn, name: str) -> Fn:
    """The member of items whose types are known only when they are met."""

    def step(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        for item in fn(t, e):
            found += member_nodes(model, item, name)
        return found

    return step


def member_nodes(model: Model, item: Any, name: str) -> list[Any]:
    """The members `name` of one item of any kind."""
    kind = type_of(item, None)
    if type(item) is Node and (kind in PRIMITIVES or item.element is not None):
        return _element_part(item.element, name)
    value = item.value if type(item) is Node else item
    if not isinstance(value, dict):
        return []
    if kind is None:
        return _untyped(value, name)
    fields = model.fields(kind, name)
    if not fields:
        info = model.info(kind)
        written = info.by_key.get(name) if info else None
        fields = (written,) if written else ()
    return [node for field in fields for node in nodes(value, field)]


def _untyped(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if found is None and name != "resourceType":
        for key, candidate in value.items():  # a choice of unknown type
            if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
                suffix = key[len(name) :]
                kind = suffix[0].lower() + suffix[1:]
                return [Node(candidate, kind if kind in PRIMITIVES else suffix)]
        return []
    items = found if isinstance(found, list) else [found]
    return [Node(one, None) if isinstance(one, dict) else one for one in items if one is not None]


def _of_primitive(fn: Fn, name: str) -> Fn:
    def part(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        for item in fn(t, e):
            if type(item) is Node and item.element is not None:
                found += [node.value for node in _element_part(item.element, name)]
        return found

    return part


def _element_part(element: Mapping[str, Any] | None, name: str) -> list[Any]:
    kind = _ON_PRIMITIVES.get(name)
    if element is None or kind is None or name not in element:
        return []
    value = element[name]
    return [Node(one, kind) for one in (value if isinstance(value, list) else [value])]


def children(model: Model, item: Any) -> list[Any]:
    """All members of one item, as Nodes where the type is known."""
    kind = type_of(item, None)
    if type(item) is Node and item.element is not None:
        return [*_element_part(item.element, "id"), *_element_part(item.element, "extension")]
    value = item.value if type(item) is Node else item
    if not isinstance(value, dict):
        return []
    info = model.info(kind) if kind is not None else None
    found: list[Any] = []
    for key, content in value.items():
        if info is None:
            if key != "resourceType":
                found += [Node(one, None) for one in (content if isinstance(content, list) else [content])]
            continue
        field = info.by_key.get(key[1:] if key[0] == "_" else key)
        if field is not None and (key[0] != "_" or field.key not in value):
            found += nodes(value, field)
    return found


def as_nodes(code: Code) -> Code:
    """The same items, each carrying its own type."""
    if code.type is None or code.type.startswith("System."):
        return Code(code.fn, None, code.single, code.truth, code.const)
    fn, kind = code.fn, code.type

    def wrap(t: Any, e: Env) -> list[Any]:
        return [item if type(item) is Node else Node(item, type_of(item, kind)) for item in fn(t, e)]

    if code.const is not None:
        return constant(wrap(None, Env()), None)
    return Code(wrap, None, code.single, code.truth)
