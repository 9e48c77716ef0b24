"""Counting, subsetting, combining and comparing collections. https://hl7.org/fhirpath/N1/#subsetting"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import EMPTY, INTEGER, Code, Scope, from_truth, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed
from gateway.fhirpath.navigate import as_nodes
from gateway.fhirpath.operators import distinct, union
from gateway.fhirpath.syntax import Call, of_the_resource
from gateway.fhirpath.values import equal, key_of, raw, system

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler


@function("count")
def _count(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = source.fn
    return Code(lambda t, e: [len(fn(t, e))], INTEGER, single=True)


def _subset(name: str, take: Callable[[list[Any]], list[Any]], *, single: bool) -> None:
    @function(name)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn = source.fn
        if not of_the_resource(node.target):
            return Code(lambda t, e: take(fn(t, e)), source.type, single=single)
        this = object()

        def once(t: Any, e: Env) -> list[Any]:
            place = (this, id(e.resource), id(e.root))
            kept = e.memo.get(place)
            if kept is None:
                kept = e.memo[place] = take(fn(t, e))
            return kept

        return Code(once, source.type, single=single)


_subset("first", lambda items: items[:1], single=True)
_subset("last", lambda items: items[-1:], single=True)
_subset("tail", lambda items: items[1:], single=False)


@function("single")
def _single(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = source.fn

    def single(t: Any, e: Env) -> list[Any]:
        items = fn(t, e)
        if len(items) > 1:
            raise Failed("single() is given several items")
        return items

    return Code(single, source.type, single=True)


@function("skip", least=1)
def _skip(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, number = source.fn, compiler.code(node.arguments[0], scope).fn
    return Code(lambda t, e: fn(t, e)[_number(number(t, e)) :], source.type)


@function("take", least=1)
def _take(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, number = source.fn, compiler.code(node.arguments[0], scope).fn
    return Code(lambda t, e: fn(t, e)[: _number(number(t, e))], source.type)


def _number(items: list[Any]) -> int:
    value = one(items, "skip() or take()")
    if type(value) is not int:
        raise Failed("skip() or take() is not given an integer")
    return max(value, 0)


# Sets


@function("distinct")
def _distinct(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, kind = source.fn, source.type
    return Code(lambda t, e: distinct(_counted(fn(t, e), e), kind), kind, single=source.single)


@function("isDistinct")
def _is_distinct(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, kind = source.fn, source.type

    def truth(t: Any, e: Env) -> bool | None:
        items = fn(t, e)
        return len(items) < 2 or len(distinct(_counted(items, e), kind)) == len(items)

    return from_truth(truth)


def _counted(items: list[Any], e: Env) -> list[Any]:
    """Objects are compared each with each: count that."""
    objects = sum(1 for item in items if isinstance(raw(item), dict))
    e.spend(len(items) + objects * objects)
    return items


@function("union", least=1)
def _union(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    return union(source, compiler.code(node.arguments[0], scope))


@function("combine", least=1)
def _combine(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    other = compiler.code(node.arguments[0], scope)
    if source.type != other.type or source.type is None:
        source, other = as_nodes(source), as_nodes(other)
    first, second = source.fn, other.fn
    return Code(lambda t, e: [*first(t, e), *second(t, e)], source.type)


def _among(source: Code, other: Code) -> Callable[[list[Any], list[Any], Env], list[bool]]:
    """For each item of the first list, whether the second holds an equal one."""
    kind, theirs = source.type, other.type

    def among(items: list[Any], others: list[Any], e: Env) -> list[bool]:
        values = [system(item, theirs) for item in others]
        keys = {key for value in values if (key := key_of(value)) is not None}
        rest = [value for value in values if key_of(value) is None]
        e.spend(len(items) * (1 + len(rest)))
        found = []
        for item in items:
            value = system(item, kind)
            found.append(key_of(value) in keys or any(equal(value, one_) for one_ in (rest if rest else ())))
        return found

    return among


def _set_function(name: str, *, keep: bool, once: bool) -> None:
    @function(name, least=1)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        other = compiler.code(node.arguments[0], scope)
        first, second, among, kind = source.fn, other.fn, _among(source, other), source.type

        def pick(t: Any, e: Env) -> list[Any]:
            items = first(t, e)
            if not items:
                return EMPTY
            matches = among(items, second(t, e), e)
            found = [item for item, match in zip(items, matches, strict=True) if match is keep]
            return distinct(found, kind) if once else found

        return Code(pick, source.type, single=source.single)


_set_function("intersect", keep=True, once=True)
_set_function("exclude", keep=False, once=False)


def _subset_test(name: str, *, reverse: bool) -> None:
    @function(name, least=1)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        other = compiler.code(node.arguments[0], scope)
        if reverse:
            source, other = other, source
        first, second, among = source.fn, other.fn, _among(source, other)
        return from_truth(lambda t, e: all(among(first(t, e), second(t, e), e)))


_subset_test("subsetOf", reverse=False)
_subset_test("supersetOf", reverse=True)


def _truths(name: str, decide: Callable[[list[bool]], bool]) -> None:
    @function(name)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn = source.fn

        def truth(t: Any, e: Env) -> bool | None:
            values = [system(item, None) for item in fn(t, e)]
            if any(type(value) is not bool for value in values):
                raise Failed(f"{name}() is given what is no Boolean")
            return decide(values)

        return from_truth(truth)


_truths("allTrue", all)
_truths("anyTrue", any)
_truths("allFalse", lambda values: not any(values))
_truths("anyFalse", lambda values: not all(values))
