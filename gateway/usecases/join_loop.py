"""A referral of a member whose loop for the same service is open joins that loop: one conversation, several senders.

Each sender keeps a ServiceRequest and a Task of its own (whoever asked hears of it, and can withdraw alone); the Tasks
share `groupIdentifier`, the first one's id, and move together. docs/closed-loop.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import OPEN, TaskStatus
from gateway.errors import Issue
from gateway.fhir import ids
from gateway.mapping import loop, service_request
from gateway.ports import Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.intake import Intaken
from gateway.usecases.named_loop import asked_for, one_loop, plan_code, plan_of, referral_tasks, request_of, resource_at
from gateway.usecases.services import Services

SHARED = ("status", "statusReason", "businessStatus", "lastModified", "authoredOn")
"""Elements of a Task that say where its loop stands."""


def join(mapped: Intaken, tx: Transaction, services: Services) -> Intaken:
    """The same, its Task part of the member's open loop for the same service, if there is one in the time given."""
    request = mapped.main
    task = next((one for one in mapped.resources if loop.is_referral_task(one)), None)
    if request["resourceType"] != "ServiceRequest" or task is None or tx.read("Task", task["id"]) is not None:
        return mapped
    joined = _joined(task, request, tx, services, among=mapped.resources)
    if joined is None:
        return mapped
    message = "The member's referral for the same service is open: this one joins it, and its sender is told as well."
    remark = Issue("information", "duplicate", message, "Task.groupIdentifier", "loop-joined")
    resources = [joined if one is task else one for one in mapped.resources]
    return replace(mapped, resources=resources, remarks=[*mapped.remarks, remark])


def join_written(task: Json, tx: Transaction, services: Services) -> Json:
    """A new Task as it was written, part of the member's open loop if there is one.

    One that is under way already, or is in a group of its sender's own, stays as it is.
    """
    requested = loop.is_referral_task(task) and task["status"] == TaskStatus.REQUESTED
    if not requested or task.get("partOf") or task.get("groupIdentifier"):
        return task
    request = request_of(task, tx)
    return (_joined(task, content(request), tx, services) if request else None) or task


def _joined(
    task: Json, request: Json, tx: Transaction, services: Services, *, among: Sequence[Json] = ()
) -> Json | None:
    """The Task where the loop that it joins stands; None if there is none."""
    first = next(_open(request, task, tx, services, among), None)
    if first is None:
        return None
    stands = content(first)
    joined = {name: value for name, value in task.items() if name not in SHARED}
    joined |= {name: stands[name] for name in SHARED if name in stands}
    return joined | {"groupIdentifier": {"system": loop.LOOP, "value": loop.group_of(stands)}}


def members(task: Json, tx: Transaction, services: Services) -> list[Kept]:
    """The open Tasks of the other senders of a Task's loop."""
    group = loop.group_of(task)
    if not ids.is_id(group):
        return []
    others = [*referral_tasks(tx, services, group_identifier=f"{loop.LOOP}|{group}")]
    if (first := tx.read("Task", group)) is not None and not first.deleted:
        others.append(first)
    told = ((kept, content(kept)) for kept in others if kept.id != task["id"])
    return [kept for kept, one in told if one["status"] in OPEN and one_loop(task, one, tx)]


def _open(request: Json, task: Json, tx: Transaction, services: Services, among: Sequence[Json]) -> Iterator[Kept]:
    """Open Tasks of the same member, service and target that are not older than the window; the oldest first."""
    service = service_request.asked_for(request)
    patient = (task.get("for") or {}).get("reference")
    if service is None or not patient:
        return
    today = services.clock().astimezone(PACIFIC).date()
    target = _target(task, tx, among)
    found = sorted(referral_tasks(tx, services, patient=patient), key=lambda kept: (kept.at, kept.id))
    replaced = _replaced(request, found)
    for kept in found:
        other = content(kept)
        if kept.id == task["id"] or other["status"] not in OPEN or asked_for(other, tx) != service:
            continue
        if not target.same(_target(other, tx)) or loop.group_of(other) in replaced:
            continue
        days = services.loops.window(service, on=today, plan=target.plan or plan_of(other, tx))
        if days and (today - loop.day_begun(other)).days <= days:
            yield kept


def _replaced(request: Json, found: Sequence[Kept]) -> set[str]:
    """The loops that hold a referral which the request replaces: it begins one of its own."""
    named = {one["identifier"].get("value") for one in request.get("replaces", ()) if "identifier" in one}
    named |= {one.get("reference") for one in request.get("replaces", ())}
    tasks = [content(kept) for kept in found] if named - {None} else []
    return {loop.group_of(one) for one in tasks if (named - {None}) & _known_as(one)}


def _known_as(task: Json) -> set[str | None]:
    return {one.get("value") for one in task.get("identifier", ())} | {(task.get("focus") or {}).get("reference")}


@dataclass(frozen=True, slots=True)
class _Target:
    """Who is to answer: the plan (its code, where that is known), or whoever else owns the Task."""

    plan: str | None
    owner: str | None = None

    def same(self, other: _Target) -> bool:
        """Whether both are one; a plan that is not said is the member's plan."""
        if self.owner or other.owner:
            return self.owner == other.owner
        return None in (self.plan, other.plan) or self.plan == other.plan


def _target(task: Json, tx: Transaction, among: Sequence[Json] = ()) -> _Target:
    owner = task.get("owner")
    plan = plan_of(task, tx, among)
    if owner is None or plan_code(resource_at(owner, "Organization", tx, among)):
        return _Target(plan)
    return _Target(plan, str(owner.get("reference") or owner.get("identifier") or owner.get("display")))
