"""References in a resource: found, rewritten, and checked against what is kept.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from gateway.errors import Issue
from gateway.ports import Json, Transaction

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_SEARCH = re.compile(r"[A-Z][A-Za-z]+\?")
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


def texts(resource: Json) -> list[str]:
    """The text of every `reference`, without its place: most need no more, and it takes a third of the time."""
    found: list[str] = []
    _texts(resource, found)
    return found


def _texts(value: Json, found: list[str]) -> None:
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


def own(resource: Json, base: str) -> Json:
    """The resource, its references under `base` (this server's own address) relative; itself where there are none.

    The same thing must not be known by two names: what is checked, indexed, followed and told of is `Type/id`.
    """
    under = f"{base}/"
    if not base or not any(text.startswith(under) for text in texts(resource)):
        return resource
    return {name: _own(member, under, name) for name, member in resource.items()}


def _own(value: Any, under: str, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _own(member, under, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_own(member, under, name) for member in value]
    if name == "reference" and isinstance(value, str) and value.startswith(under):
        return own_address(value, under)
    return value


def own_address(address: str, under: str) -> str:
    """An address under `under` (our base and a slash) as `Type/id` or `Type?search`; any other as it is."""
    inner = address.removeprefix(under)
    return inner if _RELATIVE.fullmatch(inner) or _SEARCH.match(inner) else address


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
    resource: Json,
    tx: Transaction,
    *,
    known: Collection[str] = (),
    types: Collection[str],
    at: str = "",
    named: bool = True,
) -> Iterator[Issue]:
    """An error for each reference that is none, or whose target is neither kept nor in `known` (`Type/id` being kept).

    An absolute address elsewhere is text to us and is never fetched; a search as a reference is one that no transaction
    has resolved. `at` replaces the resource type at the head of the path (`Bundle.entry[2].resource`); the rest of the
    path is left out where its names are not known to be FHIR's (`named`, see `are_named`).
    """
    strange = {text for text in texts(resource) if text not in known and text[:1] != "#"}
    lost = {text: wrong for text in strange if (wrong := _lost(text, tx, known=known, types=types))}
    if not lost:
        return
    type = str(resource.get("resourceType", ""))
    for path, reference in references(resource):
        if reference in lost:
            code, rule, message = lost[reference]
            yield Issue("error", code, message, (at or type) + (path[len(type) :] if named else ""), rule)


def are_named(faults: Iterable[Issue]) -> bool:
    """Whether the names on a path into a resource with these faults are FHIR's own.

    A member that is no element may be called by a person's name, wherever the data does not have the shape of its type.
    """
    return not any(issue.is_error and issue.code in ("structure", "value") for issue in faults)


def _lost(
    reference: str, tx: Transaction, *, known: Collection[str], types: Collection[str]
) -> tuple[str, str, str] | None:
    """Issue code, rule and sentence for a reference that leads nowhere; None for one that leads somewhere."""
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return "not-found", "ref-urn", "Nothing in this Bundle has the fullUrl referred to."
    target = relative(reference)
    if target is None:
        if _ABSOLUTE.match(reference):
            return None
        message = "This is neither Type/id nor an absolute address (a search belongs into a transaction)."
        return "value", "ref-form", message
    type, id = target
    if f"{type}/{id}" in known:
        return None
    kept = tx.read(type, id) if type in types else None
    if kept is not None and not kept.deleted:
        return None
    return "not-found", "ref-target", "The resource referred to is not kept here."
