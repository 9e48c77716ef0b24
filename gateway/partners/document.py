"""What is not accepted as itself, as a document: a DocumentReference with a FHIR document and a text, and a message.

https://hl7.org/fhir/R4/documents.html, https://hl7.org/fhir/R4/documentreference.html,
https://hl7.org/fhir/R4/communication.html. All is a function of what is owed, so that a repeat makes the same again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gateway.fhir import codec

Json = dict[str, Any]
_LOINC = "http://loinc.org"
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_KINDS = {
    "CarePlan": ("18776-5", "Plan of care note", "care plan"),
    "CareTeam": ("85847-2", "Patient Care team information", "care team"),
}
_REFERRAL = ("57133-1", "Referral note", "referral")
_MEMBERS = ("subject", "patient", "for", "beneficiary")


def known_as(resource: Json, theirs: str) -> str | None:
    """`Type/id` at a partner whose FHIR address is `theirs`, if the resource carries it as an identifier."""
    for one in _identifiers(resource):
        if one.get("system") == theirs and str(one.get("value", "")).startswith(f"{resource['resourceType']}/"):
            return str(one["value"])
    return None


def mark_of(resource: Json, ours: str) -> str | None:
    """The identifier by which this gateway finds a resource again that it created elsewhere."""
    return next((str(one.get("value")) for one in _identifiers(resource) if one.get("system") == ours), None)


def marked(resource: Json, *, ours: str) -> Json:
    """The resource with that identifier, without our stamps."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    made = {name: value for name, value in resource.items() if name != "meta"} | ({"meta": meta} if meta else {})
    if mark_of(resource, ours) is None:
        own = {"system": ours, "value": f"{resource['resourceType']}/{resource['id']}"}
        made["identifier"] = [*_identifiers(resource), own]
    return made


def member_of(resource: Json) -> str | None:
    """The reference to the member that a resource is about."""
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    found = [resource[name].get("reference") for name in _MEMBERS if isinstance(resource.get(name), dict)]
    return str(found[0]) if found and found[0] else None


def rewritten(value: Any, places: dict[str, str], *, ours: str) -> Any:
    """A copy whose references lead to the partner's own resources; where it has none, they only say which is meant."""
    if isinstance(value, list):
        return [rewritten(member, places, ours=ours) for member in value]
    if not isinstance(value, dict):
        return value
    made = {name: rewritten(member, places, ours=ours) for name, member in value.items()}
    target = value.get("reference")
    if not isinstance(target, str) or target.startswith(("#", "http", "urn:")):
        return made
    local = target.partition("/_history/")[0]
    if local in places:
        return {**made, "reference": places[local]}
    if local in places.values():
        return made
    return {name: member for name, member in made.items() if name != "reference"} | {
        "identifier": made.get("identifier", {"system": ours, "value": local})
    }


def reference_of(entries: list[Json], *, ours: str, member: str, each_version: bool) -> Json:
    """The DocumentReference about the last entry; `each_version`: a new one for every version (no update there)."""
    focus = entries[-1]["resource"]
    code, display, name = _KINDS.get(focus["resourceType"], _REFERRAL)
    at = focus.get("meta", {}).get("lastUpdated")
    whole, text = codec.write(_document(entries, ours=ours)), summary(entries).encode()
    mark = versioned(focus) if each_version else f"{focus['resourceType']}/{focus['id']}"
    made: Json = {
        "resourceType": "DocumentReference",
        "id": focus["id"],
        "identifier": [{"system": ours, "value": mark}],
        "status": "current",
        "type": {"coding": [{"system": _LOINC, "code": code, "display": display}]},
        "category": [{"coding": [{"system": _CATEGORY, "code": "clinical-note", "display": "Clinical Note"}]}],
        "subject": {"reference": member},
        "date": at,
        "description": f"Shared {name} (Enhanced Care Management)",
        "content": [
            {"attachment": _attachment("text/plain;charset=utf-8", text, f"Shared {name}", at)},
            {"attachment": _attachment("application/fhir+json", whole, f"Shared {name} as a FHIR document", at)},
        ],
    }
    return {key: value for key, value in made.items() if value is not None}


