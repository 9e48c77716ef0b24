"""Expressions: compiled once, kept, and run on plain JSON."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from gateway.fhirpath.code import Code, Scope, mentions, truth_of
from gateway.fhirpath.compiler import Compiler
from gateway.fhirpath.environment import BUDGET, Env
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.errors import Failed, FhirPathError, TooCostly
from gateway.fhirpath.model import PRIMITIVES, Model
from gateway.fhirpath.parser import parse
from gateway.fhirpath.values import Node, raw, type_of

_MISFITS = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError)


class Expression:
    """A compiled expression. `type` is the FHIR type of its focus; `unknown` names members it asks for that the model
    does not have there (they are always empty); `alone` says that it asks nothing of the surroundings, so that any Env
    will do."""

    __slots__ = ("_code", "_truth", "alone", "source", "type", "unknown")

    def __init__(
        self, source: str, code: Code, *, type: str | None, unknown: tuple[str, ...], alone: bool = False
    ) -> None:
        self.source = source
        self.alone = alone
        self.type = type
        self.unknown = unknown
        self._code = code
        self._truth = truth_of(code)

    def __call__(self, focus: Any, env: Env | None = None) -> list[Any]:
        """The items that the expression gives for `focus` (plain JSON, or a Node for a primitive with extensions).

        Raises FhirPathError: Undecided, Failed or TooCostly.
        """
        return [raw(item) for item in self._items(focus, env)]

    def typed(self, focus: Any, env: Env | None = None) -> list[tuple[str | None, Any]]:
        """The items with their FHIR types (`dateTime`, `Reference`, `System.Boolean`, `Patient.contact`); primitives
        without a value are left out."""
        static = self._code.type
        return [
            (type_of(item, static), raw(item))
            for item in self._items(focus, env)
            if type(item) is not Node or item.value is not None
        ]

    def test(self, focus: Any, env: Env) -> bool:
        """Whether an invariant holds. As in HL7's validator, empty does not hold and a single item that is no Boolean,
        or several items, do."""
        env.context = focus
        env.left = BUDGET
        try:
            return self._truth(focus, env) is True
        except Failed:
            return self._several(focus, env)
        except FhirPathError:
            raise
        except RecursionError:
            raise TooCostly("the evaluation nests too deeply") from None
        except _MISFITS as error:
            raise Failed(f"the data does not have the shape of {self.type}") from error

    def _several(self, focus: Any, env: Env) -> bool:
        items = self._items(focus, env)
        if len(items) < 2:
            return bool(items) and raw(items[0]) is not False
        return True

    def _items(self, focus: Any, env: Env | None) -> list[Any]:
        env = env or Env(focus if isinstance(focus, dict) else None)
        env.context = focus
        env.left = BUDGET
        if type(focus) is Node and self.type is not None and self.type not in PRIMITIVES:
            focus = focus.value
        try:
            return self._code.fn(focus, env)
        except FhirPathError:
            raise
        except RecursionError:
            raise TooCostly("the evaluation nests too deeply") from None
        except _MISFITS as error:
            raise Failed(f"the data does not have the shape of {self.type}") from error


_KEPT: WeakKeyDictionary[Model, dict[tuple[str, str | None, str | None], Expression]] = WeakKeyDictionary()
_MOST = 20_000
_SURROUNDINGS = frozenset(
    (
        "resource",
        "rootResource",
        "resolve",
        "memberOf",
        "conformsTo",
        "htmlChecks",
        "now",
        "today",
        "timeOfDay",
        "trace",
    )
)


def compile(expression: str, *, model: Model, type: str | None = None, resource: str | None = None) -> Expression:
    """Compile a FHIRPath expression whose focus is of FHIR `type` (`Patient`, `HumanName`, `Patient.contact`; None
    when it is known only at run time). `resource` is the type of `%resource` where known.

    Known misprints of published invariants are corrected (see errata). Raises SyntaxFault or Unsupported. Compiled
    expressions are kept for the life of `model`.
    """
    kept = _KEPT.setdefault(model, {})
    key = (expression, type, resource)
    found = kept.get(key)
    if found is None:
        found = _compile(expression, model, type, resource)
        if len(kept) < _MOST:
            kept[key] = found
    return found


def _compile(expression: str, model: Model, type: str | None, resource: str | None) -> Expression:
    if resource is None and type is not None and model.is_resource(type):
        resource = type
    compiler = Compiler(model, resource=resource, context=type)
    tree = parse(corrected(expression))
    code = compiler.code(tree, Scope(type))
    alone = not mentions(tree, _SURROUNDINGS)
    return Expression(expression, code, type=type, unknown=tuple(compiler.unknown), alone=alone)
