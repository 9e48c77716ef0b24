"""What of a conformance resource is kept: the facts that a validator and a server need, in FHIR's own JSON shape.

A condensed resource is the published one with members left out, so raw and condensed definitions are read by the same
code. Left out are prose (descriptions, comments, requirements, human-readable constraint texts, narrative), contacts,
dates, mappings to other standards and examples. https://hl7.org/fhir/R4/conformance-module.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.errors import BadPackage
from gateway.packages.capability import capability
from gateway.packages.rule_members import HEAD, pick, rules_of

Json = dict[str, Any]

_LONGEST_PROPERTY = 64
"""A concept property's string beyond this many characters is a note, not a fact to filter by."""

_STRUCTURE = (
    *("kind", "abstract", "fhirVersion", "context", "contextInvariant", "type", "baseDefinition", "derivation"),
    *("snapshot", "differential"),
)
_ELEMENT_VALUES = ("fixed", "pattern", "minValue", "maxValue", "defaultValue")


class _ElementMembers(dict[str, bool]):
    """Which members of an ElementDefinition are kept; worked out once for each of the names that occur."""

    def __missing__(self, name: str) -> bool:
        found = name.lstrip("_").startswith(_ELEMENT_VALUES)
        if len(self) < 500:
            self[name] = found
        return found


_ELEMENT = _ElementMembers.fromkeys(
    (
        *("id", "path", "representation", "sliceName", "sliceIsConstraining", "slicing", "min", "max", "base"),
        *("contentReference", "type", "maxLength", "condition", "constraint", "mustSupport", "isModifier"),
        *("isSummary", "binding"),
    ),
    True,
)
_TYPE = ("code", "profile", "_profile", "targetProfile", "_targetProfile", "aggregation", "versioning")
_CONSTRAINT = ("key", "severity", "expression", "source")
_SEARCH_PARAMETER = (
    *("code", "base", "type", "expression", "xpathUsage", "target", "multipleOr", "multipleAnd", "comparator"),
    *("modifier", "chain", "component"),
)
_OPERATION = (
    *("kind", "affectsState", "code", "base", "resource", "system", "type", "instance"),
    *("inputProfile", "outputProfile", "parameter", "overload"),
)
_PARAMETER = ("name", "use", "min", "max", "type", "targetProfile", "searchType", "binding", "referencedFrom", "part")
SUB_QUESTIONNAIRE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire"
"""Marks a Questionnaire's item whose questions are in another Questionnaire."""
_CONDITION = ("question", "operator")
_CODE_SYSTEM = (
    *("caseSensitive", "valueSet", "hierarchyMeaning", "compositional", "versionNeeded", "content", "supplements"),
    *("filter", "property", "concept"),
)


def condense(resource: Json) -> Json | None:
    """The facts of one conformance resource; None for a type of which nothing is needed here.

    Raises BadPackage when the resource does not have the shape of its type.
    """
    kind = resource.get("resourceType")
    rules = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if rules is None:
        return None
    try:
        return rules(resource)
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
        url = resource.get("url")
        named = f" ({url})" if isinstance(url, str) else ""
        raise BadPackage(f"A {kind}{named} does not have the shape of a {kind}.") from None


def as_given(resource: Json) -> Json | None:
    """The same for definitions that are given and not shipped: Questionnaires keep their texts and extensions."""
    small = condense(resource)
    if small is None or small.get("resourceType") != "Questionnaire":
        return small
    return {name: value for name, value in resource.items() if name != "text"}


def _contained(resource: Json) -> Json:
    kept = [small for item in resource.get("contained", ()) if (small := condense(item)) is not None]
    return {"contained": kept} if kept else {}


def _structure(resource: Json) -> Json:
    kept = pick(resource, HEAD) | rules_of(resource) | _contained(resource) | pick(resource, _STRUCTURE)
    if resource.get("snapshot", {}).get("element"):
        kept["snapshot"] = {"element": [_element(item) for item in resource["snapshot"]["element"]]}
        kept.pop("differential", None)
    else:
        kept.pop("snapshot", None)
        kept["differential"] = {"element": [_element(item) for item in resource["differential"]["element"]]}
    return kept


def _element(element: Json) -> Json:
    kept = {name: value for name, value in element.items() if _ELEMENT[name]}
    if "extension" in element:
        kept |= rules_of(element)
    if "slicing" in element:
        kept["slicing"] = pick(element["slicing"], ("discriminator", "ordered", "rules"))
    if "type" in element:
        kept["type"] = [_withrules_of(item, _TYPE) for item in element["type"]]
    if "constraint" in element:
        kept["constraint"] = [_withrules_of(item, _CONSTRAINT) for item in element["constraint"]]
    if "binding" in element:
        kept["binding"] = _withrules_of(element["binding"], ("strength", "valueSet"))
    return kept


def _withrules_of(item: Json, names: tuple[str, ...]) -> Json:
    kept = {name: item[name] for name in names if name in item}
    return kept | rules_of(item) if "extension" in item else kept


def _value_set(resource: Json) -> Json:
    kept = pick(resource, HEAD) | _contained(resource) | pick(resource, ("immutable",))
    if "compose" in resource:
        compose = resource["compose"]
        kept["compose"] = pick(compose, ("lockedDate", "inactive")) | {
            side: [_include(item) for item in compose[side]] for side in ("include", "exclude") if side in compose
        }
    if "expansion" in resource:
        expansion = resource["expansion"]
        kept["expansion"] = pick(expansion, ("total", "offset", "parameter")) | {
            "contains": [_contains(item) for item in expansion.get("contains", ())]
        }
    return kept


