"""What a differential's element does to the element it constrains. https://hl7.org/fhir/R4/elementdefinition.html"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_REPLACED = (
    *("representation", "sliceIsConstraining", "min", "max", "type", "maxLength", "isModifier", "isSummary"),
    *("contentReference", "short", "definition"),
)
_VALUES = ("fixed", "pattern", "minValue", "maxValue", "defaultValue")


def constrain(element: Json, differential: Json, *, profile: str) -> Json:
    """`element` as the differential's element leaves it; `profile` becomes the source of new constraints."""
    made = {**element, **{name: differential[name] for name in _REPLACED if name in differential}}
    made |= {name: value for name, value in differential.items() if name.lstrip("_").startswith(_VALUES)}
    if differential.get("mustSupport"):
        made["mustSupport"] = True
    if "slicing" in differential:
        made["slicing"] = {**element.get("slicing", {}), **differential["slicing"]}
    if "binding" in differential:
        made["binding"] = _binding(element.get("binding", {}), differential["binding"])
    if "constraint" in differential:
        made["constraint"] = _constraints(element.get("constraint", []), differential["constraint"], profile)
    if "condition" in differential:
        made["condition"] = list(dict.fromkeys([*element.get("condition", ()), *differential["condition"]]))
    if "extension" in differential:
        made["extension"] = _by_url(element.get("extension", []), differential["extension"])
    return made


def _constraints(known: list[Json], new: list[Json], profile: str) -> list[Json]:
    """Constraints add up; one with a known key says the known one again, in its new words."""
    merged = {item.get("key"): item for item in known}
    for item in new:
        merged[item.get("key")] = {**item, "source": item.get("source", profile)}
    return list(merged.values())


def _binding(known: Json, new: Json) -> Json:
    """A new binding keeps the most that the known one allows (maxValueSet); its own extensions come first."""
    merged = {**known, **new}
    if "extension" in known and "extension" in new:
        merged["extension"] = _by_url(known["extension"], new["extension"])
    return merged


def _by_url(known: list[Json], new: list[Json]) -> list[Json]:
    urls = {item.get("url") for item in new}
    return [*(item for item in known if item.get("url") not in urls), *new]


def based(element: Json, path: str) -> Json:
    """`element` with `base`: where its cardinality was first said."""
    if "base" in element:
        return element
    return {**element, "base": {"path": path, "min": element.get("min", 0), "max": element.get("max", "*")}}


def sourced(element: Json, profile: str) -> Json:
    """`element` with the source of each constraint, which is `profile` where none is said."""
    if all("source" in item for item in element.get("constraint", ())):
        return element
    return {**element, "constraint": [{"source": profile, **item} for item in element["constraint"]]}
