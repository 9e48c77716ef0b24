"""JSON Schema pieces for primitive values, references, fixed values and patterns.

Every piece is at least as strict as the engine's check of the same thing: what it lets pass, the engine lets pass.
https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Schema = dict[str, Any]
CHECK: Final = "ecm"
"""Our keyword: `[kind, ...]` names a check in Python that is called at just that value."""

_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}"
_TEXT = rf"^[^{_CONTROL}]*[^{_CONTROL}\s\x85][^{_CONTROL}]*$"
MARK: Final = r"\s\x85\x00-\x1f\x{fffe}\x{ffff}"  # what a URI or code never has
_END = rf"(?:[^{MARK}:]|$)"
_NO_OID = rf"i(?:[^{MARK}d]|d{_END}|$)|[^{MARK}i]|$"  # what may follow `o`, and `u` with one more step
_URN = (  # after `urn`: an OID or UUID that is one, or another namespace; the few that look alike go to the engine
    r":(?:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$|uuid:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$"
    rf"|[^{MARK}ou])"
)
_LEADS = (
    rf"(?:[^{MARK}ou]|o(?:{_NO_OID})|u(?:u(?:{_NO_OID})|[^{MARK}ur]|$|rn{_URN}))"  # neither oid: nor uuid: opens it
)
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP = (
    r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"
    r"|(?:0[48]|[2468][048]|[13579][26])00)"
)
_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"  # without white space
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_PARTIAL = rf"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _whole(low: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": 2147483647, CHECK: ["integer"]}


PRIMITIVE: Final[dict[str, Schema]] = {
    "boolean": {"type": "boolean"},
    "integer": _whole(-2147483648),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": {"type": "number"},
    "string": {**_matching(_TEXT), "maxLength": 1048576},
    "markdown": {**_matching(_TEXT), "maxLength": 1048576},
    "xhtml": {"type": "string", "maxLength": 1048576, CHECK: ["xhtml"]},
    "code": _matching(rf"^[^{MARK}]+(?: [^{MARK}]+)*$"),
    "id": {**_matching(r"^[A-Za-z0-9\-.]+$"), "maxLength": 64},
    "uri": _matching(rf"^{_LEADS}[^{MARK}]*$"),
    "url": _matching(rf"^{_LEADS}[^{MARK}]*$"),
    "canonical": _matching(rf"^(?:urn{_URN}|[^{MARK}ou#:][^{MARK}#:]*:)[^{MARK}]*$"),
    "oid": _matching(r"^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$"),
    "uuid": _matching(r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    "date": _matching(rf"^(?:{_PARTIAL}|{_DAY})$"),
    "dateTime": _matching(rf"^(?:{_PARTIAL}|{_DAY}(?:T{_CLOCK}{_ZONE})?)$"),
    "instant": _matching(rf"^{_DAY}T{_CLOCK}{_ZONE}$"),
    "time": _matching(rf"^{_CLOCK}$"),
    "base64Binary": {"type": "string", "minLength": 1, "anyOf": [{"pattern": _BASE64}, {CHECK: ["base64"]}]},
}
ELEMENT_ID: Final[Schema] = {**PRIMITIVE["uri"], CHECK: ["element_id"]}
"""No white space, and each id once in a resource."""
UNCHECKED: Final = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.238",
    "http://www.ama-assn.org/go/cpt",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/ndc",
    "http://nucc.org/provider-taxonomy",
)
"""Code systems whose content is nowhere at hand, so that no code of theirs can be said to be wrong."""
ABSOLUTE: Final = rf"^[A-Za-z][A-Za-z0-9+.\-]*:[^{MARK}]+$"
"""A URI with a scheme."""
SYSTEM: Final = rf"^(?:https?:[^{MARK}]|urn{_URN})[^{MARK}]*$"
"""What the absolute URIs of systems nearly always are."""


def exactly(value: Any) -> Schema:
    """Equal to a fixed value, order of members aside."""
    return {"const": value}


def holding(pattern: Any) -> Schema:
    """At least what a pattern has."""
    if isinstance(pattern, dict):
        members = {name: holding(value) for name, value in pattern.items()}
        return {"type": "object", "required": list(pattern), "properties": members}
    if isinstance(pattern, list):
        return {"type": "array", "allOf": [{"contains": holding(value)} for value in pattern]}
    return {"const": pattern}


def both(*parts: Schema | None) -> Schema:
    """All of the schemas that are there."""
    kept = [part for part in parts if part]
    if not kept:
        return {}
    if len(kept) == 1:
        return kept[0]
    merged: Schema = {}
    for part in kept:
        if merged.keys() & part.keys():
            return {"allOf": kept}
        merged |= part
    return merged


def listed(codes: Iterable[tuple[str, str]], type: str) -> Schema | None:
    """Just the coded values of a type that are among (system, code); None for types that this is not said of."""
    if type in ("code", "string", "uri", "id", "markdown", "url", "canonical"):
        return {"enum": sorted({code for _, code in codes})}
    if type not in ("Coding", "CodeableConcept"):
        return None
    systems: dict[str, list[str]] = {}
    for system, code in sorted(codes):
        systems.setdefault(system, []).append(code)
    ways: list[Schema] = [
        {"required": ["system", "code"], "properties": {"system": {"const": system}, "code": {"enum": found}}}
        for system, found in systems.items()
    ]
    if not ways:
        return {"not": {}}
    one = ways[0] if len(ways) == 1 else {"anyOf": ways}
    return one if type == "Coding" else {"required": ["coding"], "properties": {"coding": {"contains": one}}}