def _include(item: Json) -> Json:
    kept = pick(item, ("system", "version", "filter", "valueSet"))
    if "concept" in item:
        kept["concept"] = [pick(concept, ("code", "display")) | _designations(concept) for concept in item["concept"]]
    return kept


def _contains(item: Json) -> Json:
    kept = pick(item, ("system", "abstract", "inactive", "version", "code", "display")) | _designations(item)
    if "contains" in item:
        kept["contains"] = [_contains(part) for part in item["contains"]]
    return kept


def _code_system(resource: Json) -> Json:
    kept = pick(resource, HEAD) | _contained(resource) | pick(resource, _CODE_SYSTEM)
    if "property" in resource:
        kept["property"] = [pick(item, ("code", "uri", "type")) for item in resource["property"]]
    if "filter" in resource:
        kept["filter"] = [pick(item, ("code", "operator", "value")) for item in resource["filter"]]
    if "concept" in resource:
        kept["concept"] = [_concept(item) for item in resource["concept"]]
    return kept


def _concept(item: Json) -> Json:
    kept = pick(item, ("code", "display")) | _designations(item)
    properties = [
        pick(prop, tuple(name for name in prop if name == "code" or name.startswith("value")))
        for prop in item.get("property", ())
        if len(prop.get("valueString", "")) <= _LONGEST_PROPERTY
    ]
    for prop in properties:
        if "valueCoding" in prop:
            prop["valueCoding"] = pick(prop["valueCoding"], ("system", "version", "code"))
    if properties:
        kept["property"] = properties
    if "concept" in item:
        kept["concept"] = [_concept(part) for part in item["concept"]]
    return kept


def _designations(item: Json) -> Json:
    """Other accepted displays; definitions filed as designations are prose and go."""
    kept = [
        pick(designation, ("language", "value"))
        for designation in item.get("designation", ())
        if designation.get("use", {}).get("code") != "definition"
    ]
    return {"designation": kept} if kept else {}


def _search_parameter(resource: Json) -> Json:
    kept = pick(resource, HEAD) | pick(resource, _SEARCH_PARAMETER)
    if "component" in resource:
        kept["component"] = [pick(item, ("definition", "expression")) for item in resource["component"]]
    return kept


def _compartment(resource: Json) -> Json:
    kept = pick(resource, HEAD) | pick(resource, ("code", "search"))
    return kept | {"resource": [pick(item, ("code", "param")) for item in resource.get("resource", ())]}


def _operation(resource: Json) -> Json:
    kept = pick(resource, HEAD) | pick(resource, _OPERATION)
    if "parameter" in resource:
        kept["parameter"] = [_parameter(item) for item in resource["parameter"]]
    if "overload" in resource:
        kept["overload"] = [pick(item, ("parameterName",)) for item in resource["overload"]]
    return kept


def _parameter(item: Json) -> Json:
    kept = pick(item, _PARAMETER)
    if "binding" in item:
        kept["binding"] = pick(item["binding"], ("strength", "valueSet"))
    if "referencedFrom" in item:
        kept["referencedFrom"] = [pick(source, ("source", "sourceId")) for source in item["referencedFrom"]]
    if "part" in item:
        kept["part"] = [_parameter(part) for part in item["part"]]
    return kept


def _naming_system(resource: Json) -> Json:
    ids = [pick(item, ("type", "value", "preferred", "period")) for item in resource.get("uniqueId", ())]
    return pick(resource, (*HEAD, "kind")) | {"uniqueId": ids}


def _questionnaire(resource: Json) -> Json:
    return pick(resource, HEAD) | {"item": [_question(item) for item in resource.get("item", ())]}


def _question(item: Json) -> Json:
    """What an answer is held to; texts go."""
    kept = pick(item, ("linkId", "type", "required", "repeats", "maxLength", "answerValueSet", "enableBehavior"))
    if "enableWhen" in item:
        kept["enableWhen"] = [_condition(condition) for condition in item["enableWhen"]]
    if "answerOption" in item:
        kept["answerOption"] = [_option(option) for option in item["answerOption"]]
    elsewhere = [pick(e, ("url",)) for e in item.get("extension", ()) if e.get("url") == SUB_QUESTIONNAIRE]
    if elsewhere:
        kept["extension"] = elsewhere
    if "item" in item:
        kept["item"] = [_question(inner) for inner in item["item"]]
    return kept


def _condition(condition: Json) -> Json:
    return {name: value for name, value in condition.items() if name in _CONDITION or name.startswith("answer")}


def _option(option: Json) -> Json:
    kept = {name: value for name, value in option.items() if name.startswith("value")}
    if "valueCoding" in kept:
        kept["valueCoding"] = pick(kept["valueCoding"], ("system", "code"))
    return kept


_BY_TYPE: dict[str, Callable[[Json], Json]] = {
    "StructureDefinition": _structure,
    "ValueSet": _value_set,
    "CodeSystem": _code_system,
    "SearchParameter": _search_parameter,
    "CompartmentDefinition": _compartment,
    "OperationDefinition": _operation,
    "NamingSystem": _naming_system,
    "CapabilityStatement": capability,
    "Questionnaire": _questionnaire,
}
