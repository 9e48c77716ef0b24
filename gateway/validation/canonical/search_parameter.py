"""SearchParameters. https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.validation.canonical.expressions import check_names, check_syntax
from gateway.validation.canonical.paths import leads_nowhere
from gateway.validation.compiled import ANY_RESOURCE, Json
from gateway.validation.parts import member, parts, text, texts
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LONGEST = 2_000
_ROOT = re.compile(r"\(*([A-Z][A-Za-z]+)\b")


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report an expression that cannot be one, and a composite without its parts."""
    bases = [base for base, _ in texts(value, "base", place)]
    expression = text(value, "expression")
    if expression:
        _expression(engine, run, expression, bases, member(place, "expression"))
    _derived(engine, run, value, bases, place)
    components = list(parts(value, "component", place))
    for component, here in components:
        inner = text(component, "expression")
        if inner:
            check_syntax(engine, run, inner, member(here, "expression"))
    kind = text(value, "type")
    if kind == "composite" and not components:
        run.error("business-rule", "searchparameter-component", "A composite search parameter must have components.",
                  place)  # fmt: skip
    elif components and kind is not None and kind != "composite":
        run.error("business-rule", "searchparameter-component", "Only a composite search parameter has components.",
                  components[0][1])  # fmt: skip


def _derived(engine: Engine, run: Run, value: Json, bases: list[str], place: Place) -> None:
    """A search parameter that is derived from another is of its type, and on some of its resources."""
    canonical = text(value, "derivedFrom")
    known = engine.definitions.get("SearchParameter", canonical) if canonical and len(canonical) < _LONGEST else None
    if known is None:
        return
    there = member(place, "derivedFrom")
    if text(value, "type") not in (None, known.get("type")):
        run.error("business-rule", "searchparameter-derived", f"The type must be that of derivedFrom, "
                  f"{known.get('type')}.", there)  # fmt: skip
    wider = set(known.get("base") or ())
    if wider and not wider & ANY_RESOURCE and not wider.issuperset(bases):
        run.error("business-rule", "searchparameter-derived", "The base must be among those of derivedFrom.", there)


def _expression(engine: Engine, run: Run, expression: str, bases: list[str], place: Place) -> None:
    if not check_syntax(engine, run, expression, place):
        return
    if any(leads_nowhere(engine, path.strip()) for path in expression.split("|")):
        run.error("invalid", "definition-path", "The expression names an element that its type does not have.", place)
        return
    check_names(engine, run, expression, place)
    roots = [found[1] if (found := _ROOT.match(path.strip())) else None for path in expression.split("|")]
    if bases and None not in roots and not {*roots, *bases} & ANY_RESOURCE and not set(roots) & set(bases):
        run.warn("invalid", "definition-path", "The expression starts from none of the resources in base.", place)
