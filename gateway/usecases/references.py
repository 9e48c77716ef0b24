"""References in a resource: found, rewritten, and checked against what is kept.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway.errors import Issue
from gateway.ports import Json, Transaction

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_LINKS = frozenset(
    [
        *("reference", "url", "uri", "source", "policy", "authority", "instantiates", "instantiatesUri"),
        *("definitionUri", "eventUri", "moduleUri", "sourceUri", "targetUri", "derivedFromUri", "implicitRules"),
        *("onlineInformation", "valueUri", "valueUrl", "valueUuid", "valueOid"),
    ]
)
"""Elements of type uri, url, uuid or oid (and Reference.reference). Canonicals and strings are not links: a urn:uuid in
an Identifier's `value` names the thing itself. A `system` is left alone too: it names a namespace."""
_NARRATIVE_LINK = re.compile(r'((?:href|src)=")([^"]+)(")')


def references(resource: Json) -> Iterator[tuple[str, str]]:
    """Every `reference` in the resource: its FHIRPath and its text, contained resources included."""
    return _find(resource, str(resource.get("resourceType", "")))


def _find(value: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, member in value.items():
        if name == "reference" and isinstance(member, str):
            yield f"{path}.reference", member
        elif isinstance(member, dict):
            yield from _find(member, f"{path}.{name}")
        elif isinstance(member, list):
            for at, item in enumerate(member):
                if isinstance(item, dict):
                    yield from _find(item, f"{path}.{name}[{at}]")


def _texts(value: Json, found: list[str]) -> None:
    """The texts alone, without their places: most resources need no more."""
    for name, member in value.items():
        kind = type(member)
        if kind is dict:
            _texts(member, found)
        elif kind is list:
            for item in member:
                if type(item) is dict:
                    _texts(item, found)
        elif name == "reference" and kind is str:
            found.append(member)


def rewritten(value: Any, table: Mapping[str, str], *, name: str = "") -> Any:
    """A copy of `value` with every reference and link that is a key of `table` replaced, links in narrative too.

    https://hl7.org/fhir/R4/http.html#trules
    """
    if isinstance(value, dict):
        return {key: rewritten(member, table, name=key) for key, member in value.items()}
    if isinstance(value, list):
        return [rewritten(member, table, name=name) for member in value]
    if isinstance(value, str):
        if name == "div":
            return _NARRATIVE_LINK.sub(lambda m: m[1] + table.get(m[2], m[2]) + m[3], value)
        return table.get(value, value) if name in _LINKS else value
    return value


def relative(reference: str) -> tuple[str, str] | None:
    """Type and id of a relative literal reference, else None."""
    found = _RELATIVE.fullmatch(reference)
    return (found[1], found[2]) if found else None


def missing(
    resource: Json, tx: Transaction, *, known: Collection[str] = (), types: Collection[str], at: str = ""
) -> Iterator[Issue]:
    """An error for each reference that is none, or whose target is neither kept nor in `known` (`Type/id` being kept).

    An absolute address elsewhere is text to us and is never fetched; a search as a reference is one that no transaction
    has resolved. `at` replaces the
    resource type at the head of the path (`Bundle.entry[2].resource`).
    """
    texts: list[str] = []
    _texts(resource, texts)
    if all(text in known or text[:1] == "#" for text in texts):
        return
    head = len(str(resource.get("resourceType", "")))
    for path, reference in references(resource):
        place = at + path[head:] if at else path
        if reference.startswith("#"):
            continue
        if reference.startswith(("urn:uuid:", "urn:oid:")):
            yield Issue("error", "not-found", "Nothing in this Bundle has the fullUrl referred to.", place, "ref-urn")
            continue
        target = relative(reference)
        if target is None:
            if not _ABSOLUTE.match(reference):
                message = "This is neither Type/id nor an absolute address (a search belongs into a transaction)."
                yield Issue("error", "value", message, place, "ref-form")
            continue
        type, id = target
        if f"{type}/{id}" in known:
            continue
        kept = tx.read(type, id) if type in types else None
        if kept is None or kept.deleted:
            yield Issue("error", "not-found", "The resource referred to is not kept here.", place, "ref-target")
