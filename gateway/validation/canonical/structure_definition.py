"""StructureDefinitions: what their schema cannot say, told before anyone builds on them.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import BadProfile
from gateway.packages.snapshot import with_snapshot
from gateway.validation.canonical.element_definition import Elements, check_element
from gateway.validation.canonical.element_order import check_order
from gateway.validation.canonical.expressions import check_names, check_syntax, focus_types
from gateway.validation.canonical.invariant_keys import check_keys
from gateway.validation.canonical.paths import leads_nowhere
from gateway.validation.compiled import Json
from gateway.validation.parts import member, part, parts, text, texts
from gateway.validation.profiles import compile_profile
from gateway.validation.run import Place, Run
from gateway.validation.shapes import CORE

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LONGEST = 2_000
_LATER = frozenset("CanonicalResource MetadataResource Base DataType BackboneType PrimitiveType".split())
"""Abstract types that came after R4; extensions name them."""


def check(engine: Engine, run: Run, definition: Json, place: Place) -> None:
    """Report what cannot be meant, and what does not fit the type that is constrained."""
    before = run.failed
    _contexts(engine, run, definition, place)
    kind = (text(definition, "type") or "").rpartition("/")[2]
    shape = engine.shapes.find(kind)
    for name in ("differential", "snapshot"):
        own = name == "differential" or "differential" not in definition
        for element, at in _elements(engine, definition, name, place):
            _constraints(engine, run, definition, element, at, own=own)
    _derived(engine, run, definition, place)
    if definition.get("derivation") != "constraint" or shape is None:
        return
    differential = list(_elements(engine, definition, "differential", place))
    check_keys(engine, run, definition, differential)
    check_order(engine, run, differential)
    constrained = Elements(engine, shape, text(definition, "url"))
    for element, at in differential:
        check_element(run, constrained, element, at)
    for element, at in _elements(engine, definition, "snapshot", place):
        check_element(run, constrained, element, at, inherits=True)
    if _base(engine, run, definition, place) and not run.failed and not before:
        _compiled(engine, run, definition, place)


def _derived(engine: Engine, run: Run, definition: Json, place: Place) -> None:
    """Check what is said of how the definition is built on its base."""
    base, kind = text(definition, "baseDefinition"), text(definition, "type")
    if base is not None and "derivation" not in definition and "_derivation" not in definition:
        run.error("business-rule", "definition-derivation", "What has a baseDefinition must say in derivation how it "
                  "is built on it.", place)  # fmt: skip
    _named(engine, run, definition, place)
    special = definition.get("derivation") == "specialization" and kind is not None
    if special and base is not None and len(base) <= _LONGEST and engine.type_of(base, asked_in=None) == kind:
        run.error("business-rule", "definition-derivation", "A specialization defines a type of its own: its type must "
                  "not be that of the baseDefinition.", member(place, "type"))  # fmt: skip
    if kind != "Extension" and kind is not None and definition.get("context"):
        run.error("business-rule", "definition-context", "Only an extension says where it may stand.",
                  member(place, "context", 0))  # fmt: skip
    elif kind == "Extension" and base == f"{CORE}Extension":
        paths = {text(element, "path"): element for element, _ in _elements(engine, definition, "differential", place)}
        if paths and not paths.get("Extension.url", {}).get("fixedUri"):
            run.error("business-rule", "definition-url", "The definition of an extension must fix Extension.url to its "
                      "own url.", member(place, "differential"))  # fmt: skip


def _named(engine: Engine, run: Run, definition: Json, place: Place) -> None:
    """R4's types are named alone and defined by HL7; all others are logical models, named by a URL."""
    kind, sort = text(definition, "type"), text(definition, "kind")
    if not kind or len(kind) > _LONGEST or sort is None:
        return
    if ":" in kind:
        if sort != "logical":
            run.error("business-rule", "definition-name", "Only a logical model has a type that is a URL.",
                      member(place, "type"))  # fmt: skip
    elif engine.shapes.find(kind) is None and engine.definitions.find("StructureDefinition", f"{CORE}{kind}") is None:
        told = run.warn if kind in _LATER or sort == "logical" else run.error
        told("business-rule", "definition-name", "The type is none of R4's; a type of one's own is a URL.",
             member(place, "type"))  # fmt: skip


