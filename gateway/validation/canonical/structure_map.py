"""StructureMaps: rules use what was named before, groups that there are, elements that the types have.

https://hl7.org/fhir/R4/structuremap.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway import fhirpath
from gateway.fhirpath.parser import parse
from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run
from gateway.validation.shapes import CORE

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

Known = Mapping[str, str | None]
"""The variables at hand, with their FHIR types where those are known."""


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report rules that cannot be run."""
    aliases: dict[str, str] = {}
    for one, _ in parts(value, "structure", place):
        alias, url = text(one, "alias"), text(one, "url") or ""
        kind = url.removeprefix(CORE) if url.startswith(CORE) else ""
        if alias is not None and engine.model.info(kind) is not None:
            aliases[alias] = kind
    groups = list(parts(value, "group", place))
    names = None if value.get("import") else {text(group, "name") for group, _ in groups}
    for group, here in groups:
        known: dict[str, str | None] = {}
        for given, _ in parts(group, "input", here):
            name = text(given, "name")
            if name is not None:
                known[name] = _typed(engine, aliases, text(given, "type"))
        _rules(engine, run, (group, here), known, names)


def _typed(engine: Engine, aliases: Mapping[str, str], kind: str | None) -> str | None:
    if kind is None:
        return None
    return aliases.get(kind, kind if engine.model.info(kind) is not None else None)


def _rules(engine: Engine, run: Run, holder: tuple[Json, Place], known: Known, groups: set[str | None] | None) -> None:
    waiting = [(*holder, known)]
    while waiting:
        above, at, named = waiting.pop()
        for rule, here in parts(above, "rule", at):
            below = dict(named)
            for source, there in parts(rule, "source", here):
                _source(engine, run, source, there, below)
            for target, there in parts(rule, "target", here):
                _target(engine, run, target, there, below)
            for called, there in parts(rule, "dependent", here):
                if groups is not None and text(called, "name") not in {None, *groups}:
                    _fault(run, "group", "The map has no such group, and imports none.", there)
            waiting.append((rule, here, below))


def _source(engine: Engine, run: Run, source: Json, place: Place, known: dict[str, str | None]) -> None:
    for name in ("condition", "check"):
        expression = text(source, name)
        if expression and not _parses(expression):
            _fault(run, "expression", "The expression must be FHIRPath.", member(place, name))
    kind = _element(engine, run, source, place, known)
    variable = text(source, "variable")
    if variable is not None:
        known[variable] = text(source, "type") or kind


def _target(engine: Engine, run: Run, target: Json, place: Place, known: dict[str, str | None]) -> None:
    if target.get("contextType") != "type":
        _element(engine, run, target, place, known)
    for parameter, here in parts(target, "parameter", place):
        name = text(parameter, "valueId")
        if name is not None and name not in known:
            _fault(run, "variable", "No variable of this name is known here.", here)
    variable = text(target, "variable")
    if variable is not None:
        known[variable] = None


def _element(engine: Engine, run: Run, holder: Json, place: Place, known: Known) -> str | None:
    """Report a context that is not known, or an element that it does not have; the type of the element."""
    context, element = text(holder, "context"), text(holder, "element")
    if context is None:
        return None
    if context not in known:
        _fault(run, "variable", "No variable of this name is known here.", member(place, "context"))
        return None
    kind = known[context]
    info = None if kind is None else engine.model.info(kind)
    if element is None:
        return kind
    if info is None or not info.by_name or info.kind == "primitive-type":
        return None
    written = info.by_key.get(element)
    fields = info.by_name.get(element) or (() if written is None else (written,))
    if not fields:
        _fault(run, "element", "The type has no such element.", member(place, "element"))
    return fields[0].type if len(fields) == 1 else None


def _parses(expression: str) -> bool:
    try:
        parse(expression)
    except fhirpath.SyntaxFault:
        return False
    except (fhirpath.FhirPathError, RecursionError):
        return True
    return True


def _fault(run: Run, rule: str, message: str, place: Place) -> None:
    run.error("business-rule", f"structuremap-{rule}", message, place)
