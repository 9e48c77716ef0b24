"""A FHIR server in memory, as little of one as a partner needs: transaction, create, update, delete, read, search.

What a kind of partner does not accept is in its `Capabilities`. Everything that changed something is in `effects`, in
order; a repeat of what is already so changes nothing. Versions and times are the server's own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.simulators.faults import Answer, outcome
from gateway.simulators.searching import SearchRule, Stored, search

Json = dict[str, Any]
_PLACE = re.compile(r"/?([A-Z][A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?")
_IS_TYPE = re.compile(r"/?[A-Z][A-Za-z]+")
_CONDITION = re.compile(r"([A-Z][A-Za-z]+)\?(identifier|_tag)=([^|&]+)\|([^|&]+)")


class Effect(NamedTuple):
    """One change: the sender's version of the resource (0 unknown), and whether it was a deletion."""

    reference: str
    version: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a partner accepts: interactions by type, "*" for all others; whether whole transactions."""

    transaction: bool = True
    sender_ids: bool = True
    """Whether a PUT may make a resource under the sender's id."""
    types: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {"*": frozenset(["create", "update", "delete"])}
    )

    searches: Mapping[str, SearchRule] = field(default_factory=lambda: {"*": SearchRule()})
    """What a search of a type has to be like; a type without a rule cannot be searched."""
    stale: int = 412
    """The status that a stale If-Match meets."""
    tenant: str | None = None
    """The first step of every path, where the partner has tenants; another one is 403."""
    json_only: bool = False
    """Whether a request that accepts no JSON meets a 406 with an empty body."""
    search_before_create: bool = False
    """Whether If-None-Exist is not understood."""

    def allows(self, type: str, interaction: str) -> bool:
        return interaction in self.types.get(type, self.types.get("*", frozenset()))


