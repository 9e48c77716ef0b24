"""Part of a resource, marked as such. https://hl7.org/fhir/R4/search.html#elements"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ports import Json

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset(["resourceType", "id", "meta", "implicitRules", "modifierExtension"])
_MANDATORY = frozenset(
    ["status", "intent", "subject", "code", "lifecycleStatus", "description", "beneficiary", "payor"]
)
_LONG = frozenset(["text", "contained", "note", "extension", "activity", "item", "participant"])


def subset(resource: Json, *, elements: Sequence[str] = (), summary: str = "false") -> Json:
    """The resource with only `elements`, or by `_summary` (true, text, data), tagged SUBSETTED.

    Elements that a resource must have, and those that change its meaning, always stay.
    """
    if elements:
        wanted = _ALWAYS | _MANDATORY | {e.split(".")[0] for e in elements}
        kept = {k: v for k, v in resource.items() if k.lstrip("_") in wanted}
    elif summary == "text":
        kept = {k: v for k, v in resource.items() if k.lstrip("_") in _ALWAYS | _MANDATORY | {"text"}}
    elif summary == "data":
        kept = {k: v for k, v in resource.items() if k != "text"}
    else:
        kept = {k: v for k, v in resource.items() if k.lstrip("_") not in _LONG}
    meta = kept.get("meta", {})
    return {**kept, "meta": {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]}}
