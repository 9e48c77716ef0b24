"""A transaction for servers that give out their own ids: each resource is known there by ours as an identifier.

Every PUT becomes a conditional update by an identifier whose system is this gateway's address and whose value is the
reference here; types without identifiers are known by a tag. References inside the Bundle go by urn:uuid, which the
server replaces. Repeats find what is there. https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]
_SINGLE = frozenset(["QuestionnaireResponse", "Composition"])
"""Types with one identifier at most."""
_NONE = frozenset(["Provenance", "AuditEvent", "Binary"])
"""Types without identifiers."""


def conditional(bundle: Json) -> Json:
    """The same transaction by identifiers instead of ids; its entries need a fullUrl that ends in `Type/id`."""
    table = {entry["request"]["url"]: _urn(entry["fullUrl"]) for entry in bundle["entry"] if "fullUrl" in entry}
    return {**bundle, "entry": [_entry(entry, table) for entry in bundle["entry"]]}


def _entry(entry: Json, table: dict[str, str]) -> Json:
    place = entry["request"]["url"]
    system = entry["fullUrl"].removesuffix("/" + place)
    type = place.partition("/")[0]
    resource = _known_by(_rewritten(entry["resource"], table), system=system, value=place)
    name, key = _key(entry["resource"], system=system, value=place)
    request = {"method": "PUT", "url": f"{type}?{name}={quote(key, safe=':/|')}"}
    return {"fullUrl": table[place], "resource": resource, "request": request}


def _known_by(resource: Json, *, system: str, value: str) -> Json:
    """The resource without our id and version stamp, with its identifier or tag."""
    stamps = ("versionId", "lastUpdated")
    meta = {name: member for name, member in resource.get("meta", {}).items() if name not in stamps}
    type = resource["resourceType"]
    own = {"system": system, "value": value}
    kept = {name: member for name, member in resource.items() if name not in ("id", "meta")}
    if type in _NONE or (type in _SINGLE and not _usable(resource.get("identifier", own))):
        meta = {**meta, "tag": [*meta.get("tag", ()), {"system": system, "code": value}]}
    elif type in _SINGLE:
        kept.setdefault("identifier", own)
    else:
        kept["identifier"] = [*kept.get("identifier", ()), own]
    head = {"resourceType": type, **({"meta": meta} if meta else {})}
    return head | {name: member for name, member in kept.items() if name != "resourceType"}


def _key(resource: Json, *, system: str, value: str) -> tuple[str, str]:
    """The search that finds the resource there."""
    type = resource["resourceType"]
    own = {"system": system, "value": value}
    if type in _NONE or (type in _SINGLE and not _usable(resource.get("identifier", own))):
        return "_tag", f"{system}|{value}"
    known = resource.get("identifier", own) if type in _SINGLE else own
    return "identifier", f"{known['system']}|{known['value']}"


def _usable(identifier: Json) -> bool:
    """Whether a search can name it: both parts, and nothing that would need escapes."""
    parts = identifier.get("system"), identifier.get("value")
    return all(parts) and not any(mark in str(part) for part in parts for mark in ",|$\\")


def _urn(full_url: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, full_url)}"


def _rewritten(value: Any, table: dict[str, str]) -> Any:
    """A copy in which references to what is in the Bundle go by urn:uuid."""
    if isinstance(value, dict):
        return {
            name: table.get(member.partition("/_history/")[0], member)
            if name == "reference" and isinstance(member, str)
            else _rewritten(member, table)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_rewritten(member, table) for member in value]
    return value
