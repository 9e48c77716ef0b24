"""Keys of invariants in a differential: each stands for one rule. https://hl7.org/fhir/R4/conformance-rules.html#constraints"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import BadProfile
from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LONGEST = 2_000


def check_keys(engine: Engine, run: Run, definition: Json, elements: list[tuple[Json, Place]]) -> None:
    """Report a key that stands for two rules, in the definition itself or in what it is built on."""
    ours = [found for element, place in elements for found in parts(element, "constraint", place)]
    if not ours:
        return
    known = _inherited(engine, text(definition, "baseDefinition"))
    for constraint, place in ours:
        key, expression = text(constraint, "key"), text(constraint, "expression")
        if key is None or expression is None:
            continue
        if known.setdefault(key, expression) != expression:
            run.error("business-rule", "definition-key", "The key stands for another invariant already.",
                      member(place, "key"))  # fmt: skip


def _inherited(engine: Engine, base: str | None) -> dict[str, str]:
    """The expressions of the base's invariants by their keys."""
    found: dict[str, str] = {}
    if base is None or len(base) > _LONGEST:
        return found
    try:
        known = engine.definitions.structure(base) or {}
    except BadProfile:
        return found
    for element in known.get("snapshot", {}).get("element", ()):
        for constraint in element.get("constraint", ()):
            if constraint.get("expression"):
                found.setdefault(constraint["key"], constraint["expression"])
    return found
