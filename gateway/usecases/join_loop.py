"""A referral of a member whose loop for the same service is open joins that loop: one conversation, several senders.

Each sender keeps a ServiceRequest and a Task of its own (whoever asked hears of it, and can withdraw alone); the Tasks
share `groupIdentifier`, the first one's id, and move together. docs/closed-loop.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import CLOSED
from gateway.errors import Issue
from gateway.fhir import ids
from gateway.mapping import loop, service_request
from gateway.ports import Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.intake import Intaken
from gateway.usecases.named_loop import asked_for, referral_tasks
from gateway.usecases.services import Services

SHARED = ("status", "statusReason", "businessStatus", "lastModified", "authoredOn")
"""Elements of a Task that say where its loop stands."""


def join(mapped: Intaken, tx: Transaction, services: Services) -> Intaken:
    """The same, its Task part of the member's open loop for the same service, if there is one in the time given."""
    request = mapped.main
    task = next((one for one in mapped.resources if loop.is_referral_task(one)), None)
    if request["resourceType"] != "ServiceRequest" or task is None or tx.read("Task", task["id"]) is not None:
        return mapped
    first = next(_open(request, task, tx, services), None)
    if first is None:
        return mapped
    stands = content(first)
    joined = {name: value for name, value in task.items() if name not in SHARED}
    joined |= {name: stands[name] for name in SHARED if name in stands}
    joined["groupIdentifier"] = {"system": loop.LOOP, "value": loop.group_of(stands)}
    message = "The member's referral for the same service is open: this one joins it, and its sender is told as well."
    remark = Issue("information", "duplicate", message, "Task.groupIdentifier", "loop-joined")
    resources = [joined if one is task else one for one in mapped.resources]
    return replace(mapped, resources=resources, remarks=[*mapped.remarks, remark])


def members(task: Json, tx: Transaction, services: Services) -> list[Kept]:
    """The open Tasks of the other senders of a Task's loop, all for the same member."""
    group = loop.group_of(task)
    if not ids.is_id(group):
        return []
    others = [*referral_tasks(tx, services, group_identifier=f"{loop.LOOP}|{group}")]
    if (first := tx.read("Task", group)) is not None and not first.deleted:
        others.append(first)
    told = ((kept, content(kept)) for kept in others if kept.id != task["id"])
    return [kept for kept, one in told if one.get("for") == task.get("for") and one["status"] not in CLOSED]


def _open(request: Json, task: Json, tx: Transaction, services: Services) -> Iterator[Kept]:
    """Open Tasks of the same member, service and plan that are not older than the window; the oldest first."""
    service = service_request.asked_for(request)
    if service is None:
        return
    today = services.clock().astimezone(PACIFIC).date()
    days = services.loops.window(service, on=today)
    patient = task["for"]["reference"]
    replaced = {one["identifier"]["value"] for one in request.get("replaces", ()) if "identifier" in one}
    found = sorted(referral_tasks(tx, services, patient=patient), key=lambda kept: (kept.at, kept.id))
    for kept in found:
        other = content(kept)
        if other["status"] in CLOSED or asked_for(other, tx) != service:
            continue
        known_as = {one.get("value") for one in other.get("identifier", ())}
        if other.get("owner") != task.get("owner") or replaced & known_as:
            continue
        if (today - loop.day_begun(other)).days <= days:
            yield kept
