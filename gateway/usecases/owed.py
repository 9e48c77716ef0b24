"""What partners are owed, as JSON of the gateway's own, and a person's decisions on what was parked.

It names resources by id and never says what is in them: a message is made when it is sent.
"""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from gateway.errors import BadRequest, Conflict, Issue, NotFound
from gateway.ports import Caller, Delivery, DeliveryState, Json
from gateway.trust.disclosure import Disclosed, disclose
from gateway.trust.policy import Action, permit
from gateway.usecases.services import Services

MOST = 1_000
"""Most deliveries in one answer."""
LONGEST_REASON = 500
_TYPE = "Delivery"


def plain(delivery: Delivery) -> dict[str, str | int | bool | None]:
    """One delivery: what is owed to whom, and what became of it."""
    owed = delivery.owed
    return {
        "id": delivery.id,
        "state": delivery.state,
        "partner": owed.partner,
        "member": owed.member,
        "kind": owed.kind,
        "reference": f"{owed.type}/{owed.id}/_history/{owed.version}",
        "urgent": owed.urgent,
        "attempts": delivery.attempts,
        "due": delivery.due.isoformat(),
        "owed_at": delivery.owed_at.isoformat(),
        "settled_at": delivery.settled_at.isoformat() if delivery.settled_at else None,
        "reason": delivery.reason,
    }


def listed(
    caller: Caller, *, services: Services, state: str | None = None, partner: str | None = None, count: int = 100
) -> Disclosed:
    """The oldest deliveries in `state` (any) to `partner` (any), and how many there are by partner and state:
    `{"counts": {"ehr": {"parked": 2}}, "deliveries": [...]}`. BadRequest for a state that there is not."""
    permit(caller, action="R", type=_TYPE, store=services.store)
    states = get_args(DeliveryState)
    if state is not None and state not in states:
        message = f"There is no such state: there are {', '.join(states)}."
        raise BadRequest(issues=[Issue("error", "value", message, "state", "outbox-parameters")])
    outbox = services.store.outbox
    chosen: DeliveryState | None = next((one for one in states if one == state), None)
    found = outbox.list(caller, state=chosen, partner=partner, limit=min(count, MOST))
    counts: dict[str, dict[str, int]] = {}
    for (name, kind), number in sorted(outbox.counts(caller).items()):
        if partner in (None, name):
            counts.setdefault(name, {})[kind] = number
    return _told({"counts": counts, "deliveries": [plain(one) for one in found]}, caller, services)


def one(caller: Caller, id: str, *, services: Services) -> Disclosed:
    """One delivery; NotFound in any other tenant's outbox."""
    permit(caller, action="R", type=_TYPE, store=services.store)
    return _told(plain(_delivery(caller, id, services)), caller, services)


def retry(caller: Caller, id: str, *, services: Services) -> Disclosed:
    """Put a parked delivery back: it is tried at once, with the whole schedule before it. Conflict for any other."""
    permit(caller, action="U", type=_TYPE, store=services.store)
    return _decided(caller, id, services, services.store.outbox.release(caller, id, now=services.clock()))


def drop(caller: Caller, id: str, *, reason: Any, services: Services) -> Disclosed:
    """Give a parked delivery up, with the reason why the partner need not hear it; what waits behind it goes on."""
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= LONGEST_REASON or not reason.isprintable():
        message = f"Say why in `reason`: one line of up to {LONGEST_REASON} characters that names no person."
        raise BadRequest(issues=[Issue("error", "required", message, "reason", "outbox-reason")])
    permit(caller, action="U", type=_TYPE, store=services.store)
    dropped = services.store.outbox.drop(caller, id, now=services.clock(), reason=reason)
    return _decided(caller, id, services, dropped)


def _decided(caller: Caller, id: str, services: Services, done: bool) -> Disclosed:
    delivery = _delivery(caller, id, services)
    if not done:
        message = "The delivery is not parked: nothing was changed."
        raise Conflict(issues=[Issue("error", "conflict", message, rule="outbox-not-parked")])
    return _told(plain(delivery), caller, services, action="U")


def _delivery(caller: Caller, id: str, services: Services) -> Delivery:
    found = services.store.outbox.show(caller, id)
    if found is None:
        raise NotFound("There is no such delivery here.")
    return found


def _told(what: Json, caller: Caller, services: Services, *, action: Action = "R") -> Disclosed:
    return disclose(what, caller=caller, note=partial(services.store.note, caller), event="outbox", action=action)
