"""Cheap ways out of invariants that JSON Schema cannot say whole: what suffices for an invariant to be true.

Most resources have none of what such an invariant speaks of; FHIRPath is then not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from gateway.fhirpath import FhirPathError, Model
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.model import PRIMITIVES
from gateway.fhirpath.parser import parse
from gateway.fhirpath.syntax import Binary, Call, Literal, Member, Syntax, TypeTest, Variable
from gateway.validation.schema_invariants import NEVER, NotExact, Translation, all_of, any_of, summed, two_valued
from gateway.validation.schema_values import Schema, listed

_OF_NOTHING = frozenset(
    "where select ofType as first last tail take skip single intersect distinct resolve extension trace repeat "
    "children descendants".split()
)
"""Functions that make nothing of nothing."""
_DATES = frozenset(("date", "dateTime", "instant"))
_SIMPLE = re.compile(r"\^(?:[A-Za-z0-9_|)?*+]|\(\?:|\[\^?(?:0-9|a-z|A-Z|[A-Za-z0-9_{}])+\]|\{[0-9]+\})+\$")
"""Regular expressions that mean the same everywhere."""


Codes = Callable[[str], Iterable[tuple[str, str]] | None]
"""(system, code) of all codes of a value set; None where they cannot be listed."""


def enough(
    expression: str,
    *,
    model: Model,
    type: str,
    values: frozenset[str] | None = None,
    codes: Codes = lambda value_set: None,
) -> Schema | None:
    """A schema that suffices for `expression` to be true on data that has the shape of FHIR `type`, if there is one.

    `values` are the types that an extension can have there (None: any), `codes` gives those of a value set."""
    try:
        found = _Ways(Translation(model, values), type, codes).to(parse(corrected(expression)), wanted=True)
    except FhirPathError:
        return None
    return None if found == NEVER else found


class _Ways:
    def __init__(self, translation: Translation, type: str, codes: Codes) -> None:
        self._translation = translation
        self._type = type
        self._codes = codes

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
            case Call(Call(above, "where", (Call(Member(None, "coding"), "memberOf", (Literal(url),)),)), "exists", ()):
                return self._coded(above, url) if wanted else NEVER
            case Binary("<=", Binary("+") as left, Literal(most)) if wanted and isinstance(most, int) and most > 0:
                return self._few(left, most)
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

    def _coded(self, path: Syntax | None, value_set: object) -> Schema:
        """What suffices for some CodeableConcept at a path to have a code of a value set."""
        known = self._codes(value_set) if isinstance(value_set, str) else None
        if path is None or not known:
            return NEVER
        try:
            ways = self._translation.path(path, self._type)
        except NotExact:
            return NEVER
        return any_of([some(listed(known, "CodeableConcept")) for kind, some in ways if kind == "CodeableConcept"])

    def _few(self, sum_of: Syntax, most: int) -> Schema:
        """What suffices for there to be no more than some items at paths together: nothing but at one of them."""
        try:
            paths = summed(sum_of)
        except NotExact:
            return NEVER
        ways = []
        for path in paths:
            rest = [self._nothing_at(other) for other in paths if other is not path]
            ways.append(all_of([*rest, self._at_most(path, most)]))
        return any_of(ways)

    def _at_most(self, path: Syntax, most: int) -> Schema:
        match path:
            case Member(None, name):
                fields = self._translation.fields(name, self._type)
                return {} if len(fields) == 1 and not fields[0].many else NEVER
            case Call(None, "extension", (Literal(url),)):
                named = {"required": ["url"], "properties": {"url": {"const": url}}}
                return {"properties": {"extension": {"contains": named, "minContains": 0, "maxContains": most}}}
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