class FhirMemory:
    """The server's memory. Safe for threads."""

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self._capabilities = capabilities or Capabilities()
        self._lock = Lock()
        self._numbers = itertools.count(1)
        self.resources: dict[str, Json] = {}
        self.effects: list[Effect] = []
        self.stamps: dict[str, tuple[int, datetime]] = {}
        """Version and time of each resource, as this server counts."""
        self.base = ""

    def forget(self) -> None:
        """Amnesia: lose all that was ever told (what had an effect stays known to whoever watches)."""
        with self._lock:
            self.resources.clear()
            self.stamps.clear()

    def put(self, resource: Json, *, at: datetime | None = None) -> None:
        """Keep a resource of the partner's own, as if someone there had written it."""
        with self._lock:
            self._keep(f"{resource['resourceType']}/{resource['id']}", resource, at)

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Do what a request asks, and the right answer to it."""
        asked = headers or {}
        if self._capabilities.json_only and "json" not in asked.get("accept", "json"):
            return Answer(406)
        if (tenant := self._capabilities.tenant) is not None:
            first, _, rest = path.lstrip("/").partition("/")
            if first != tenant:
                return Answer(403, outcome("forbidden"))
            path = f"/{rest}"
        try:
            value = codec.read(body) if body else None
        except Malformed:
            return Answer(400, outcome("structure"))
        with self._lock:
            if method == "POST" and path in ("", "/"):
                return self._transaction(value)
            if method == "GET" and _IS_TYPE.fullmatch(path.partition("?")[0]):
                return self._search(path)
            return self._guarded(method, path, value, asked)

    def _search(self, path: str) -> Answer:
        place, _, query = path.lstrip("/").partition("?")
        rules = self._capabilities.searches
        rule = rules.get(place, rules.get("*"))
        if rule is None:
            return Answer(404, outcome("not-supported"))
        stored = [
            Stored(self._served(name), self.stamps[name][1]) for name in self.resources if name.startswith(f"{place}/")
        ]
        parameters = parse_qsl(query, keep_blank_values=True)
        return search(stored, parameters, type=place, rule=rule, base=self.base)

    def _guarded(self, method: str, path: str, value: Any, headers: Mapping[str, str]) -> Answer:
        """One request with its conditions: If-Match, If-None-Exist."""
        place = path.lstrip("/")
        matched = headers.get("if-match")
        if matched is not None and place in self.resources and matched != f'W/"{self.stamps[place][0]}"':
            return Answer(self._capabilities.stale, outcome("conflict"))
        if "if-none-exist" in headers and not self._capabilities.search_before_create:
            condition = _CONDITION.fullmatch(f"{place}?{unquote(headers['if-none-exist'])}")
            if condition is None:
                return Answer(400, outcome("invalid"))
            for known, one in self.resources.items():
                if _is_known(one, *condition.groups()):
                    return Answer(200, self._served(known), {"Location": f"{self.base}/{known}"})
        return self._one(method, path, value)

    def _served(self, reference: str) -> Json:
        """The resource as a read shows it: stamped by this server."""
        version, at = self.stamps[reference]
        resource = self.resources[reference]
        stamp = {"versionId": str(version), "lastUpdated": at.isoformat(timespec="milliseconds")}
        return {**resource, "id": reference.partition("/")[2], "meta": {**resource.get("meta", {}), **stamp}}

    def _transaction(self, bundle: Any) -> Answer:
        if not self._capabilities.transaction:
            return Answer(405, outcome("not-supported"))
        if not isinstance(bundle, dict) or bundle.get("type") not in ("transaction", "batch"):
            return Answer(400, outcome("invalid"))
        if bundle["type"] == "batch":
            return self._batch(bundle.get("entry", []))
        before, kept = dict(self.resources), len(self.effects)
        answers = []
        entries = [(entry, self._place(entry)) for entry in bundle.get("entry", [])]
        table = {entry.get("fullUrl"): place for entry, place in entries}
        for entry, place in entries:
            resource = _replaced(entry.get("resource"), table)
            if isinstance(resource, dict) and place and _CONDITION.match(entry["request"]["url"]):
                resource = {**resource, "id": place.partition("/")[2]}
                one = self._write(place, resource)
            else:
                one = self._one(entry.get("request", {}).get("method", ""), place, resource)
            if one.status >= 400:
                self.resources = before
                del self.effects[kept:]
                return one
            location = {"location": one.headers["Location"]} if "Location" in one.headers else {}
            answers.append({"response": {"status": str(one.status), **location}})
        return Answer(200, {"resourceType": "Bundle", "type": "transaction-response", "entry": answers})

    def _batch(self, entries: list[Json]) -> Answer:
        """Each for itself, the last first: nobody may count on an order. What needs another entry first is refused."""
        answers: list[Json] = []
        places = {entry["request"]["url"] for entry in entries}
        for entry in reversed(entries):
            resource, place = entry.get("resource"), entry["request"]["url"]
            if any(text in places and text not in self.resources for text in _references(resource)):
                one = Answer(422, outcome("not-found"))
            else:
                one = self._one(entry["request"]["method"], place, resource)
            answers.insert(0, {"response": {"status": str(one.status)}})
        return Answer(200, {"resourceType": "Bundle", "type": "batch-response", "entry": answers})

    def _place(self, entry: Json) -> str:
        """Where an entry is written: its own place, what its condition finds, or a new id."""
        address = unquote(entry.get("request", {}).get("url", ""))
        condition = _CONDITION.fullmatch(address)
        if not condition:
            return address
        type, name, system, value = condition.groups()
        found = [place for place, one in self.resources.items() if _is_known(one, type, name, system, value)]
        return found[0] if found else f"{type}/sim-{next(self._numbers)}"

    def _one(self, method: str, path: str, value: Any) -> Answer:
        place = _PLACE.fullmatch(path)
        if not place:
            return Answer(404, outcome("not-found"))
        type, id = place[1], place[2]
        interaction = {"POST": "create", "PUT": "update", "DELETE": "delete", "GET": "read"}.get(method, "")
        if interaction == "read":
            if f"{type}/{id}" not in self.resources:
                return Answer(404, outcome("not-found"))
            etag = {"ETag": f'W/"{self.stamps[f"{type}/{id}"][0]}"'}
            return Answer(200, self._served(f"{type}/{id}"), etag)
        if not self._capabilities.allows(type, interaction):
            return Answer(403, outcome("forbidden"))
        if interaction == "update" and not self._capabilities.sender_ids and f"{type}/{id}" not in self.resources:
            return Answer(405, outcome("not-supported"))
        if interaction == "delete":
            return self._delete(f"{type}/{id}")
        if not isinstance(value, dict) or value.get("resourceType") != type or (id and value.get("id") != id):
            return Answer(400, outcome("invalid"))
        return self._write(f"{type}/{id or f'sim-{next(self._numbers)}'}", value)

    def _delete(self, reference: str) -> Answer:
        if self.resources.pop(reference, None) is not None:
            self.effects.append(Effect(reference, 0, deleted=True))
        return Answer(204)

    def _write(self, reference: str, resource: Json) -> Answer:
        before = self.resources.get(reference)
        if before != resource:
            self._keep(reference, resource, None)
            version = str(resource.get("meta", {}).get("versionId", "0"))
            self.effects.append(Effect(reference, int(version) if version.isdecimal() else 0))
        return Answer(200 if before else 201, resource, {"Location": f"{reference}/_history/{len(self.effects)}"})

    def _keep(self, reference: str, resource: Json, at: datetime | None) -> None:
        version = self.stamps.get(reference, (0, None))[0] + 1
        self.resources[reference] = resource
        self.stamps[reference] = (version, at or datetime.now(UTC))


def _is_known(resource: Json, type: str, name: str, system: str, value: str) -> bool:
    if resource["resourceType"] != type:
        return False
    listed = resource.get("meta", {}).get("tag", []) if name == "_tag" else resource.get("identifier", [])
    words = "code" if name == "_tag" else "value"
    return any(
        one.get("system") == system and one.get(words) == value
        for one in (listed if isinstance(listed, list) else [listed])
    )


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _references(member)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        yield from _references(list(value.values()))


def _replaced(value: Any, table: Mapping[str | None, str]) -> Any:
    """A copy with references to entries of the Bundle made local."""
    if isinstance(value, dict):
        return {
            name: table.get(member, member)
            if name == "reference" and isinstance(member, str)
            else _replaced(member, table)
            for name, member in value.items()
        }
    return [_replaced(member, table) for member in value] if isinstance(value, list) else value
