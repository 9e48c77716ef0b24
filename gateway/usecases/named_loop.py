"""Find the referral's Task that a piece of news names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.domain.loop import OPEN, TaskStatus
from gateway.domain.referral_change import ReferralChange
from gateway.errors import Conflict, Issue, NotFound
from gateway.fhir import ids as fhir_ids
from gateway.mapping import loop, organization, service_request, systems
from gateway.mapping.ids import Ids
from gateway.ports import Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.every_match import every
from gateway.usecases.references import relative
from gateway.usecases.services import Services


def named(change: ReferralChange, tx: Transaction, *, ids: Ids, services: Services) -> Kept:
    """The Task meant; NotFound without one, Conflict if several open referrals may be meant."""
    if change.task is not None:
        return _one(_read(tx, "Task", change.task), "task")
    if change.referral is not None:
        return _one(_read(tx, "Task", ids.keyed("Task", change.referral)), "referral")
    if change.service_request is not None:
        found = referral_tasks(tx, services, focus=f"ServiceRequest/{change.service_request}")
        return _only(list(found), "service_request")
    patient = f"Patient/{ids.of('Patient', 'cin', str(change.cin))}"
    owner = f"Organization/{ids.of('Organization', 'plan', change.plan)}" if change.plan else None
    found = (
        kept
        for kept in referral_tasks(tx, services, patient=patient)
        if asked_for(content(kept), tx) == (change.service or service_request.ECM_SERVICE)
        and owner in (None, (content(kept).get("owner") or {}).get("reference", owner))
    )
    return _only(list(found), "cin")


def referral_tasks(tx: Transaction, services: Services, **wanted: str) -> Iterator[Kept]:
    """The Tasks of referrals that meet a search (`focus`, `patient`, `group_identifier`), sub-tasks left out."""
    query = services.search.parse("Task", [(name.replace("_", "-"), value) for name, value in wanted.items()])
    for kept in list(every(query, tx.search)):
        task = content(kept)
        if loop.is_referral_task(task) and not task.get("partOf"):
            yield kept


class Reads(Protocol):
    """What is kept here, as a transaction or the store sees it."""

    def read(self, type: str, id: str) -> Kept | None: ...


def one_loop(task: Json, other: Json, kept: Reads) -> bool:
    """Whether two Tasks that name one group are of one loop: the same member, service and plan.

    Whoever writes a Task can name any group. A request that is kept elsewhere, or names no plan, is no difference.
    """
    if task.get("for") != other.get("for"):
        return False
    requests = [request_of(one, kept) for one in (task, other)]
    services = {service_request.asked_for(content(one)) for one in requests if one is not None}
    plans = {plan_of(one, kept) for one in (task, other)} - {None}
    return len(services) < 2 and len(plans) < 2


def asked_for(task: Json, tx: Reads) -> str | None:
    """The service of the closed loop that a Task's request asks for (`ecm`, a Community Support); None for any other,
    and where the request is kept elsewhere."""
    request = request_of(task, tx)
    return service_request.asked_for(content(request)) if request else None


def request_of(task: Json, tx: Reads) -> Kept | None:
    """The ServiceRequest here that the Task is about; None where it is kept elsewhere."""
    target = relative((task.get("focus") or {}).get("reference", ""))
    if target is None or target[0] != "ServiceRequest":
        return None
    kept = tx.read(*target)
    return None if kept is None or kept.deleted else kept


def plan_of(task: Json, tx: Reads, among: Sequence[Json] = ()) -> str | None:
    """Our code of the plan that a referral is with: its Task's owner, else the payor of the request's insurance.

    `among` are resources that are about to be kept.
    """
    request = resource_at(task.get("focus"), "ServiceRequest", tx, among) or {}
    coverages = (resource_at(one, "Coverage", tx, among) or {} for one in request.get("insurance", ()))
    payors = [payor for coverage in coverages for payor in coverage.get("payor", ())]
    codes = (plan_code(resource_at(one, "Organization", tx, among)) for one in (task.get("owner"), *payors))
    return next(filter(None, codes), None)


def plan_code(found: Json | None) -> str | None:
    """Our code of a plan, where the Organization is one."""
    return organization.identifier_from(found, systems.PLAN) if found else None


def resource_at(reference: Json | None, type: str, tx: Reads, among: Sequence[Json] = ()) -> Json | None:
    """The resource that a reference leads to: one of those about to be kept, or as it is kept here."""
    target = relative((reference or {}).get("reference", ""))
    if target is None or target[0] != type:
        return None
    for one in among:
        if (one["resourceType"], one.get("id")) == target:
            return one
    kept = tx.read(*target)
    return None if kept is None or kept.deleted else content(kept)


def _read(tx: Transaction, type: str, id: str) -> Kept | None:
    return tx.read(type, id) if fhir_ids.is_id(id) else None


def _one(kept: Kept | None, name: str) -> Kept:
    if kept is None or kept.deleted or not loop.is_referral_task(content(kept)):
        message = "No referral here is named so."
        raise NotFound(issues=[Issue("error", "not-found", message, name, "change-referral-unknown")])
    return kept


def _only(found: list[Kept], name: str) -> Kept:
    """The one open loop; the last that was closed if none is open (the same news again). Many are for a person."""
    found = [kept for kept in found if content(kept)["status"] != TaskStatus.DRAFT]
    open_ = [kept for kept in found if content(kept)["status"] in OPEN]
    loops = {loop.group_of(content(kept)) for kept in open_}
    if len(loops) > 1:
        message = "Several open referrals may be meant: name it by `referral`, `service_request` or `task`."
        raise Conflict(issues=[Issue("error", "multiple-matches", message, name, "change-referral-many")])
    latest = sorted(open_ or found, key=lambda kept: str(content(kept).get("lastModified", "")))
    return _one(latest[-1] if latest else None, name)
