"""Invariants as JSON Schema, where an invariant only asks what is there and which code it has.

A translation is exact on data that has the shape of its type: the schema holds just where the expression is true. What
cannot be said exactly is not translated and runs as FHIRPath.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.fhirpath import FhirPathError, Model
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.model import PRIMITIVES, Field
from gateway.fhirpath.parser import parse
from gateway.fhirpath.syntax import Binary, Call, Literal, Member, Syntax
from gateway.validation.schema_values import Schema

Sides = tuple[Schema, Schema]
"""(where the expression is true, where it is false); elsewhere it is empty."""
Some = Callable[[Schema | None], Schema]
Way = tuple[str, Some]
_NEVER: Schema = {"not": {}}
_TEXTS = frozenset(("string", "code", "uri", "id", "canonical", "url"))


class _NotExact(Exception):
    """The expression says more than a schema can."""


def translated(expression: str, *, model: Model, type: str, values: frozenset[str] | None = None) -> Schema | None:
    """The schema that holds for an object of FHIR `type` where `expression` is true; None if there is none.

    `values` are the types that an extension can have there (None: any)."""
    if type in PRIMITIVES:
        return None
    try:
        return _Translation(model, values).sides(parse(corrected(expression)), type)[0]
    except (_NotExact, FhirPathError):
        return None


def enough(expression: str, *, model: Model, type: str, values: frozenset[str] | None = None) -> Schema | None:
    """A schema that suffices for `expression` to be true, where there is a simple one: a cheap way out before FHIRPath
    is asked."""
    if type in PRIMITIVES:
        return None
    ways: list[Schema] = []
    translation = _Translation(model, values)
    try:
        tree = parse(corrected(expression))
    except FhirPathError:
        return None
    for part, wanted in _ways(tree):
        try:
            ways.append(translation.sides(part, type)[0 if wanted else 1])
        except _NotExact:
            continue
    return _any(ways) if ways else None


def _ways(node: Syntax) -> list[tuple[Syntax, bool]]:
    """Parts of an expression any of which, with that truth value, makes the whole true."""
    match node:
        case Binary("or", left, right):
            return [*_ways(left), *_ways(right)]
        case Binary("implies", left, right):
            return [(left, False), *_ways(right)]
    return [(node, True)]


class _Translation:
    def __init__(self, model: Model, values: frozenset[str] | None) -> None:
        self._model = model
        self._values = values

    def sides(self, node: Syntax, type: str) -> Sides:
        match node:
            case Binary("and" | "or" | "implies" | "xor" as operator, left, right):
                return _logic(operator, self.sides(left, type), self.sides(right, type))
            case Binary("=" | "!=" as operator, left, Literal(value)) if isinstance(value, str):
                return self._compared(left, [value], type, same=operator == "=")
            case Binary("in", left, right):
                return self._compared(left, _texts(right), type, same=True)
            case Call(target, "exists", ()) if target is not None:
                return _two_valued(self._some(target, type, None))
            case Call(target, "exists", (criterion,)) if target is not None:
                return _two_valued(self._some(Call(target, "where", (criterion,)), type, None))
            case Call(target, "empty", ()) if target is not None:
                true, false = _two_valued(self._some(target, type, None))
                return false, true
            case Call(target, "not", ()) if target is not None:
                true, false = self.sides(target, type)
                return false, true
            case Call(Member(None, name), "hasValue", ()):
                return _two_valued({"required": [self._single(name, type).key]})
        raise _NotExact

    def _single(self, name: str, type: str) -> Field:
        fields = self._model.fields(type, name)
        if len(fields) != 1 or fields[0].many or not fields[0].primitive:
            raise _NotExact
        return fields[0]

    def _compared(self, left: Syntax, values: list[str], type: str, *, same: bool) -> Sides:
        """A text member of the focus, or of a single object below it, compared with texts."""
        if not isinstance(left, Member):
            raise _NotExact
        at = type if left.target is None else self._single_object(left.target, type)
        if not self._model.fields(at, left.name):
            return _NEVER, _NEVER  # no such member: empty, neither true nor false
        fields = self._model.fields(at, left.name)
        if left.target is None and len(fields) == 1 and not fields[0].many and not fields[0].primitive:
            unequal: Schema = {"required": [fields[0].key]}  # an object equals no text
            return (_NEVER, unequal) if same else (unequal, _NEVER)
        field = self._single(left.name, at)
        if field.type not in _TEXTS:
            raise _NotExact
        known = {"required": [field.key], "properties": {field.key: {"enum": values}}}
        other = {"required": [field.key], "properties": {field.key: {"not": {"enum": values}}}}
        if left.target is not None:
            known, other = (self._some(left.target, type, schema) for schema in (known, other))
        return (known, other) if same else (other, known)

    def _single_object(self, node: Syntax, type: str) -> str:
        if not isinstance(node, Member):
            raise _NotExact
        at = type if node.target is None else self._single_object(node.target, type)
        fields = self._model.fields(at, node.name)
        if len(fields) != 1 or fields[0].many or fields[0].primitive:
            raise _NotExact
        return fields[0].type

    def _some(self, path: Syntax, type: str, item: Schema | None) -> Schema:
        """Where some item at `path` satisfies `item` (None: where there is any)."""
        return _any([some(item) for _, some in self._path(path, type)])

    def _path(self, path: Syntax, type: str) -> list[Way]:
        """The types that items at a path may have, each with how to say that one of them satisfies a schema."""
        match path:
            case Member(None, name):
                return self._members(name, type)
            case Member(target, name) if target is not None:
                return [
                    (kind, _inside(outer, inner))
                    for above, outer in self._path(target, type)
                    for kind, inner in self._members(name, above)
                ]
            case Call(target, "where", (criterion,)) if target is not None:
                return [(kind, _kept(some, self.sides(criterion, kind)[0])) for kind, some in self._path(target, type)]
            case Call(target, "ofType", (Member(None, wanted),)) if target is not None:
                ancestors = self._model.ancestors
                return [way for way in self._path(target, type) if wanted in ancestors(way[0])]
            case Call(target, "extension", (Literal(url),)) if isinstance(url, str):
                named: Schema = {"required": ["url"], "properties": {"url": {"const": url}}}
                return [(kind, _kept(some, named)) for kind, some in self._path(Member(target, "extension"), type)]
        raise _NotExact

    def _members(self, name: str, type: str) -> list[Way]:
        """The members that a name means; none where the type has no such member, which is then always empty."""
        if type in PRIMITIVES:
            raise _NotExact
        fields = self._model.fields(type, name)
        if any(field.type in ("Resource", "DomainResource") for field in fields):
            raise _NotExact
        if type == "Extension" and name == "value" and self._values is not None:
            fields = tuple(field for field in fields if field.type in self._values)
        return [(field.type, _held(field)) for field in fields]


def _held(field: Field) -> Some:
    def some(item: Schema | None) -> Schema:
        if item is None:
            keys = (field.key, "_" + field.key) if field.primitive else (field.key,)
            return _any([{"required": [key]} for key in keys])
        if field.primitive:
            raise _NotExact
        return {"required": [field.key], "properties": {field.key: {"contains": item} if field.many else item}}

    return some


def _inside(outer: Some, inner: Some) -> Some:
    return lambda item: outer(inner(item))


def _kept(some: Some, kept: Schema) -> Some:
    if kept == _NEVER:
        return lambda item: _NEVER
    return lambda item: some(kept if item is None else {"allOf": [kept, item]})


def _texts(node: Syntax) -> list[str]:
    match node:
        case Literal(value) if isinstance(value, str):
            return [value]
        case Binary("|", left, right):
            return [*_texts(left), *_texts(right)]
    raise _NotExact


def _any(parts: list[Schema]) -> Schema:
    kept = [part for part in parts if part != _NEVER] or [_NEVER]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def _two_valued(true: Schema) -> Sides:
    return true, {"not": true}


def _logic(operator: str, left: Sides, right: Sides) -> Sides:
    (a, not_a), (b, not_b) = left, right
    match operator:
        case "and":
            return {"allOf": [a, b]}, {"anyOf": [not_a, not_b]}
        case "or":
            return {"anyOf": [a, b]}, {"allOf": [not_a, not_b]}
        case "implies":
            return {"anyOf": [not_a, b]}, {"allOf": [a, not_b]}
    differ: Schema = {"anyOf": [{"allOf": [a, not_b]}, {"allOf": [not_a, b]}]}
    return differ, {"anyOf": [{"allOf": [a, b]}, {"allOf": [not_a, not_b]}]}
