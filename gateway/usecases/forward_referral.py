"""Forward a referral: as the platform between source and target, give it to a provider by an order of our own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import CLOSED, Heard, Party, TaskStatus, hear
from gateway.domain.member import Organization
from gateway.errors import IllegalMove, Invalid, Issue, NotFound, Unmappable
from gateway.mapping import filler_order, loop, organization, provenance, structure
from gateway.mapping.context import Context
from gateway.mapping.leaves import Surroundings
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import Collected, Disclosed, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.answered import answered_write
from gateway.usecases.fan_out import fan_out
from gateway.usecases.keep import Written, put, unless_overtaken
from gateway.usecases.named_loop import referral_tasks
from gateway.usecases.services import Services

EVENT = "referral-forwarded"


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The sub-task for the provider, whether it is new, and the answer that may leave."""

    part: Kept
    created: bool
    disclosed: Disclosed


def provider_in(value: Any, services: Services) -> Organization:
    """The provider in `{"to": {"name": ..., "npi": ...}}`; Unmappable, with every reason, for anything else."""
    if not isinstance(value, dict) or value.keys() != {"to"}:
        raise Unmappable(
            issues=[Issue("error", "structure", "Send an object with `to` and nothing else.", rule="forward-to")]
        )
    around = Surroundings(services.clock().astimezone(PACIFIC).date(), services.intake.readers.concepts)
    provider, found = structure.build(Organization, value["to"], around)
    issues = [Issue(one.severity, one.code, f"{one.path} {one.message}.", f"to.{one.path}", one.rule) for one in found]
    if any(issue.is_error for issue in issues):
        raise Unmappable(issues=issues)
    return provider


def forward_referral(request: str, caller: Caller, *, to: Organization, services: Services, base: str) -> Forwarded:
    """Order from `to` what the ServiceRequest `request` asks for; the same provider twice is one order.

    Task 1 becomes accepted (we have looked at it); from then on the sub-task's state is mirrored to it.
    """
    permit(caller, action="C", type="ServiceRequest", store=services.store)
    context = services.intake.context(caller)
    return unless_overtaken(partial(_forward, request, caller, to=to, context=context, services=services, base=base))


def _forward(
    request: str, caller: Caller, *, to: Organization, context: Context, services: Services, base: str
) -> Forwarded:
    with services.store.begin(caller) as tx:
        asked, whole = tx.read("ServiceRequest", request), _whole(request, tx, services)
        if asked is None or asked.deleted:
            raise NotFound("There is no such referral here.")
        provider, operator = organization.to_fhir(to, ids=context.ids), provenance.operator(context)
        id = context.ids.of("forward", request, provider["id"])
        before = tx.read("Task", id)
        if before is not None:
            written = [(Written(before, False, False), content(before))]
        else:
            made = _made(content(asked), content(whole), id, provider, operator, context)
            if issues := [issue for one in made for issue in services.validator.faults(one)]:
                raise Invalid(issues=issues)
            written = [*((put(tx, one), one) for one in made), *_accepted(whole, tx, services)]
        fan_out(written, caller, tx, services, kind=EVENT)
        head = {"resourceType": "Bundle", "type": "transaction-response"}
        entries = [answered_write(one, base=base, full=False) for one, _ in written]
        wrote = [one.kept for one, _ in written if one.changed]
        shown = disclose(Collected(head, entries), caller=caller, note=tx.note, event=EVENT, action="C", wrote=wrote)
    return Forwarded(written[0][0].kept, before is None, shown)


def _whole(request: str, tx: Transaction, services: Services) -> Kept:
    """The open Task of a request; IllegalMove when its loop is closed."""
    found = list(referral_tasks(tx, services, focus=f"ServiceRequest/{request}"))
    if not found:
        raise NotFound("There is no such referral here.")
    if content(found[0])["status"] in CLOSED:
        message = "The loop is closed: nothing of it can be forwarded."
        raise IllegalMove(issues=[Issue("error", "business-rule", message, "Task.status", "loop-move")])
    return found[0]


def _made(asked: Json, whole: Json, id: str, provider: Json, operator: Json, context: Context) -> list[Json]:
    """The sub-task first, then its order and who is on either side."""
    by, to = ({"reference": f"Organization/{one['id']}"} for one in (operator, provider))
    order = filler_order.order(asked, id=id, requester=by, performer=to, now=context.now)
    part = filler_order.part(whole, id=id, order=id, requester=by, owner=to, now=context.now)
    return [part, order, provider, operator]


def _accepted(whole: Kept, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    task = content(whole)
    if task["status"] != TaskStatus.REQUESTED:
        return []
    present = loop.loop_of(task)
    at = max(services.clock(), present.since)
    then, heard = hear(present, TaskStatus.ACCEPTED, party=Party.TARGET, at=at)
    assert heard is Heard.MOVED
    words = services.loops.vocabulary.closed_loop
    after = loop.moved(task, then, closed_loop=words, closure=None, plan=None)
    return [(Written(tx.put(after, expected=whole.version), False, True), after)]
