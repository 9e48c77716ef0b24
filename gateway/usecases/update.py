"""Update: replace a resource, or keep it under the id its sender chose."""

from __future__ import annotations

from gateway.errors import BadRequest, Invalid, Issue
from gateway.ports import Caller, Json, Transaction
from gateway.trust.disclosure import disclose
from gateway.trust.policy import permit
from gateway.usecases.fan_out import fan_out
from gateway.usecases.keep import (
    Written,
    check_references,
    identity,
    offered,
    unless_overtaken,
    writable,
)
from gateway.usecases.matching import Parameters, one_match, same_identity
from gateway.usecases.preconditions import ALWAYS, Precondition
from gateway.usecases.references import own
from gateway.usecases.services import Services
from gateway.usecases.written_loop import LoopWrites, faults


def update(
    resource: Json, caller: Caller, *, type: str, id: str, services: Services, condition: Precondition = ALWAYS
) -> Written:
    """Check and keep `resource` as the next version of `type`/`id`, if `condition` holds of the version before.

    https://hl7.org/fhir/R4/http.html#update, https://hl7.org/fhir/R4/http.html#upsert
    """
    offered(type, services)
    permit(caller, action="U", type=type, store=services.store)
    identity(id)
    if resource.get("id") != id:
        raise BadRequest(issues=[Issue("error", "value", "The body's id is not the one in the address.", f"{type}.id")])
    resource = own(resource, services.base)
    _check(resource, services)

    def keep() -> Written:
        with services.store.begin(caller) as tx:
            return _kept(resource, caller, tx, services=services, condition=condition)

    return unless_overtaken(keep)


def conditional_update(
    resource: Json,
    caller: Caller,
    *,
    type: str,
    where: Parameters,
    services: Services,
    condition: Precondition = ALWAYS,
) -> Written:
    """Update the one resource that meets `where`, or keep a new one. https://hl7.org/fhir/R4/http.html#cond-update"""
    offered(type, services)
    permit(caller, action="U", type=type, store=services.store)
    named = resource.get("id")
    if named is not None:
        identity(named if isinstance(named, str) else "")
    resource = own(resource, services.base)

    def keep() -> Written:
        with services.store.begin(caller) as tx:
            match = one_match(tx, type, where, services)
            if match is not None:
                same_identity(match, named)
            whole = {**resource, "id": match.id if match else named or services.new_id()}
            _check(whole, services)
            return _kept(whole, caller, tx, services=services, condition=condition)

    return unless_overtaken(keep)


def _check(resource: Json, services: Services) -> None:
    if issues := faults(resource, services):
        raise Invalid(issues=issues)


def _kept(resource: Json, caller: Caller, tx: Transaction, *, services: Services, condition: Precondition) -> Written:
    writable(resource, services)
    check_references(resource, tx, services)
    current = tx.read(resource["resourceType"], resource["id"])
    condition.require(current)
    loop = LoopWrites(tx, caller, services)
    written = loop.put(current, resource)
    loop.settle()
    fan_out([(written, resource), *loop.followed], caller, tx, services, kind="resource")
    event = "create" if written.created else "update" if written.changed else "update.same"
    shown = disclose(written.kept, caller=caller, note=tx.note, event=event, action="C" if written.created else "U")
    return Written(written.kept, written.created, written.changed, shown)
