"""Invariants as JSON Schema, where an invariant only asks what is there and which code it has.

A translation is exact on data that has the shape of its type: the schema holds just where the expression is true. What
cannot be said exactly is not translated and runs as FHIRPath.
"""

from __future__ import annotations

from builtins import type as type_of
from collections.abc import Callable, Sequence

from gateway.fhirpath import FhirPathError, Model
from gateway.fhirpath.compiler import CONSTANTS
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.model import PRIMITIVES, Field
from gateway.fhirpath.parser import parse
from gateway.fhirpath.syntax import Binary, Call, External, Literal, Member, Syntax, TypeTest, Variable
from gateway.validation.compiled import ANY_RESOURCE
from gateway.validation.schema_elements import merged
from gateway.validation.schema_values import Schema

Sides = tuple[Schema, Schema]
"""(where the expression is true, where it is false); elsewhere it is empty."""
Some = Callable[[Schema | None], Schema]
Way = tuple[str, Some]
NEVER: Schema = {"not": {}}
_DATES = frozenset(("datetime", "date", "instant"))
_NUMBERS = frozenset(("decimal", "integer", "positiveInt", "unsignedInt"))
_BOUNDS = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_TEXTS = frozenset(("string", "code", "uri", "id", "canonical", "url"))


class NotExact(Exception):
    """The expression says more than a schema can."""


def translated(expression: str, *, model: Model, type: str, values: frozenset[str] | None = None) -> Schema | None:
    """The schema that holds for an object of FHIR `type` where `expression` is true; None if there is none.

    `values` are the types that an extension can have there (None: any)."""
    try:
        return Translation(model, values).sides(parse(corrected(expression)), type)[0]
    except (NotExact, FhirPathError):
        return None


