"""Which members and extensions of a definition carry a rule."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

HEAD = ("resourceType", "id", "url", "version", "name", "status")
"""Members that every kept definition has."""
_HL7 = "http://hl7.org/fhir/StructureDefinition/"
RULE_EXTENSIONS = frozenset(
    {
        _HL7 + "regex",
        _HL7 + "structuredefinition-fhir-type",
        _HL7 + "structuredefinition-imposeProfile",
        _HL7 + "structuredefinition-compliesWithProfile",
        _HL7 + "structuredefinition-xml-type",
        _HL7 + "elementdefinition-type-must-support",
        _HL7 + "elementdefinition-profile-element",
        _HL7 + "elementdefinition-maxValueSet",
        _HL7 + "elementdefinition-minValueSet",
        _HL7 + "elementdefinition-bestpractice",
        _HL7 + "elementdefinition-namespace",
        _HL7 + "elementdefinition-pattern",
        _HL7 + "minLength",
        _HL7 + "maxSize",
        _HL7 + "maxDecimalPlaces",
        _HL7 + "narrative-language-control",
        _HL7 + "narrative-source-control",
        _HL7 + "version-specific-use",
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue",
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.valueAlternatives",
        _HL7 + "capabilitystatement-expectation",
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
        "http://hl7.org/fhir/tools/StructureDefinition/elementdefinition-extension-style",
        "http://hl7.org/fhir/tools/StructureDefinition/xml-name",
        "http://hl7.org/fhir/tools/StructureDefinition/xml-no-order",
        "http://hl7.org/fhir/tools/StructureDefinition/implied-string-prefix",
        "http://hl7.org/fhir/tools/StructureDefinition/id-expectation",
    }
)
"""Extensions on definitions that carry a rule; all others are left out."""
_ADDITIONAL_BINDING_PROSE = frozenset({"documentation", "shortDoco"})


def pick(source: Json, names: tuple[str, ...]) -> Json:
    return {name: source[name] for name in names if name in source}


def rules_of(source: Json) -> Json:
    """The rule-bearing extensions of `source`, as `{"extension": [...]}` or nothing."""
    kept = [_extension(item) for item in source.get("extension", ()) if item.get("url") in RULE_EXTENSIONS]
    return {"extension": kept} if kept else {}


def _extension(item: Json) -> Json:
    if "extension" not in item:
        return dict(item)
    parts = [part for part in item["extension"] if part.get("url") not in _ADDITIONAL_BINDING_PROSE]
    return {**item, "extension": parts}
