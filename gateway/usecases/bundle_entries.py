"""The entries of a batch or transaction, read as steps. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import BadRequest, GatewayError, Issue, TooLarge
from gateway.fhir import ids
from gateway.fhir.query_string import pairs
from gateway.ports import Json
from gateway.usecases.bundle_members import BUNDLE, ENTRY, REQUEST, strange
from gateway.usecases.entry_conditions import NONE, Conditions, Parameters, conditions
from gateway.usecases.references import own, own_address
from gateway.usecases.services import Services

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: what is to be done to which address, with what. `at` is its place, `Bundle.entry[3]`.

    A fullUrl and references under our own base are relative (`Type/id`).
    """

    at: str
    method: str
    type: str
    id: str | None = None
    version: int | None = None
    query: Parameters = ()
    full_url: str | None = None
    resource: Json | None = None
    asked: Conditions = NONE


def steps_of(bundle: Json, *, services: Services, base: str) -> list[Step | GatewayError]:
    """Each entry as a Step, or the BadRequest that says what is wrong with it."""
    if wrong := list(strange(bundle, BUNDLE, of="Bundle", at="Bundle")):
        raise BadRequest(issues=wrong)
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise BadRequest(issues=[Issue("error", "structure", "Bundle.entry is not an array.", "Bundle.entry")])
    if len(entries) > services.max_entries:
        limit = f"A Bundle may have {services.max_entries} entries here: send it in parts."
        raise TooLarge(issues=[Issue("error", "too-costly", limit, "Bundle.entry")])
    return [_step(entry, f"Bundle.entry[{at}]", services, base) for at, entry in enumerate(entries)]


def _step(entry: Any, at: str, services: Services, base: str) -> Step | GatewayError:
    wrong: list[Issue] = []

    def bad(message: str, place: str = "", code: str = "invalid") -> None:
        wrong.append(Issue("error", code, message, at + place))

    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        bad("The entry has no request: it does not say what is to be done.", code="required")
        return BadRequest(issues=wrong)
    request, resource = entry["request"], entry.get("resource")
    wrong += strange(entry, ENTRY, of="Bundle.entry", at=at)
    wrong += strange(request, REQUEST, of="Bundle.entry.request", at=f"{at}.request")
    method, url, full_url = request.get("method"), request.get("url"), entry.get("fullUrl")
    if method not in _METHODS:
        bad("request.method is not one of GET, HEAD, POST, PUT, PATCH, DELETE.", ".request.method", "value")
    elif method in ("PATCH", "DELETE", "HEAD"):
        bad(f"{method} is not offered here.", ".request.method", "not-supported")
    if full_url is not None and not isinstance(full_url, str):
        bad("fullUrl is not a string.", ".fullUrl", "structure")
    try:
        place = _address(url, base, f"{at}.request.url") if isinstance(url, str) else None
    except BadRequest as error:
        return BadRequest(issues=[*wrong, *error.issues])
    if place is None:
        bad("request.url is not an address of this server, relative to its base.", ".request.url", "value")
        return BadRequest(issues=wrong)
    type, id, version, query = place
    if type not in services.types:
        bad("This resource type is not served here.", ".request.url", "not-supported")
    if version is not None and method != "GET":
        bad("Only a GET names a version.", ".request.url", "value")
    if method in ("POST", "PUT"):
        _body(resource, method=method, type=type, id=id, query=query, bad=bad)
    asked, misplaced = conditions(request, method=method, by_id=id is not None, at=f"{at}.request")
    wrong += misplaced
    if wrong:
        return BadRequest(issues=wrong)
    if isinstance(resource, dict):
        resource = own(resource, base)
    named = own_address(full_url, f"{base}/") if base and full_url is not None else full_url
    return Step(at, str(method), type, id, version, query, named, resource, asked)


def _body(resource: Any, *, method: str, type: str, id: str | None, query: Parameters, bad: Any) -> None:
    if not isinstance(resource, dict):
        bad("The entry has no resource.", ".resource", "required")
        return
    if resource.get("resourceType") != type:
        bad("resourceType is not the type in request.url.", ".resource.resourceType")
    if method == "POST" and (id is not None or query):
        bad("POST goes to a resource type, without id or search.", ".request.url", "value")
    if method == "PUT" and id is None and not query:
        bad("PUT names the resource by id or by search.", ".request.url", "value")
    if method == "PUT" and id is not None and query:
        bad("PUT names the resource by id or by search, not by both.", ".request.url", "value")
    if method == "PUT" and id is not None and resource.get("id") != id:
        bad("The resource's id is not the one in request.url.", ".resource.id", "value")


def _address(url: str, base: str, place: str) -> tuple[str, str | None, int | None, Parameters] | None:
    """Type, id, version and query of an address of ours; None for anything else (another host, an operation)."""
    if base and url.startswith(base + "/"):
        url = url[len(base) + 1 :]
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that begins no IPv6 address
        return None
    if parts.scheme or parts.netloc or parts.fragment or "%" in parts.path:
        return None
    path = parts.path.split("/")
    query = tuple(pairs(parts.query, place=place))
    if not path[0].isalpha() or not path[0][0].isupper():
        return None
    match path[1:]:
        case []:
            return path[0], None, None, query
        case [id] if ids.is_id(id):
            return path[0], id, None, query
        case [id, "_history", version] if ids.is_id(id) and version.isascii() and version.isdecimal():
            return path[0], id, int(version) if len(version) < 10 else 0, query
    return None


def duplicates(steps: Sequence[Step]) -> list[Issue]:
    """An error for each fullUrl used twice, and each resource that two entries write (by id or condition)."""
    issues: list[Issue] = []
    urls: set[str] = set()
    written: set[tuple[str, object]] = set()
    for step in steps:
        if step.full_url is not None and step.method in ("POST", "PUT"):
            if step.full_url in urls:
                issues.append(Issue("error", "duplicate", "Another entry has this fullUrl.", f"{step.at}.fullUrl"))
            urls.add(step.full_url)
        target = (
            step.asked.unless if step.method == "POST" else (step.id or step.query) if step.method == "PUT" else None
        )
        if target:
            if (step.type, target) in written:
                issues.append(Issue("error", "duplicate", "Another entry writes this resource.", step.at))
            written.add((step.type, target))
    return issues
