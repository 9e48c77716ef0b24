"""A FHIR server in memory, as little of one as a partner needs: transaction, create, update, delete, read.

What a kind of partner does not accept is in its `Capabilities`. Everything that changed something is in `effects`, in
order; a repeat of what is already so changes nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import unquote

from gateway.errors import Malformed
from gateway.fhir import codec
from gateway.simulators.faults import Answer, outcome

Json = dict[str, Any]
_PLACE = re.compile(r"/?([A-Z][A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?")
_CONDITION = re.compile(r"([A-Z][A-Za-z]+)\?(identifier|_tag)=([^|&]+)\|([^|&]+)")


WRITES = frozenset(["create", "update", "delete"])


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

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Do what a request asks, and the right answer to it."""
        try:
            value = codec.read(body) if body else None
        except Malformed:
            return Answer(400, outcome("structure"))
        with self._lock:
            if method == "POST" and path in ("", "/"):
                return self._transaction(value)
            return self._one(method, path, value)

    def _transaction(self, bundle: Any) -> Answer:
        if not self._capabilities.transaction:
            return Answer(405, outcome("not-supported"))
        if not isinstance(bundle, dict) or bundle.get("type") != "transaction":
            return Answer(400, outcome("invalid"))
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
            found = self.resources.get(f"{type}/{id}")
            return Answer(200, found) if found else Answer(404, outcome("not-found"))
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
            self.resources[reference] = resource
            version = str(resource.get("meta", {}).get("versionId", "0"))
            self.effects.append(Effect(reference, int(version) if version.isdecimal() else 0))
        return Answer(200 if before else 201, resource, {"Location": f"{reference}/_history/{len(self.effects)}"})


def _is_known(resource: Json, type: str, name: str, system: str, value: str) -> bool:
    if resource["resourceType"] != type:
        return False
    listed = resource.get("meta", {}).get("tag", []) if name == "_tag" else resource.get("identifier", [])
    words = "code" if name == "_tag" else "value"
    return any(
        one.get("system") == system and one.get(words) == value
        for one in (listed if isinstance(listed, list) else [listed])
    )


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