class Translation:
    """What expressions say about objects of a type."""

    def __init__(self, model: Model, values: frozenset[str] | None) -> None:
        self._model = model
        self._values = values

    def sides(self, node: Syntax, type: str) -> Sides:
        match node:
            case Binary("and" | "or" | "implies" | "xor" as operator, left, right):
                return _logic(operator, self.sides(left, type), self.sides(right, type))
            case Binary("=" | "!=" as operator, left, Literal(value)) if isinstance(value, str | bool):
                return self._compared(left, [value], type, same=operator == "=")
            case Binary("=" | "!=" as operator, left, External(name)) if name in CONSTANTS:
                return self._compared(left, [CONSTANTS[name]], type, same=operator == "=")
            case Binary(">" | ">=" | "<" | "<=" as operator, left, Literal(value)) if type_of(value) is int:
                return (self._ordered if isinstance(left, Member) else self._counted)(operator, left, value, type)
            case TypeTest("is", Variable("this"), wanted) if type not in PRIMITIVES and wanted.lower() in _DATES:
                return NEVER, {}  # something that has members is no date
            case Call(Member(None, name), "is", (Member(None, wanted),)):
                return self._of_type(name, wanted, type)
            case Binary("in", left, right):
                return self._compared(left, _texts(right), type, same=True)
            case Call(target, "exists", ()) if target is not None:
                return two_valued(self.some(target, type, None))
            case Call(target, "exists", (criterion,)) if target is not None:
                return two_valued(self.some(Call(target, "where", (criterion,)), type, None))
            case Call(target, "empty", ()) if target is not None:
                true, false = two_valued(self.some(target, type, None))
                return false, true
            case Call(target, "not", ()) if target is not None:
                true, false = self.sides(target, type)
                return false, true
            case Call(Member(None, name), "hasValue", ()):
                return two_valued({"required": [self._single(name, type).key]})
            case Call(target, "trace", _) if target is not None:
                return self.sides(target, type)
        raise NotExact

    def _counted(self, operator: str, left: Syntax, number: int, type: str) -> Sides:
        """How many items there are at some paths together."""
        least = number + (operator in (">", "<="))
        paths = summed(left)
        if least == 1:
            there = any_of([self.some(path, type, None) for path in paths])
        elif least > 1 and len(paths) == 1 and isinstance(paths[0], Member) and paths[0].target is None:
            fields = self.fields(paths[0].name, type)
            if len(fields) != 1 or fields[0].primitive or not fields[0].many:
                raise NotExact
            key = fields[0].key
            there = {"required": [key], "properties": {key: {"minItems": least}}}
        else:
            raise NotExact
        return two_valued(there) if operator in (">", ">=") else (two_valued(there)[1], there)

    def _of_type(self, name: str, wanted: str, type: str) -> Sides:
        """Whether the one value of a choice is of a type that has members."""
        fields = self.fields(name, type)
        fitting = [field for field in fields if wanted in self._model.ancestors(field.type)]
        if not fitting or any(field.many for field in fields) or any(field.primitive for field in fitting):
            raise NotExact
        rest = [field for field in fields if field not in fitting]
        return any_of([_held(field)(None) for field in fitting]), any_of([_held(field)(None) for field in rest])

    def _ordered(self, operator: str, left: Syntax, number: int, type: str) -> Sides:
        """A number of the focus compared with a whole number."""
        if not isinstance(left, Member) or left.target is not None:
            raise NotExact
        field = self._single(left.name, type)
        if field.type not in _NUMBERS:
            raise NotExact
        sides: list[Schema] = [
            {"required": [field.key], "properties": {field.key: {bound: number}}}
            for bound in (_BOUNDS[operator], _BOUNDS[_OPPOSITES[operator]])
        ]
        return sides[0], sides[1]

    def fields(self, name: str, type: str) -> tuple[Field, ...]:
        """The members that a name means in an object of `type`."""
        fields = self._model.fields(type, name)
        if name[:1].isupper() or (fields and type in PRIMITIVES):
            raise NotExact  # a type's name is the focus itself; the members of primitives stand elsewhere
        return fields

    def _single(self, name: str, type: str) -> Field:
        fields = self.fields(name, type)
        if len(fields) != 1 or fields[0].many or not fields[0].primitive:
            raise NotExact
        return fields[0]

    def text(self, name: str, type: str) -> str:
        """The JSON name of a member of `type` that is a single text."""
        field = self._single(name, type)
        if field.type not in _TEXTS:
            raise NotExact
        return field.key

    def _compared(self, left: Syntax, values: Sequence[str | bool], type: str, *, same: bool) -> Sides:
        """A member of the focus, or of a single object below it, compared with constants."""
        if isinstance(left, Call) and left.name == "trace" and left.target is not None:
            return self._compared(left.target, values, type, same=same)
        if not isinstance(left, Member):
            raise NotExact
        at = type if left.target is None else self._single_object(left.target, type)
        if at is None or not self.fields(left.name, at):
            return NEVER, NEVER  # no such member: empty, neither true nor false
        fields = self.fields(left.name, at)
        if left.target is None and len(fields) == 1 and not fields[0].many and not fields[0].primitive:
            unequal: Schema = {"required": [fields[0].key]}  # an object equals no constant
            return (NEVER, unequal) if same else (unequal, NEVER)
        field = self._single(left.name, at)
        if field.type not in (("boolean",) if isinstance(values[0], bool) else _TEXTS):
            raise NotExact
        known = {"required": [field.key], "properties": {field.key: {"enum": list(values)}}}
        other = {"required": [field.key], "properties": {field.key: {"not": {"enum": list(values)}}}}
        if left.target is not None:
            known, other = (self.some(left.target, type, schema) for schema in (known, other))
        return (known, other) if same else (other, known)

    def _single_object(self, node: Syntax, type: str) -> str | None:
        """The type of the one object that may be at a path; None where there can be none."""
        wanted: str | None = None
        match node:
            case Call(target, "ofType", (Member(None, wanted),)):
                node = target or Variable("this")
        if node == Variable("this"):
            kinds = [(type, False)]
        elif isinstance(node, Member):
            at = type if node.target is None else self._single_object(node.target, type)
            kinds = [(field.type, field.many) for field in self.fields(node.name, at)] if at is not None else []
        else:
            raise NotExact
        if wanted is not None:
            kinds = [(kind, many) for kind, many in kinds if wanted in self._model.ancestors(kind)]
            if not kinds:
                return None
        if len(kinds) != 1 or kinds[0][1] or kinds[0][0] in PRIMITIVES:
            raise NotExact
        return kinds[0][0]

    def some(self, path: Syntax, type: str, item: Schema | None) -> Schema:
        """Where some item at `path` satisfies `item` (None: where there is any)."""
        return any_of([some(item) for _, some in self.path(path, type)])

    def path(self, path: Syntax, type: str) -> list[Way]:
        """The types that items at a path may have, each with how to say that one of them satisfies a schema."""
        match path:
            case Variable("this"):
                return [(type, lambda item: {} if item is None else item)]
            case Call(None, "where" | "ofType", _):
                return self.path(Call(Variable("this"), path.name, path.arguments), type)
            case Call(target, "trace", _) if target is not None:
                return self.path(target, type)
            case Member(None, name):
                return self._members(name, type)
            case Member(target, name) if target is not None:
                return [
                    (kind, _inside(outer, inner))
                    for above, outer in self.path(target, type)
                    for kind, inner in self._members(name, above)
                ]
            case Call(target, "where", (criterion,)) if target is not None:
                return [(kind, _kept(some, self.sides(criterion, kind)[0])) for kind, some in self.path(target, type)]
            case Call(target, "ofType", (Member(None, wanted),)) if target is not None:
                ancestors = self._model.ancestors
                return [way for way in self.path(target, type) if wanted in ancestors(way[0])]
            case Call(target, "extension", (Literal(url),)) if isinstance(url, str):
                named: Schema = {"required": ["url"], "properties": {"url": {"const": url}}}
                return [(kind, _kept(some, named)) for kind, some in self.path(Member(target, "extension"), type)]
        raise NotExact

    def _members(self, name: str, type: str) -> list[Way]:
        """The members that a name means; none where the type has no such member, which is then always empty."""
        fields = self.fields(name, type)
        if any(field.type in ANY_RESOURCE for field in fields):
            raise NotExact
        if type == "Extension" and name == "value" and self._values is not None:
            fields = tuple(field for field in fields if field.type in self._values)
        return [(field.type, _held(field)) for field in fields]


