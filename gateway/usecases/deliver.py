"""Deliver one message that is owed: read, decide again, send, record the attempt, settle.

No transaction is open while a partner is talked to. A reply that is lost after the partner acted is made good by
repeating: every attempt carries the same delivery id and writes the same resources under the same ids.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from gateway.errors import Forbidden, GatewayError
from gateway.ports import AuditEntry, Caller, Clock, Delivery, Kept, Message, Noted, Outbox, Partner, Receipt, Store
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.trust.policy import Decision
from gateway.usecases.closure import closure
from gateway.usecases.delivery_schedule import next_attempt, worth_trying
from gateway.usecases.services import Subscriber
from gateway.usecases.standing import NOT_TOLD, REFUSED, Outside, Standing

FRESH_TRIES = 3
"""How often a message is sent again because what it refers to changed while it was under way."""
Ending = Literal["delivered", "retry", "parked", "refused", "stale"]
WORKER = "system:worker"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended. Stale: the claim had run out or was overtaken, so nothing was settled. Refused: the
    partner has no standing (any more), so it was dropped.

    `receipt` is None when nothing was sent.
    """

    delivery: Delivery
    ending: Ending
    reason: str = ""
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Delivering:
    """What deliveries need. `base` is this gateway's own FHIR address; `scale` shrinks the schedule for rehearsals.

    `subscribers` say what each partner is told of, and for whom it speaks: one that is not among them is told nothing.
    """

    store: Store
    outbox: Outbox
    clock: Clock
    base: str
    subscribers: Sequence[Subscriber] = ()
    jitter: Callable[[], float] = random.random
    scale: float = 1.0


def deliver(delivery: Delivery, *, partner: Partner | None, using: Delivering) -> Attempt:
    """Try once to deliver. `partner` is None when it is no longer configured.

    A defect of ours is tried again on the schedule and parked like any failure, so that one message that cannot be
    made does not go round for ever. Raises StoreUnavailable and its kin: then the claim is left to run out.
    """
    try:
        return _deliver(delivery, partner, using)
    except GatewayError:
        raise
    except Exception as error:
        failed = Receipt(False, retry=True, reason=f"a defect of this gateway: {type(error).__name__}")
        return replace(_settle(delivery, failed, using), receipt=None)


def _deliver(delivery: Delivery, partner: Partner | None, using: Delivering) -> Attempt:
    caller = Caller(WORKER, tenant=delivery.tenant, request_id=delivery.id)
    if partner is None:
        return _park(delivery, "the partner is not configured", using)
    owed = delivery.owed
    kept = using.store.read(caller, owed.type, owed.id, owed.version)
    if kept is None:
        return _park(delivery, "the version is not kept here", using)
    sent = [kept] if kept.deleted else closure(kept, read=partial(using.store.read_many, caller))
    try:
        leaving = _leaving(kept, sent, caller, recipient=partner.name, using=using)
    except Forbidden as error:
        return _refuse(delivery, REFUSED.get(error.issues[0].rule or "", "the partner may not see this"), using)
    if using.clock() >= delivery.due:
        return Attempt(delivery, "stale", "the claim ran out before it was sent")
    message = Message(delivery.id, owed.kind, f"{kept.reference}/_history/{kept.version}", leaving.body)
    receipt = partner.send(message)
    noted = (caller, _note(message, partner.name, receipt), using.clock())
    if receipt.accepted and delivery.attempts <= FRESH_TRIES and _overtaken(kept, sent, caller, using):
        receipt = Receipt(False, retry=True, reason="what it refers to changed meanwhile")
        settled = using.outbox.retry(delivery, due=using.clock(), reason=receipt.reason, noted=noted)
        return Attempt(delivery, "retry" if settled else "stale", receipt.reason)
    return _settle(delivery, receipt, using, noted)


def _note(message: Message, recipient: str, receipt: Receipt) -> AuditEntry:
    outcome: Literal["success", "refused", "failed"]
    outcome = "success" if receipt.accepted else "failed" if receipt.retry else "refused"
    return AuditEntry("E", "deliver.attempt", (message.reference,), outcome, recipient, receipt.reason or None)


def _leaving(kept: Kept, sent: list[Kept], caller: Caller, *, recipient: str, using: Delivering) -> Disclosed:
    """The transaction Bundle that gives the partner the version owed, with all that it refers to."""
    if kept.deleted:
        entries = [Entry({"request": {"method": "DELETE", "url": kept.reference}})]
    else:
        entries = [_entry(one, using.base) for one in sent]
    whole = Collected({"resourceType": "Bundle", "type": "transaction"}, entries)
    note = partial(using.store.note, caller)
    told = next((one for one in using.subscribers if one.name == recipient), None)
    now = Standing(Outside(using.store, caller), using.clock())

    def standing(one: Kept) -> Decision:
        if told is None:
            return NOT_TOLD
        return now.decide(told, one) if one is kept else now.may_have(told, one)

    return disclose(
        whole, caller=caller, note=note, event="deliver", recipient=recipient, focus=kept, standing=standing
    )


def _overtaken(kept: Kept, sent: list[Kept], caller: Caller, using: Delivering) -> bool:
    """Whether something sent along is no longer current: another member's message may have brought the newer one
    before ours arrived, so the partner could be left with the older."""
    along = {(one.type, one.id): one.version for one in sent if one is not kept}
    current = using.store.read_many(caller, along)
    return any(not one.deleted and one.version != along[name] for name, one in current.items())


def _entry(kept: Kept, base: str) -> Entry:
    fields = {"fullUrl": f"{base}/{kept.reference}", "request": {"method": "PUT", "url": kept.reference}}
    return Entry(fields, kept)


def _settle(delivery: Delivery, receipt: Receipt, using: Delivering, noted: Noted | None = None) -> Attempt:
    now = using.clock()
    if receipt.accepted:
        settled = using.outbox.delivered(delivery, now=now, noted=noted)
        return Attempt(delivery, "delivered" if settled else "stale", receipt.reason, receipt)
    due = None
    if worth_trying(receipt, delivery.attempts):
        due = next_attempt(
            delivery.attempts, now=now, jitter=using.jitter(), retry_after=receipt.retry_after, scale=using.scale
        )
    if due is None:
        reason = f"gave up: {receipt.reason}" if receipt.retry or receipt.doubtful else receipt.reason
        return _park(delivery, reason, using, receipt=receipt, noted=noted)
    settled = using.outbox.retry(delivery, due=due, reason=receipt.reason, noted=noted)
    return Attempt(delivery, "retry" if settled else "stale", receipt.reason, receipt)


def _refuse(delivery: Delivery, reason: str, using: Delivering) -> Attempt:
    """Drop what the partner may not have: what it is owed about the same member otherwise goes on."""
    settled = using.outbox.refuse(delivery, now=using.clock(), reason=f"refused: {reason}")
    return Attempt(delivery, "refused" if settled else "stale", reason)


def _park(
    delivery: Delivery, reason: str, using: Delivering, *, receipt: Receipt | None = None, noted: Noted | None = None
) -> Attempt:
    settled = using.outbox.park(delivery, now=using.clock(), reason=reason, noted=noted)
    return Attempt(delivery, "parked" if settled else "stale", reason, receipt)
