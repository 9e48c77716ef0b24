"""Published definitions that do not mean what they say, and what holds instead; HL7's validator corrects the same."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.validation.compiled import Binding, Rules

_VITALS_UNITS = "http://hl7.org/fhir/ValueSet/ucum-vitals-common"


def corrected_binding(rules: Rules, binding: Binding | None) -> Binding | None:
    """R4's vital signs bind the units of every component as required, which no inhaled oxygen flow (L/min) can meet;
    later versions made it extensible."""
    if binding is None or binding.strength != "required" or rules.path != "Observation.component.value[x]":
        return binding
    if binding.value_set.partition("|")[0] == _VITALS_UNITS and rules.slice_name is None:
        return replace(binding, strength="extensible")
    return binding


_CORE = "http://hl7.org/fhir/StructureDefinition/"
PLACED_ANYWHERE = frozenset(
    _CORE + name
    for name in (
        "structuredefinition-fhir-type",
        "structuredefinition-standards-status",
        "structuredefinition-fmm",
        "structuredefinition-wg",
        "structuredefinition-normative-version",
        "structuredefinition-security-category",
        "structuredefinition-category",
        "structuredefinition-conformance-derivedFrom",
        "capabilitystatement-expectation",
        "regex",
    )
)
"""Extensions whose context in 4.0.1 is narrower than where R4's own definitions have them; HL7 widened it later."""
