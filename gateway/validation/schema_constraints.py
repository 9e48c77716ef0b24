"""One constraint of an element as JSON Schema: said exactly, or asked of FHIRPath where no cheap way out suffices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.compiled import Constraint
from gateway.validation.native import NATIVE
from gateway.validation.schema_enough import enough
from gateway.validation.schema_invariants import translated
from gateway.validation.schema_values import CHECK, Schema

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


def constraint_schema(
    engine: Engine, constraint: Constraint, type: str, *, values: frozenset[str] | None
) -> Schema | None:
    """What holds for an object of FHIR `type` where the constraint does; None where nothing has to be asked.

    `values` are the types that an extension can have there (None: any)."""
    expression = constraint.expression
    if constraint.severity != "error" or constraint.best_practice:
        return None
    if expression in NATIVE:
        return None if NATIVE[expression] is None else {CHECK: ["native", expression]}
    schema = translated(expression, model=engine.model, type=type, values=values)
    if schema is not None:
        return schema or None
    asked = _asked(engine, expression, type)
    way_out = enough(expression, model=engine.model, type=type, values=values, codes=engine.terminology.codes)
    if way_out is None:
        return asked
    return {"anyOf": [way_out, asked]} if way_out else None


def _asked(engine: Engine, expression: str, type: str) -> Schema:
    """FHIRPath over an object. Over the resource itself it is asked at its smallest member, for what is asked about is
    copied."""
    shape = engine.shapes.find(type)
    if shape is not None and shape.kind == "resource":
        return {"properties": {"resourceType": {CHECK: ["of_resource", expression, type]}}}
    return {CHECK: ["fhirpath", expression, type]}
