"""What a partner's message is about: the resources that it carries, and those that it only names.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import Issue, Unprocessable
from gateway.ports import Json, Source
from gateway.usecases.services import Hook

_SILENT = ("handshake", "heartbeat", "query-status")
_PART = "Parameters.parameter.part"


def told(value: Json, *, hook: Hook, source: Source) -> Iterator[Json]:
    """The resources that a message is about, in its order; what it only names is read from the partner."""
    if value["resourceType"] != "Bundle":
        yield value
        return
    entries = _objects(value.get("entry", []), "Bundle.entry")
    status = _status(value, entries)
    if status is not None:
        yield from _notified(status, entries[1:], hook=hook, source=source)
        return
    if value.get("type") not in ("transaction", "batch", "collection", "message", "history"):
        raise Unprocessable(issues=[Issue("error", "not-supported", "A Bundle of this type is not applied.")])
    for entry in entries:
        if _object(entry.get("request", {}), "Bundle.entry.request").get("method") == "DELETE":
            raise Unprocessable(
                issues=[Issue("error", "not-supported", "A deletion is not applied: a person decides.")]
            )
        if isinstance(entry.get("resource"), dict):
            yield entry["resource"]


def names_nothing(value: Json) -> bool:
    """Whether it is a notification of events that names none of what changed (content `empty`)."""
    if value["resourceType"] != "Bundle":
        return False
    status = _status(value, _objects(value.get("entry", []), "Bundle.entry"))
    if status is None or _kind(status) in _SILENT:
        return False
    events = _events(status)
    return bool(events) and not any(_focus(event) for event in events)


def _status(bundle: Json, entries: list[Json]) -> Json | None:
    """The first entry of a notification: who is notified of which events. None: the Bundle is no notification."""
    first = entries[0].get("resource") if entries else None
    notifies = bundle.get("type") == "history" and isinstance(first, dict) and first.get("resourceType") == "Parameters"
    return first if notifies and isinstance(first, dict) else None


def _notified(status: Json, entries: list[Json], *, hook: Hook, source: Source) -> Iterator[Json]:
    """What a notification tells: resources that it carries, and the focus of each event that it only names."""
    if _kind(status) in _SILENT:
        return
    carried: dict[str, Json] = {}
    for entry in entries:
        if isinstance(one := entry.get("resource"), dict):
            carried[str(entry.get("fullUrl"))] = one
            carried.setdefault(f"{one.get('resourceType')}/{one.get('id')}", one)  # HAPI: fullUrl names the version
    focuses = [_focus(event) for event in _events(status)]
    if not all(focuses):
        raise Unprocessable("A notification names no focus: what changed cannot be known from it.")
    for focus in dict.fromkeys(focuses):
        yield carried.get(focus) or source.read(hook.partner, focus)


def _kind(status: Json) -> object:
    return next((one.get("valueCode") for one in _parameters(status) if one.get("name") == "type"), None)


def _events(status: Json) -> list[list[Json]]:
    return [_objects(e.get("part", []), _PART) for e in _parameters(status) if e.get("name") == "notification-event"]


def _focus(event: list[Json]) -> str:
    """The reference to what changed; empty if it is not named."""
    named = (_object(one.get("valueReference"), _PART) for one in event if one.get("name") == "focus")
    return next((str(one["reference"]) for one in named if one.get("reference")), "")


def _parameters(status: Json) -> list[Json]:
    return _objects(status.get("parameter", []), "Parameters.parameter")


def _objects(value: object, place: str) -> list[Json]:
    """A list of objects; Unprocessable for anything else."""
    if not isinstance(value, list):
        raise Unprocessable(issues=[Issue("error", "structure", "A list of objects is expected here.", place)])
    return [_object(one, place) for one in value]


def _object(value: object, place: str) -> Json:
    if not isinstance(value, dict):
        raise Unprocessable(issues=[Issue("error", "structure", "An object is expected here.", place)])
    return value
