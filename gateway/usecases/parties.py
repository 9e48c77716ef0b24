"""Whom a resource names as a party to it: who referred, who is asked, who pays, who is on the team on a day.

Each party is a Reference with the element that names it, so that a decision can say on what ground it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from gateway.fhir.element import extension_value
from gateway.mapping import referrer
from gateway.ports import Json

Named = Iterator[tuple[str, Json]]
"""Element and Reference."""
MEMBER = ("subject", "patient", "for", "beneficiary")
"""Elements that say whose record a resource belongs to."""
OVER = frozenset(["rejected", "completed", "failed", "cancelled", "revoked", "inactive", "entered-in-error"])
"""Statuses of a Task, ServiceRequest, CareTeam or Coverage that give no standing on the rest of the record."""


def member_in(resource: Json) -> str | None:
    """The reference of the member whose record the resource belongs to: `Patient/id`, or an address elsewhere."""
    if resource.get("resourceType") == "Patient":
        return f"Patient/{resource['id']}"
    for name in MEMBER:
        reference = resource.get(name)
        text = reference.get("reference", "") if isinstance(reference, dict) else ""
        if "Patient/" in str(text):
            return str(text)
    return None


def parties(resource: Json, *, on: date) -> Named:
    """The parties that a resource names on a day, whatever its status."""
    found = _BY_TYPE.get(str(resource.get("resourceType")))
    return found(resource, on) if found else iter(())


def gives_standing(resource: Json, *, on: date) -> bool:
    """Whether the parties of this resource have standing on the member's whole record on a day."""
    return resource.get("status") not in OVER and covers(resource.get("period"), on)


def covers(period: Json | None, on: date) -> bool:
    """Whether a Period holds on a day; both its ends count, and a missing one is open."""
    start, end = (period or {}).get("start"), (period or {}).get("end")
    day = on.isoformat()
    return (not start or start[:10] <= day[: len(start[:10])]) and (not end or end[:10] >= day[: len(end[:10])])


def _request(resource: Json, on: date) -> Named:
    yield from _references(resource, "requester")
    organization = extension_value(resource, referrer.ORGANIZATION)
    if isinstance(organization, dict):
        yield "ServiceRequest.requester", organization
    if resource.get("status") != "draft":
        yield from _references(resource, "performer")


def _task(resource: Json, on: date) -> Named:
    yield from _references(resource, "requester")
    if resource.get("status") != "draft":
        yield from _references(resource, "owner")


def _coverage(resource: Json, on: date) -> Named:
    return _references(resource, "payor")


def _team(resource: Json, on: date) -> Named:
    yield from _references(resource, "managingOrganization")
    for one in resource.get("participant", ()):
        if covers(one.get("period"), on):
            for name in ("member", "onBehalfOf"):
                if isinstance(one.get(name), dict):
                    yield "CareTeam.participant", one[name]


def _references(resource: Json, name: str) -> Named:
    found = resource.get(name)
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield f"{resource['resourceType']}.{name}", one


_BY_TYPE: dict[str, Callable[[Json, date], Named]] = {
    "ServiceRequest": _request,
    "Task": _task,
    "Coverage": _coverage,
    "CareTeam": _team,
}
