"""Syntax tree to closures: terms, members, types; operators and functions live in modules of their own."""

from __future__ import annotations

from typing import Any

from gateway.fhirpath import functions, operators
from gateway.fhirpath.code import EMPTY, FUNCTIONS, Code, Scope, Truth, constant, from_truth, nothing, truth_of
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed, Unsupported
from gateway.fhirpath.model import Field, Model
from gateway.fhirpath.navigate import member, typed
from gateway.fhirpath.quantity import UCUM
from gateway.fhirpath.syntax import (
    Binary,
    Call,
    External,
    Item,
    Literal,
    Member,
    Syntax,
    TypeTest,
    Unary,
    Variable,
)
from gateway.fhirpath.values import ABSTRACT, type_of

CONSTANTS = {"ucum": UCUM, "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_VALUE_SET = "http://hl7.org/fhir/ValueSet/"
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
assert functions.LOADED


class Compiler:
    """Compiles one expression. `unknown` gathers members that the model does not have where they are asked."""

    def __init__(self, model: Model, *, resource: str | None, context: str | None) -> None:
        self.model = model
        self.resource = resource
        self.context = context
        self.unknown: list[str] = []

    def code(self, node: Syntax, scope: Scope) -> Code:
        """Compile `node` where `$this` is what `scope` says."""
        match node:
            case Literal(value):
                return constant(EMPTY if value is None else [value], _literal_type(value))
            case Variable(name):
                return self._variable(name, scope)
            case External(name):
                return self._external(name)
            case Member(target, name):
                return self._member(target, name, scope)
            case Call(target, name, _):
                return self._call(node, target, name, scope)
            case Item(target, index):
                return self._item(self.code(target, scope), self.code(index, scope))
            case TypeTest(operator, operand, name):
                return self.type_test(operator, operand, name, scope)
            case Unary():
                return operators.unary(self, node, scope)
            case Binary():
                return operators.binary(self, node, scope)

    def truth(self, node: Syntax, scope: Scope) -> Truth:
        return truth_of(self.code(node, scope))

    def focus(self, scope: Scope) -> Code:
        """Code for `$this`."""
        if scope.nothing:
            return nothing()
        return Code(lambda t, e: [t], scope.type, single=True, focus=True)

    def _variable(self, name: str, scope: Scope) -> Code:
        if name == "this":
            return self.focus(scope)
        if name == "index":
            return Code(lambda t, e: [e.index], "System.Integer", single=True)
        return Code(lambda t, e: e.total)

    def _external(self, name: str) -> Code:
        if name in ("resource", "rootResource", "context"):
            return self._surrounding(name)
        if name in CONSTANTS:
            return constant([CONSTANTS[name]], "System.String")
        if name.startswith("vs-"):
            return constant([_VALUE_SET + name[3:]], "System.String")
        if name.startswith("ext-"):
            return constant([_EXTENSION + name[4:]], "System.String")
        raise Unsupported(f"the variable %{name[:64]} is not known")

    def _surrounding(self, name: str) -> Code:
        def resource(t: Any, e: Env) -> list[Any]:
            return EMPTY if e.resource is None else [e.resource]

        def root(t: Any, e: Env) -> list[Any]:
            return EMPTY if e.root is None else [e.root]

        if name == "resource":
            return Code(resource, self.resource or "Resource", single=True)
        if name == "rootResource":
            return Code(root, "Resource", single=True)
        return Code(lambda t, e: [e.context], self.context, single=True)

    def _member(self, target: Syntax | None, name: str, scope: Scope) -> Code:
        if target is None and name[:1].isupper():
            known = self._named_type(name, scope)
            if known is not None:
                return known
        source = self.focus(scope) if target is None else self.code(target, scope)
        found = member(self.model, source, name)
        if found is None:
            self.unknown.append(f"{source.type}.{name}")
            return nothing()
        return found

    def _named_type(self, name: str, scope: Scope) -> Code | None:
        """A path may open with the type that the focus must be."""
        if self.model.info(name) is None:
            return None
        if scope.nothing:
            return nothing()
        if scope.type is None or scope.type in ABSTRACT:
            ancestors = self.model.ancestors

            def check(t: Any, e: Env) -> list[Any]:
                kind = type_of(t, None)
                return [t] if kind is not None and name in ancestors(kind) else EMPTY

            return Code(check, name, single=True)
        return self.focus(scope) if name in self.model.ancestors(scope.type) else nothing()

    def _call(self, node: Call, target: Syntax | None, name: str, scope: Scope) -> Code:
        entry = FUNCTIONS.get(name)
        if entry is None:
            raise Unsupported(f"the function {name[:64]}() is not supported")
        least, most, build = entry
        if not least <= len(node.arguments) <= most:
            raise Unsupported(f"{name}() with {len(node.arguments)} arguments is not supported")
        if name in ("is", "as", "ofType"):
            operand = Variable("this") if target is None else target
            return self.type_test(name, operand, functions.type_argument(node), scope)
        source = self.focus(scope) if target is None else self.code(target, scope)
        return build(self, node, source, scope)

    def _item(self, source: Code, index: Code) -> Code:
        fn, at = source.fn, index.fn

        def pick(t: Any, e: Env) -> list[Any]:
            items, places = fn(t, e), at(t, e)
            if not places:
                return EMPTY
            place = places[0]
            if len(places) > 1 or type(place) is not int:
                raise Failed("an index is not one integer")
            return items[place : place + 1] if place >= 0 else EMPTY

        return Code(pick, source.type, single=True)

    # Types

    def type_test(self, operator: str, operand: Syntax, name: str, scope: Scope) -> Code:
        """`is`, `as` and `ofType`."""
        wanted = self.model.resolve(name)
        if wanted is None:
            raise Unsupported(f"the type {name[:64]} is not known")
        if operator == "is":
            resolved = functions.resolved_type(self, operand, wanted, scope)
            if resolved is not None:
                return resolved
        fields = self.choice(operand, scope)
        if fields is not None and operator != "is":
            source, options = fields
            kept = tuple(field for field in options if self._is(field.type, wanted))
            return typed(source, kept) if kept else nothing()
        return self._typed_items(operator, self.code(operand, scope), wanted)

    def choice(self, node: Syntax, scope: Scope) -> tuple[Code, tuple[Field, ...]] | None:
        """The source and fields of `node` where it is a choice element of a known type."""
        if not isinstance(node, Member) or (node.target is None and scope.nothing):
            return None
        source = self.focus(scope) if node.target is None else self.code(node.target, scope)
        if source.type is None or source.const is not None:
            return None
        fields = self.model.fields(source.type, node.name)
        return (source, fields) if len(fields) > 1 else None

    def _is(self, kind: str | None, wanted: str) -> bool:
        if kind is None:
            return False
        if kind.startswith("System."):
            return kind == wanted or kind[7:].lower() == wanted.lower()
        if wanted.startswith("System."):
            return False
        return wanted in self.model.ancestors(kind)

    def _typed_items(self, operator: str, source: Code, wanted: str) -> Code:
        fn, static, known = source.fn, source.type, self._is
        fixed = None if static is None or static in ABSTRACT else known(static, wanted)
        if operator != "is":
            if fixed is not None:
                return source if fixed else nothing()

            def keep(t: Any, e: Env) -> list[Any]:
                return [_bare(item) for item in fn(t, e) if known(type_of(item, static), wanted)]

            return Code(keep, wanted if not wanted.startswith("System.") else None, single=source.single)

        def test(t: Any, e: Env) -> bool | None:
            items = fn(t, e)
            if len(items) != 1:
                return None if not items else False
            return known(type_of(items[0], static), wanted) if fixed is None else fixed

        return from_truth(test)


def _bare(item: Any) -> Any:
    """An item whose type is from now on known statically: only primitives keep their Node."""
    value = getattr(item, "value", item)
    return value if isinstance(value, dict) else item


def _literal_type(value: Any) -> str | None:
    return None if value is None else type_of(value, None)
