"""Existence, filtering, projection, subsetting and combining. https://hl7.org/fhirpath/N1/#existence"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import (
    EMPTY,
    Code,
    Scope,
    Truth,
    constant,
    from_truth,
    function,
    mentions,
    one,
    singleton_truth,
)
from gateway.fhirpath.environment import Env
from gateway.fhirpath.model import PRIMITIVES
from gateway.fhirpath.navigate import as_nodes, presence
from gateway.fhirpath.syntax import Call, Member
from gateway.fhirpath.values import raw

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler

_INDEX = frozenset({"index"})


def _inner(source: Code) -> Scope:
    return Scope(source.type)


def _lambda_truth(compiler: Compiler, node: Call, source: Code) -> Truth:
    """The criterion of a call, told `$index` only where it asks."""
    return compiler.truth(node.arguments[0], _inner(source))


def _present(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Truth:
    if isinstance(node.target, Member) and source.const is None and not scope.nothing:
        target = node.target.target
        if target is None and scope.type is not None and scope.type not in PRIMITIVES:
            fields = compiler.model.fields(scope.type, node.target.name)
            fast = presence(compiler.focus(scope), fields)
            if fast is not None:
                return fast
    fn = source.fn
    return lambda t, e: bool(fn(t, e))


@function("exists", most=1)
def _exists(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    if not node.arguments:
        return from_truth(_present(compiler, node, source, scope))
    return from_truth(_any(compiler, node, source))


def _any(compiler: Compiler, node: Call, source: Code) -> Truth:
    fn, test = source.fn, _lambda_truth(compiler, node, source)
    if mentions(node.arguments[0], _INDEX):
        return lambda t, e: any(_indexed(fn(t, e), test, e))

    def truth(t: Any, e: Env) -> bool | None:
        items = fn(t, e)
        if not items:
            return False
        if len(items) > 1:
            e.spend(len(items))
        for item in items:  # noqa: SIM110 (a generator is slower)
            if test(item, e):
                return True
        return False

    return truth


def _indexed(items: list[Any], test: Truth, e: Env) -> list[Any]:
    """The criterion's value for every item, with `$index` set."""
    e.spend(len(items))
    outer, found = e.index, []
    for e.index, item in enumerate(items):
        found.append(test(item, e))
    e.index = outer
    return found


@function("empty")
def _empty(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    present = _present(compiler, node, source, scope)
    return from_truth(lambda t, e: not present(t, e))


@function("not")
def _not(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = source.truth

    def truth(t: Any, e: Env) -> bool | None:
        value = fn(t, e) if fn is not None else singleton_truth(source.fn(t, e))
        return None if value is None else not value

    return from_truth(truth)


@function("where", least=1)
def _where(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, test = source.fn, _lambda_truth(compiler, node, source)
    if mentions(node.arguments[0], _INDEX):

        def indexed(t: Any, e: Env) -> list[Any]:
            items = fn(t, e)
            return [item for item, kept in zip(items, _indexed(items, test, e), strict=True) if kept]

        return Code(indexed, source.type, single=source.single)

    def where(t: Any, e: Env) -> list[Any]:
        items = fn(t, e)
        if not items:
            return EMPTY
        if len(items) > 1:
            e.spend(len(items))
        return [item for item in items if test(item, e)]

    return Code(where, source.type, single=source.single)


@function("all", least=1)
def _all(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, test = source.fn, _lambda_truth(compiler, node, source)
    if mentions(node.arguments[0], _INDEX):
        return from_truth(lambda t, e: all(_indexed(fn(t, e), test, e)))

    def truth(t: Any, e: Env) -> bool | None:
        items = fn(t, e)
        e.spend(len(items))
        for item in items:  # noqa: SIM110
            if not test(item, e):
                return False
        return True

    return from_truth(truth)


@function("select", least=1)
def _select(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, projection = source.fn, compiler.code(node.arguments[0], _inner(source))
    make = projection.fn

    def select(t: Any, e: Env) -> list[Any]:
        items = fn(t, e)
        e.spend(len(items))
        outer, found = e.index, []
        for e.index, item in enumerate(items):
            made = make(item, e)
            e.spend(len(made))
            found += made
        e.index = outer
        return found

    return Code(select, projection.type, single=source.single and projection.single)


@function("repeat", least=1)
def _repeat(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    projection = compiler.code(node.arguments[0], _inner(source))
    if projection.type != source.type or source.type is None:
        source = as_nodes(source)
        projection = as_nodes(compiler.code(node.arguments[0], Scope(None)))
    fn, make = source.fn, projection.fn

    def repeat(t: Any, e: Env) -> list[Any]:
        found: list[Any] = []
        seen: set[int] = set()
        level = fn(t, e)
        while level:
            following: list[Any] = []
            for item in level:
                made = [one_ for one_ in make(item, e) if id(raw(one_)) not in seen]
                e.spend(len(made) + 1)
                seen.update(id(raw(one_)) for one_ in made if isinstance(raw(one_), dict))
                following += made
            found += following
            level = following
        return found

    return Code(repeat, projection.type)


@function("aggregate", least=1, most=2)
def _aggregate(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, step = source.fn, compiler.code(node.arguments[0], _inner(source)).fn
    start = as_nodes(compiler.code(node.arguments[1], scope)).fn if len(node.arguments) > 1 else (lambda t, e: EMPTY)

    def aggregate(t: Any, e: Env) -> list[Any]:
        items, outer, index = fn(t, e), e.total, e.index
        e.total = start(t, e)
        for e.index, item in enumerate(items):
            e.total = step(item, e)
            e.spend(1 + len(e.total))
        result, e.total, e.index = e.total, outer, index
        return result

    return Code(aggregate)


@function("iif", least=2, most=3)
def _iif(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    """The criterion's and the results' focus is the collection that iif is called on: one item or nothing."""
    full = _branches(compiler, node, Scope(source.type) if node.target is not None else scope)
    if node.target is None:
        test, then, other = full
        return Code(lambda t, e: (then if test(t, e) else other).fn(t, e), _same_type(then, other))
    bare = _branches(compiler, node, Scope(None, nothing=True))
    if full[1].type != bare[1].type or full[2].type != bare[2].type:
        full = (full[0], as_nodes(full[1]), as_nodes(full[2]))
        bare = (bare[0], as_nodes(bare[1]), as_nodes(bare[2]))
    fn = source.fn

    def choose(t: Any, e: Env) -> list[Any]:
        item = one(fn(t, e), "iif()")
        test, then, other = bare if item is None else full
        return (then if test(item, e) else other).fn(item, e)

    return Code(choose, _same_type(full[1], full[2]))


def _branches(compiler: Compiler, node: Call, scope: Scope) -> tuple[Truth, Code, Code]:
    test = compiler.truth(node.arguments[0], scope)
    then = compiler.code(node.arguments[1], scope)
    other = compiler.code(node.arguments[2], scope) if len(node.arguments) > 2 else constant(EMPTY, then.type)
    if then.type != other.type:
        then, other = as_nodes(then), as_nodes(other)
    return test, then, other


def _same_type(left: Code, right: Code) -> str | None:
    return left.type if left.type == right.type else None
