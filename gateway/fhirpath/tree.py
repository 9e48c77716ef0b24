"""Tree navigation and utilities. https://hl7.org/fhirpath/N1/#tree-navigation"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import Code, Scope, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.navigate import as_nodes, children
from gateway.fhirpath.syntax import Call, External, of_the_resource
from gateway.fhirpath.temporal import Temporal
from gateway.fhirpath.values import raw, type_of

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler


@function("children")
def _children(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, model = as_nodes(source).fn, compiler.model

    def every(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        for item in fn(t, e):
            found += children(model, item)
        e.spend(len(found))
        return found

    return Code(every)


@function("descendants")
def _descendants(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, model = as_nodes(source).fn, compiler.model

    def below(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        level = list(fn(t, e))
        while level:
            following: list[Any] = []
            for item in level:
                following += children(model, item)
            e.spend(len(following) + 1)
            found += following
            level = following
        return found

    if isinstance(node.target, External) and of_the_resource(node.target):

        def once(t: Any, e: Env) -> list[Any]:
            place = (node, id(e.resource), id(e.root))
            kept = e.memo.get(place)
            if kept is None:
                kept = e.memo[place] = below(t, e)
            return kept

        return Code(once)
    return Code(below)


@function("trace", least=1, most=2)
def _trace(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    name = compiler.code(node.arguments[0], scope).fn
    shown = compiler.code(node.arguments[1], Scope(source.type)).fn if len(node.arguments) > 1 else None
    fn = source.fn

    def trace(t: Any, e: Env) -> list[Any]:
        items = fn(t, e)
        if e.trace is not None:
            values = items if shown is None else [made for item in items for made in shown(item, e)]
            e.trace(str(one(name(t, e), "trace()")), [raw(value) for value in values])
        return items

    return Code(trace, source.type, single=source.single)


@function("now")
def _now(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    return Code(lambda t, e: [_clock(e, 29)], "System.DateTime", single=True)


@function("today")
def _today(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    return Code(lambda t, e: [_clock(e, 10)], "System.Date", single=True)


@function("timeOfDay")
def _time_of_day(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    return Code(lambda t, e: [Temporal.parse("T" + _at(e).strftime("%H:%M:%S"))], "System.Time", single=True)


def _at(e: Env) -> datetime:
    if e.now is None:
        e.now = datetime.now(UTC)
    return e.now


def _clock(e: Env, length: int) -> Temporal | None:
    return Temporal.parse(_at(e).isoformat(timespec="milliseconds")[:length])


@function("type")
def _type(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static, model = source.fn, source.type, compiler.model

    def info(t: Any, e: Env) -> list[Any]:
        found = []
        for item in fn(t, e):
            kind = type_of(item, static) or "System.Any"
            space, _, name = kind.partition(".") if kind.startswith("System.") else ("FHIR", "", kind)
            base = model.ancestors(kind)[1:2] if space == "FHIR" else ()
            found.append({"namespace": space, "name": name, "baseType": f"FHIR.{base[0]}" if base else "System.Any"})
        return found

    return Code(info, None, single=source.single)


def _is_only_for_types(name: str) -> None:
    @function(name, least=1)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        raise AssertionError("the compiler handles types")


for _name in ("is", "as", "ofType"):
    _is_only_for_types(_name)