def _held(field: Field) -> Some:
    def some(item: Schema | None) -> Schema:
        if item is None:
            keys = (field.key, "_" + field.key) if field.primitive else (field.key,)
            return any_of([{"required": [key]} for key in keys])
        if field.primitive:
            raise NotExact
        return {"required": [field.key], "properties": {field.key: {"contains": item} if field.many else item}}

    return some


def _inside(outer: Some, inner: Some) -> Some:
    return lambda item: outer(inner(item))


def _kept(some: Some, kept: Schema) -> Some:
    if kept == NEVER:
        return lambda item: NEVER
    return lambda item: some(kept if item is None else {"allOf": [kept, item]})


def summed(node: Syntax) -> list[Syntax]:
    """The paths whose items a sum of counts counts."""
    match node:
        case Call(target, "count", ()) if target is not None:
            return [target]
        case Binary("+", left, right):
            return [*summed(left), *summed(right)]
    raise NotExact


def _texts(node: Syntax) -> list[str]:
    match node:
        case Literal(value) if isinstance(value, str):
            return [value]
        case Binary("|", left, right):
            return [*_texts(left), *_texts(right)]
    raise NotExact


def any_of(parts: list[Schema]) -> Schema:
    """Some of the schemas holds; as little as says it."""
    if {} in parts:
        return {}
    kept = [part for part in parts if part != NEVER] or [NEVER]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def all_of(parts: list[Schema]) -> Schema:
    """All of the schemas hold; as little as says it."""
    return NEVER if NEVER in parts else merged([part for part in parts if part])


def two_valued(true: Schema) -> Sides:
    return true, NEVER if not true else {} if true == NEVER else {"not": true}


def _logic(operator: str, left: Sides, right: Sides) -> Sides:
    (a, not_a), (b, not_b) = left, right
    match operator:
        case "and":
            return all_of([a, b]), any_of([not_a, not_b])
        case "or":
            return any_of([a, b]), all_of([not_a, not_b])
        case "implies":
            return any_of([not_a, b]), all_of([a, not_b])
    return (
        any_of([all_of([a, not_b]), all_of([not_a, b])]),
        any_of([all_of([a, b]), all_of([not_a, not_b])]),
    )
