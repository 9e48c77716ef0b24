"""Resources that define what others mean: what holds between their parts, beyond their own definition.

Each kind has one module, whose `check` reports. The walk has told already of what is not of the right form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from gateway.validation.canonical import (
    capability_statement,
    code_system,
    concept_map,
    operation_definition,
    search_parameter,
    structure_definition,
    structure_map,
    value_set,
)
from gateway.validation.compiled import Json
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

CHECKS: Final[Mapping[str, Callable[[Engine, Run, Json, Place], None]]] = {
    "CapabilityStatement": capability_statement.check,
    "CodeSystem": code_system.check,
    "ConceptMap": concept_map.check,
    "OperationDefinition": operation_definition.check,
    "SearchParameter": search_parameter.check,
    "StructureDefinition": structure_definition.check,
    "StructureMap": structure_map.check,
    "ValueSet": value_set.check,
}
"""By resource type: what is to be reported of an instance."""
