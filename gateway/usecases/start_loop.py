"""Start the loop of a referral that came without a Task: a ServiceRequest of a partner that has no Tasks to ask for.

The Task is ours: its partner hears of its states in the ways it takes, and what becomes of the request becomes of it.
"""

from __future__ import annotations

from gateway.domain.dates import PACIFIC
from gateway.errors import Invalid
from gateway.fhir.element import concept, filled
from gateway.mapping import loop, service_request, systems
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.every_match import every
from gateway.usecases.join_loop import join_written
from gateway.usecases.keep import Written, put
from gateway.usecases.named_loop import plan_of, resource_at
from gateway.usecases.services import Services

_ORDERS = frozenset(["order", "original-order", "instance-order"])


def start_loop(request: Kept, caller: Caller, tx: Transaction, services: Services) -> Written | None:
    """The Task that a kept ServiceRequest begins with, perhaps in an open loop of the member's; None if it needs none.

    It needs one if it orders Enhanced Care Management or a Community Support for a member here, is active, has no Task
    here, and is not older than a loop may be.
    """
    resource = content(request)
    if resource.get("status") != "active" or resource.get("intent") not in _ORDERS or _has_task(request, tx, services):
        return None
    service = service_request.asked_for(resource)
    if service is None or resource_at(resource["subject"], "Patient", tx) is None:
        return None
    task = _task(request, resource, caller, services)
    today = services.clock().astimezone(PACIFIC).date()
    days = services.loops.window(service, on=today, plan=plan_of(task, tx))
    if (written := resource.get("authoredOn")) and (today - loop.day_begun({"authoredOn": written})).days > days:
        return None
    made = join_written(task, tx, services)
    if issues := services.validator.faults(made):
        raise Invalid(issues=issues)
    return put(tx, made)


def _task(request: Kept, resource: Json, caller: Caller, services: Services) -> Json:
    context = services.intake.context(caller)
    id = context.ids.of("Task", "request", request.reference)
    return filled(
        {
            "resourceType": "Task",
            "id": id,
            "identifier": [{"system": systems.sid("ecm-gateway") + "/task", "value": id}],
            "status": "requested",
            "businessStatus": concept(systems.REFERRAL_STATUS, "pending", "Pending"),
            "intent": "order",
            "priority": resource.get("priority"),
            "code": {"coding": [{"system": loop.TASK_CODES, "code": "fulfill"}]},
            "focus": {"reference": request.reference},
            "for": resource["subject"],
            "authoredOn": loop.stamp(context.now),
            "requester": resource.get("requester"),
            "owner": next(iter(resource.get("performer", ())), None),
        }
    )


def _has_task(request: Kept, tx: Transaction, services: Services) -> bool:
    found = every(services.search.parse("Task", [("focus", request.reference)]), tx.search)
    return any(loop.is_referral_task(content(kept)) for kept in found)
