"""FHIRPath text into a syntax tree, by precedence climbing with bounded depth.

https://hl7.org/fhirpath/N1/#operator-precedence
"""

from __future__ import annotations

from decimal import Decimal

from gateway.fhirpath.errors import SyntaxFault
from gateway.fhirpath.lexer import Token, tokens, unquoted
from gateway.fhirpath.quantity import CALENDAR_UNITS, Quantity
from gateway.fhirpath.syntax import Binary, Call, External, Item, Literal, Member, Syntax, TypeTest, Unary, Variable
from gateway.fhirpath.temporal import Temporal

MAX_DEPTH = 100
"""Levels of nesting of an expression; published ones stay below 30."""

_BINDING = {  # operator -> binding power, stronger binds tighter
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    ">": 6,
    "<=": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_UNARY = 11
_ALSO_NAMES = frozenset({"as", "is", "in", "contains"})
_WORDS = frozenset(word for word in _BINDING if word.isalpha()) - _ALSO_NAMES | {"true", "false"}


def parse(expression: str) -> Syntax:
    """The syntax tree of `expression`, or SyntaxFault saying where it cannot be read."""
    reader = _Parser(expression)
    tree = reader.expression(0)
    if reader.token.kind != "end":
        reader.refuse("an operator or the end")
    return tree


class _Parser:
    def __init__(self, expression: str) -> None:
        self.source = expression
        self.rest = iter(tokens(expression))
        self.token = next(self.rest)
        self.depth = 0

    def refuse(self, expected: str) -> None:
        raise SyntaxFault(f"expected {expected} at character {self.token.at} of {self.source!r}")

    def next(self) -> Token:
        token = self.token
        self.token = next(self.rest, token)
        return token

    def take(self, text: str) -> bool:
        if self.token.kind == "operator" and self.token.text == text:
            self.next()
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            self.refuse(f"'{text}'")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SyntaxFault(f"the expression is nested deeper than {MAX_DEPTH} levels")

    def expression(self, binding: int) -> Syntax:
        self.deeper()
        levels = self.depth
        left = self.unary()
        while True:
            operator = self.token.text if self.token.kind in ("operator", "name") else ""
            power = _BINDING.get(operator, 0)
            if power == 0 or power <= binding:
                break
            self.next()
            self.deeper()  # a chain of operators nests to the left
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self.type_name())
            else:
                left = Binary(operator, left, self.expression(power))
        self.depth = levels - 1
        return left

    def unary(self) -> Syntax:
        for sign in ("+", "-"):
            if self.take(sign):
                return Unary(sign, self.expression(_UNARY))
        return self.postfix(self.term())

    def postfix(self, left: Syntax) -> Syntax:
        levels = self.depth
        while True:
            if self.take("."):
                self.deeper()
                left = self.invocation(left)
            elif self.take("["):
                self.deeper()
                left = Item(left, self.expression(0))
                self.need("]")
            else:
                self.depth = levels
                return left

    def invocation(self, target: Syntax | None) -> Syntax:
        token = self.token
        if token.kind == "variable":
            self.next()
            return Variable(token.text[1:])
        if token.kind not in ("name", "quoted"):
            self.refuse("a name")
        self.next()
        name = unquoted(token.text) if token.kind == "quoted" else token.text
        if token.kind == "name" and self.take("("):
            return Call(target, name, self.arguments())
        return Member(target, name)

    def arguments(self) -> tuple[Syntax, ...]:
        if self.take(")"):
            return ()
        found = [self.expression(0)]
        while self.take(","):
            found.append(self.expression(0))
        self.need(")")
        return tuple(found)

    def type_name(self) -> str:
        names = [self.identifier()]
        while self.take("."):
            names.append(self.identifier())
        return ".".join(names)

    def identifier(self) -> str:
        token = self.token
        if token.kind == "quoted":
            return unquoted(self.next().text)
        if token.kind != "name":
            self.refuse("a type")
        return self.next().text

    def term(self) -> Syntax:
        token = self.token
        if token.kind == "operator":
            return self.bracketed()
        if token.kind == "name" and token.text in _WORDS:
            return self.boolean()
        if token.kind in ("name", "quoted", "variable"):
            return self.invocation(None)
        if token.kind == "end":
            self.refuse("a term")
        self.next()
        if token.kind == "string":
            return Literal(unquoted(token.text))
        if token.kind == "number":
            return self.number(token.text)
        if token.kind == "temporal":
            return self.temporal(token)
        name = token.text[1:]
        return External(unquoted(name) if name[0] in "'`" else name)

    def bracketed(self) -> Syntax:
        if self.take("("):
            inner = self.expression(0)
            self.need(")")
            return inner
        if self.take("{"):
            self.need("}")
            return Literal(None)
        self.refuse("a term")
        raise AssertionError

    def boolean(self) -> Syntax:
        if self.token.text not in ("true", "false"):
            self.refuse("a term")
        return Literal(self.next().text == "true")

    def temporal(self, token: Token) -> Syntax:
        value = Temporal.parse(token.text[1:])
        if value is None:
            raise SyntaxFault(f"no such date or time at character {token.at} of {self.source!r}")
        return Literal(value)

    def number(self, text: str) -> Syntax:
        value = Decimal(text) if "." in text else int(text)
        unit = self.token
        if unit.kind == "string":
            self.next()
            return Literal(Quantity(Decimal(value), unquoted(unit.text)))
        if unit.kind == "name" and unit.text in CALENDAR_UNITS:
            self.next()
            return Literal(Quantity(Decimal(value), CALENDAR_UNITS[unit.text], calendar=True))
        return Literal(value)
