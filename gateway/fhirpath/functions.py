"""The function modules, gathered, and what type functions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.fhirpath import conversion, filtering, numbers, on_fhir, strings, subsets, tree
from gateway.fhirpath.code import Code, Scope, from_truth
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Unsupported
from gateway.fhirpath.syntax import Call, Syntax, type_name

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler

LOADED = (conversion, filtering, numbers, on_fhir, strings, subsets, tree)


def type_argument(call: Call) -> str:
    """The type that a call such as `ofType(FHIR.Patient)` names."""
    name = type_name(call.arguments[0])
    if name is None:
        raise Unsupported(f"{call.name}() is not given a type")
    return name


def resolved_type(compiler: Compiler, operand: Syntax, wanted: str, scope: Scope) -> Code | None:
    """`x.resolve() is T`, decided by the reference itself where the target is not at hand."""
    if not (isinstance(operand, Call) and operand.name == "resolve" and not operand.arguments):
        return None
    source = compiler.focus(scope) if operand.target is None else compiler.code(operand.target, scope)
    fn, ancestors = source.fn, compiler.model.ancestors

    def test(t: Any, e: Env) -> bool | None:
        kinds = [kind for item in fn(t, e) if (kind := on_fhir.target_type(item, e)) is not None]
        if len(kinds) != 1:
            return None if not kinds else False
        return wanted in ancestors(kinds[0])

    return from_truth(test)
