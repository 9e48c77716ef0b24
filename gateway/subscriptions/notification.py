"""Notifications: the status that begins each, and the entries that tell of events.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html
A Bundle of type history, so every entry has a request (bdl-3) and a response (bdl-4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from gateway.ports import Json, SubscriptionEvent
from gateway.subscriptions.rules import BACKPORT, content_of

Type = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
STATUS_PROFILE = BACKPORT + "subscription-status-r4"
NOTIFICATION_PROFILE = BACKPORT + "subscription-notification-r4"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is told: its number always, its focus only where the subscriber may know it."""

    event: SubscriptionEvent
    focus: bool = True
    context: Sequence[str] = ()
    """References of what is told along with the focus."""


def instant(at: datetime) -> str:
    """A FHIR instant in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status(
    subscription: Json, type: Type, *, base: str, count: int, events: Sequence[Told] = (), content: str | None = None
) -> Json:
    """The Parameters that say where the subscription stands. `count`: events since its start, these included."""
    naming = (content or content_of(subscription["channel"])) != "empty"
    listed = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{subscription['id']}"}},
        {"name": "topic", "valueCanonical": subscription["criteria"]},
        {"name": "status", "valueCode": subscription["status"]},
        {"name": "type", "valueCode": type},
        {"name": "events-since-subscription-start", "valueString": str(count)},
        *(_event(told, base=base, naming=naming) for told in events),
    ]
    if "error" in subscription:
        listed.append({"name": "error", "valueCodeableConcept": {"text": subscription["error"]}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid5(NAMESPACE_URL, f"{base}/{subscription['id']}/{type}/{count}")),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": listed,
    }


def _event(told: Told, *, base: str, naming: bool) -> Json:
    event = told.event
    part: list[Json] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.at)},
    ]
    if naming and told.focus:
        part.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.reference}"}})
        part += [
            {"name": "additional-context", "valueReference": {"reference": f"{base}/{reference}"}}
            for reference in told.context
        ]
    return {"name": "notification-event", "part": part}


def head(at: datetime) -> Json:
    """The members of the Bundle before its entries."""
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [NOTIFICATION_PROFILE]},
        "type": "history",
        "timestamp": instant(at),
    }


def status_entry(parameters: Json, *, subscription: str, base: str) -> Json:
    """The members of the first entry, but for its resource."""
    return {
        "fullUrl": f"urn:uuid:{parameters['id']}",
        "request": {"method": "GET", "url": f"{base}/Subscription/{subscription}/$status"},
        "response": {"status": "200"},
    }


def event_entry(event: SubscriptionEvent, *, base: str) -> Json:
    """The members of an event's entry, but for its resource."""
    url = event.type if event.method == "POST" else event.reference
    return {
        "fullUrl": f"{base}/{event.reference}",
        "request": {"method": event.method, "url": url},
        "response": {
            "status": "201" if event.method == "POST" else "200",
            "etag": f'W/"{event.version}"',
            "lastModified": instant(event.at),
        },
    }


def context_entry(reference: str, *, base: str) -> Json:
    """The members of an entry that only comes along."""
    return {
        "fullUrl": f"{base}/{reference}",
        "request": {"method": "GET", "url": reference},
        "response": {"status": "200"},
    }
