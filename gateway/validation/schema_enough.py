"""Cheap ways out of invariants that JSON Schema cannot say whole: what suffices for an invariant to be true.

Most resources have none of what such an invariant speaks of; FHIRPath is then not asked.
"""

from __future__ import annotations

import re

from gateway.fhirpath import FhirPathError, Model
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.model import PRIMITIVES
from gateway.fhirpath.parser import parse
from gateway.fhirpath.syntax import Binary, Call, Literal, Member, Syntax, TypeTest, Variable
from gateway.validation.schema_invariants import NEVER, NotExact, Translation, all_of, any_of, two_valued
from gateway.validation.schema_values import Schema

_OF_NOTHING = frozenset(
    "where select ofType as first last tail take skip single intersect distinct resolve extension trace repeat "
    "children descendants".split()
)
"""Functions that make nothing of nothing."""
_DATES = frozenset(("date", "dateTime", "instant"))
_SIMPLE = re.compile(r"\^(?:(?:[A-Za-z0-9]|\[(?:0-9|a-z|A-Z|[A-Za-z0-9])+\])(?:\{[0-9]+\})?)+\$")
"""Regular expressions that mean the same everywhere."""


def enough(expression: str, *, model: Model, type: str, values: frozenset[str] | None = None) -> Schema | None:
    """A schema that suffices for `expression` to be true on data that has the shape of FHIR `type`, if there is one.

    `values` are the types that an extension can have there (None: any)."""
    try:
        found = _Ways(Translation(model, values), type).to(parse(corrected(expression)), wanted=True)
    except FhirPathError:
        return None
    return None if found == NEVER else found


class _Ways:
    def __init__(self, translation: Translation, type: str) -> None:
        self._translation = translation
        self._type = type

    def to(self, node: Syntax, *, wanted: bool) -> Schema:
        """What suffices for a condition to be true (or, where not `wanted`, false); NEVER where that is not known."""
        try:
            true, false = self._translation.sides(node, self._type)
        except NotExact:
            return self._part(node, wanted=wanted)
        return true if wanted else false

    def _part(self, node: Syntax, *, wanted: bool) -> Schema:
        match node:
            case Binary("or" | "and" as operator, left, right):
                ways = [self.to(left, wanted=wanted), self.to(right, wanted=wanted)]
                return any_of(ways) if (operator == "or") == wanted else all_of(ways)
            case Binary("implies", left, right):
                ways = [self.to(left, wanted=not wanted), self.to(right, wanted=wanted)]
                return any_of(ways) if wanted else all_of(ways)
            case Call(target, "not", ()) if target is not None:
                return self.to(target, wanted=not wanted)
            case Call(target, "empty" | "isDistinct", ()) | Call(target, "all", _) if target is not None and wanted:
                return self._nothing_at(target)
            case Call(target, "exists", _) if target is not None and not wanted:
                return self._nothing_at(target)
            case Call(Member(None, name), "matches", (Literal(pattern),)) if wanted and isinstance(pattern, str):
                return self._matching(name, pattern)
            case Binary(">=", Call(Call(about, "toString", ()), "length", ()), Literal(least)):
                if wanted and self._type in _DATES and isinstance(least, int) and _itself(about):
                    return {"minLength": least}
        return NEVER

    def _nothing_at(self, path: Syntax) -> Schema:
        """What suffices for there to be nothing at a path."""
        try:
            return two_valued(self._translation.some(path, self._type, None))[1]
        except NotExact:
            pass
        match path:
            case Call(target, name, _) if target is not None and name in _OF_NOTHING:
                return self._nothing_at(target)
            case Member(target, _) if target is not None:
                return self._nothing_at(target)
        return NEVER

    def _matching(self, name: str, pattern: str) -> Schema:
        if self._type in PRIMITIVES or not _SIMPLE.fullmatch(pattern):
            return NEVER
        try:
            key = self._translation.text(name, self._type)
        except NotExact:
            return NEVER
        return {"required": [key], "properties": {key: {"pattern": pattern}}}


def _itself(node: Syntax | None) -> bool:
    """Whether a path is the focus, as whatever date it is."""
    match node:
        case TypeTest("as", operand, type):
            return type in _DATES and operand == Variable("this")
    return node == Variable("this")