def _base(engine: Engine, run: Run, definition: Json, place: Place) -> bool:
    """Check what is built on; whether that is at hand and fits."""
    base = text(definition, "baseDefinition")
    if base is None or len(base) > _LONGEST:
        return False
    found = engine.definitions.find("StructureDefinition", base)
    if found is None:
        run.warn("not-found", "definition-base", "The baseDefinition is not known here, so what is built on it was not "
                 "checked.", member(place, "baseDefinition"))  # fmt: skip
        return False
    known = engine.definitions.structure(base)
    if known is None:
        return False
    if known.get("type") != definition.get("type"):
        run.error("business-rule", "definition-base", f"The type must be that of the baseDefinition, "
                  f"{known.get('type')}.", member(place, "type"))  # fmt: skip
        return False
    if known.get("kind") != definition.get("kind"):
        run.error("business-rule", "definition-base", f"The kind must be that of the baseDefinition, "
                  f"{known.get('kind')}.", member(place, "kind"))  # fmt: skip
        return False
    return True


def _compiled(engine: Engine, run: Run, definition: Json, place: Place) -> None:
    """Report a differential of which no profile can be made."""
    structure = engine.definitions.structure
    try:
        compile_profile(with_snapshot(definition, structure=structure), shapes=engine.shapes, structure=structure)
    except BadProfile as error:
        told = run.warn if "not among the definitions" in str(error) else run.error
        told("invalid", "definition-differential", "The differential cannot be applied to the baseDefinition: "
             "validate the profile's use to see why.", member(place, "differential"))  # fmt: skip


def _elements(engine: Engine, definition: Json, name: str, place: Place) -> list[tuple[Json, Place]]:
    """The elements of the differential or the snapshot, with their places."""
    listed, here = part(definition, name, place)
    shape = engine.shapes["ElementDefinition"]
    return [(element, (at[0], at[1], at[2], shape)) for element, at in parts(listed, "element", here)]


def _constraints(engine: Engine, run: Run, definition: Json, element: Json, place: Place, *, own: bool) -> None:
    """Expressions are FHIRPath; those that the definition adds itself name what there is."""
    for constraint, here in parts(element, "constraint", place):
        expression, there = text(constraint, "expression"), member(here, "expression")
        if not expression or len(expression) > _LONGEST or not check_syntax(engine, run, expression, there):
            continue
        ours = own and text(constraint, "source") in (None, text(definition, "url"))
        types = _focus(engine, element) if ours and definition.get("derivation") == "constraint" else ()
        if types:
            check_names(engine, run, expression, there, types=types)


def _focus(engine: Engine, element: Json) -> tuple[str, ...]:
    """The types that an element may have: those it says, or those of its path."""
    path = text(element, "path")
    types = focus_types(engine, path) if path is not None and len(path) <= _LONGEST else ()
    said = tuple(code for one in _objects(element, "type") if (code := text(one, "code")) is not None)
    return said if said and set(said) <= set(types) else types


def _objects(holder: Json, name: str) -> list[Json]:
    listed = holder.get(name)
    return [one for one in listed if type(one) is dict] if type(listed) is list else []


def _contexts(engine: Engine, run: Run, definition: Json, place: Place) -> None:
    """Where an extension may stand: elements that there are, conditions that are FHIRPath."""
    for context, here in parts(definition, "context", place):
        expression, there = text(context, "expression"), member(here, "expression")
        if not expression or len(expression) > _LONGEST:
            continue
        if context.get("type") == "fhirpath":
            check_syntax(engine, run, expression, there)
        elif context.get("type") == "element" and (_no_type(engine, expression) or leads_nowhere(engine, expression)):
            run.error("invalid", "definition-path", "The context names an element that R4 does not have.", there)
    for expression, there in texts(definition, "contextInvariant", place):
        if expression and len(expression) <= _LONGEST:
            check_syntax(engine, run, expression, there)


def _no_type(engine: Engine, expression: str) -> bool:
    root = expression.partition(".")[0]
    return root.isalpha() and root.isascii() and root not in _LATER and engine.shapes.find(root) is None
