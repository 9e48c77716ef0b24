"""Published definitions that do not mean what they say, and what holds instead; HL7's validator corrects the same."""

from __future__ import annotations

from dataclasses import replace

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
