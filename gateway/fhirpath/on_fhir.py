"""Functions that FHIR adds to FHIRPath. https://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.fhirpath.code import EMPTY, Code, Scope, from_truth, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed, Undecided
from gateway.fhirpath.navigate import member
from gateway.fhirpath.syntax import Call
from gateway.fhirpath.values import Node, is_primitive, raw, type_of

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler

_TYPED_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


@function("hasValue")
def _has_value(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static = source.fn, source.type

    def truth(t: Any, e: Env) -> bool | None:
        items = fn(t, e)
        if len(items) != 1:
            return False
        item = items[0]
        return is_primitive(item, static) and (type(item) is not Node or item.value is not None)

    return from_truth(truth)


@function("getValue")
def _get_value(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static = source.fn, source.type

    def value(t: Any, e: Env) -> list[Any]:
        items = fn(t, e)
        if len(items) != 1 or not is_primitive(items[0], static):
            return EMPTY
        item = items[0]
        if type(item) is not Node:
            return items
        return EMPTY if item.value is None else [Node(item.value, item.type)]

    return Code(value, source.type, single=True)


@function("extension", least=1)
def _extension(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    extensions = member(compiler.model, source, "extension")
    if extensions is None:
        compiler.unknown.append(f"{source.type}.extension")
        return Code(lambda t, e: EMPTY, "Extension")
    fn, url = extensions.fn, compiler.code(node.arguments[0], scope)
    if url.const:
        wanted = url.const[0]

        def fixed(t: Any, e: Env) -> list[Any]:
            items = fn(t, e)
            return [item for item in items if raw(item).get("url") == wanted] if items else EMPTY

        return Code(fixed, extensions.type)
    make = url.fn

    def named(t: Any, e: Env) -> list[Any]:
        value = one(make(t, e), "extension()")
        return [item for item in fn(t, e) if raw(item).get("url") == raw(value)]

    return Code(named, extensions.type)


@function("hasExtension", least=1)
def _has_extension(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = _extension(compiler, node, source, scope).fn
    return from_truth(lambda t, e: bool(fn(t, e)))


# References


@function("resolve")
def _resolve(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = source.fn

    def resolve(t: Any, e: Env) -> list[Any]:
        found = (target(item, e) for item in fn(t, e))
        return [resource for resource in found if resource is not None]

    return Code(resolve, "Resource", single=source.single)


def target(item: Any, e: Env) -> dict[str, Any] | None:
    """The resource that a Reference, canonical or uri item points to, where it is at hand."""
    value = raw(item)
    reference = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(reference, str):
        return None
    if reference.startswith("#") and e.root is not None:
        for resource in e.root.get("contained", ()):
            if isinstance(resource, dict) and resource.get("id") == reference[1:]:
                return resource
        return e.root if reference == "#" else None
    return None if e.resolver is None else e.resolver(reference)


def target_type(item: Any, e: Env) -> str | None:
    """The type of what a reference points to: of the resource at hand, else as the reference itself says."""
    resource = target(item, e)
    if resource is not None:
        return type_of(resource, None)
    value = raw(item)
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            return str(value["type"]).rpartition("/")[2]
        value = value.get("reference")
    found = _TYPED_REFERENCE.search(value.partition("#")[0].partition("|")[0]) if isinstance(value, str) else None
    return found[1] if found else None


# What others know


@function("memberOf", least=1)
def _member_of(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    """True if any item is in the value set; Undecided where that cannot be told here and no item surely is."""
    fn, static, value_set = source.fn, source.type, compiler.code(node.arguments[0], scope).fn

    def truth(t: Any, e: Env) -> bool | None:
        items = fn(t, e)
        if not items:
            return None
        url = one(value_set(t, e), "memberOf()")
        unknown = False
        for item in items:
            known = (
                None
                if e.terminology is None
                else e.terminology.member_of(raw(item), str(url), type=type_of(item, static))
            )
            if known:
                return True
            unknown = unknown or known is None
        if unknown:
            raise Undecided(f"the value set {url} cannot be expanded here")
        return False

    return from_truth(truth)


@function("conformsTo", least=1)
def _conforms_to(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, profile = source.fn, compiler.code(node.arguments[0], scope).fn

    def truth(t: Any, e: Env) -> bool | None:
        item = one(fn(t, e), "conformsTo()")
        if item is None:
            return None
        url = str(one(profile(t, e), "conformsTo()"))
        known = None if e.conforms is None else e.conforms(raw(item), url)
        if known is None:
            raise Undecided(f"the profile {url} cannot be checked here")
        return known

    return from_truth(truth)


@function("htmlChecks")
def _html_checks(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn = source.fn

    def truth(t: Any, e: Env) -> bool | None:
        value = raw(one(fn(t, e), "htmlChecks()"))
        if value is None:
            return None
        if not isinstance(value, str):
            raise Failed("htmlChecks() is given what is no narrative")
        if e.html is None:
            raise Undecided("narratives are not checked here")
        return e.html(value)

    return from_truth(truth)