def communication_of(focus: Json, *, ours: str, member: str, about: str | None) -> Json:
    """The message that says what is new: one for each version."""
    _, _, name = _KINDS.get(focus["resourceType"], _REFERRAL)
    said = f"Enhanced Care Management: the shared {name} is {focus.get('status', 'changed')}."
    if reason := (focus.get("statusReason") or {}).get("text"):
        said += f" Reason: {reason}"
    document = {"reference": about} if about else None
    made: Json = {
        "resourceType": "Communication",
        "id": focus["id"],
        "identifier": [{"system": ours, "value": versioned(focus)}],
        "status": "completed",
        "subject": {"reference": member},
        "about": [document] if document else None,
        "sent": focus.get("meta", {}).get("lastUpdated"),
        "payload": [{"contentString": said}, *([{"contentReference": document}] if document else [])],
    }
    return {key: value for key, value in made.items() if value is not None}


def versioned(focus: Json) -> str:
    """`Type/id/_history/version` of what is owed."""
    version = focus.get("meta", {}).get("versionId", "0")
    return f"{focus['resourceType']}/{focus['id']}/_history/{version}"


def summary(entries: list[Json]) -> str:
    """What a person reads: what it is, how it stands, its goals, activities and people."""
    focus = entries[-1]["resource"]
    _, _, name = _KINDS.get(focus["resourceType"], _REFERRAL)
    lines = [f"Shared {name}, Enhanced Care Management", f"Status: {focus.get('status', 'not said')}"]
    lines += _line("Reason", (focus.get("statusReason") or {}).get("text"))
    lines += _line("Title", focus.get("title"))
    lines += _line("What", (focus.get("code") or {}).get("text"))
    for entry in entries:
        if entry["resource"]["resourceType"] == "Goal":
            lines += _line("Goal", (entry["resource"].get("description") or {}).get("text"))
    for activity in focus.get("activity", []):
        detail = activity.get("detail", {})
        lines += _line(
            "Activity", detail.get("description") or (detail.get("code") or {}).get("text"), detail.get("status")
        )
    for one in focus.get("participant", []):
        roles = [role.get("text") for role in one.get("role", []) if role.get("text")]
        lines += _line("Team", (one.get("member") or {}).get("display"), *roles)
    lines += [line for note in focus.get("note", []) for line in _line("Note", note.get("text"))]
    return "\n".join(lines) + "\n"


def _line(label: str, *parts: str | None) -> list[str]:
    said = [part for part in parts if part]
    return [f"{label}: {', '.join(said)}"] if said else []


def _document(entries: list[Json], *, ours: str) -> Json:
    """The last entry and all that it refers to, as a FHIR document."""
    focus = entries[-1]["resource"]
    code, display, name = _KINDS.get(focus["resourceType"], _REFERRAL)
    at = focus.get("meta", {}).get("lastUpdated")
    member = member_of(focus)
    id = str(uuid5(NAMESPACE_URL, f"{ours}/{versioned(focus)}"))
    composition: Json = {
        "resourceType": "Composition",
        "id": id,
        "status": "final",
        "type": {"coding": [{"system": _LOINC, "code": code, "display": display}]},
        "subject": {"reference": member} if member else None,
        "date": at,
        "author": [{"identifier": {"system": "urn:ietf:rfc:3986", "value": ours}, "display": "ECM Gateway"}],
        "title": f"Shared {name}",
        "section": [{"title": f"Shared {name}", "entry": [{"reference": f"{focus['resourceType']}/{focus['id']}"}]}],
    }
    first = {
        "fullUrl": f"{ours}/Composition/{id}",
        "resource": {key: value for key, value in composition.items() if value is not None},
    }
    rest = [{"fullUrl": entry["fullUrl"], "resource": entry["resource"]} for entry in entries]
    head = {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{id}"}, "type": "document"}
    stamp = {"timestamp": at} if at else {}
    return {"resourceType": "Bundle", **head, **stamp, "entry": [first, *rest]}


def _attachment(type: str, data: bytes, title: str, at: str | None) -> Json:
    made = {
        "contentType": type,
        "data": base64.b64encode(data).decode(),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(),
        "title": title,
        "creation": at,
    }
    return {key: value for key, value in made.items() if value is not None}


def _identifiers(resource: Json) -> list[Json]:
    found = resource.get("identifier", [])
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]
