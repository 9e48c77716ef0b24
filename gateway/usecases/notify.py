"""Notify a subscriber of what a subscription is owed: the handshake that makes it active, then events in order.

The outbox owes to `subscription:<id>`. Events have one lane a subscription, so their numbers arrive in order; those
that wait may go together, up to the Subscription's max-count. A subscription whose events cannot be delivered is set
to `error`, a person is alerted once, and counting goes on: only its subscriber makes it active again, and then all that
it missed follows the handshake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from gateway.errors import GatewayError, StaleVersion
from gateway.ports import AuditEntry, Caller, Delivery, Json, Kept, Mailer, Poster, Receipt, Standing
from gateway.subscriptions.rules import content_of, number_of
from gateway.trust.disclosure import content
from gateway.usecases.deliver import WORKER, Attempt, Delivering
from gateway.usecases.delivery_schedule import next_attempt, worth_trying
from gateway.usecases.notification_channels import send
from gateway.usecases.notifications import notified
from gateway.usecases.services import Subscriber
from gateway.usecases.subscriber_shares import SUBSCRIPTION

HANDSHAKES = 3
"""How often a handshake is tried before the subscription is in error."""
LATER = 5.0
"""Seconds after which an event looks again whether its subscription is active."""


@dataclass(frozen=True, slots=True)
class Notifying:
    """What notifying needs. `secrets` are those that the principal's notifications are signed with, `alert` hears
    (subscription, reason) once when one goes to error."""

    using: Delivering
    post: Poster
    mail: Mailer | None
    secrets: Callable[[str], Sequence[str]]
    alert: Callable[[str, str], None]
    xml: Callable[[bytes], bytes]
    """FHIR JSON as FHIR XML."""
    parties: Mapping[str, Subscriber] = field(default_factory=dict)
    """For whom principals subscribe."""


def notify(delivery: Delivery, *, notifying: Notifying) -> Attempt:
    """Try once to deliver what a subscription is owed. Raises as `deliver` does."""
    try:
        return _notify(delivery, notifying)
    except GatewayError:
        raise
    except Exception as error:
        failed = Receipt(False, retry=True, reason=f"a defect of this gateway: {type(error).__name__}")
        return replace(
            _retry(delivery, failed, notifying.using) or _hopeless(delivery, failed, notifying), receipt=None
        )


def _notify(delivery: Delivery, notifying: Notifying) -> Attempt:
    using = notifying.using
    caller = Caller(WORKER, tenant=delivery.tenant, request_id=delivery.id)
    id = delivery.owed.partner.removeprefix(SUBSCRIPTION)
    kept = using.store.read(caller, "Subscription", id)
    standing = using.store.subscriptions.standing(caller, id)
    if kept is None or kept.deleted or standing is None:
        return _park(delivery, Receipt(False, reason="the subscription is not kept here"), using)
    subscription = content(kept)
    if delivery.owed.kind == "handshake":
        return _handshake(delivery, kept, standing, notifying)
    number = int(delivery.owed.kind.removeprefix("event:"))
    if number <= standing.sent:
        return _delivered(delivery, using, "told with an earlier one")
    if subscription["status"] != "active":
        due = using.clock() + timedelta(seconds=LATER * using.scale)
        settled = using.outbox.retry(delivery, due=due, reason="the subscription is not active")
        return Attempt(delivery, "retry" if settled else "stale", "the subscription is not active")
    return _events(delivery, subscription, standing, notifying, number=number)


def _events(
    delivery: Delivery, subscription: Json, standing: Standing, notifying: Notifying, *, number: int
) -> Attempt:
    using = notifying.using
    subscriber = Caller(standing.principal, tenant=standing.tenant, request_id=delivery.id)
    most = number_of(subscription["channel"], "max-count") or 1
    events = using.store.subscriptions.events(
        subscriber, standing.id, first=number, last=min(standing.owed, number + most - 1)
    )
    if not events:
        return _hopeless(delivery, Receipt(False, reason="the event is not kept here"), notifying)
    last = events[-1].number
    leaving = notified(
        subscription,
        "event-notification",
        subscriber=subscriber,
        store=using.store,
        base=using.base,
        at=using.clock(),
        count=last,
        events=events,
        party=notifying.parties.get(standing.principal),
    )
    if using.clock() >= delivery.due:
        return Attempt(delivery, "stale", "the claim ran out before it was sent")
    receipt = send(
        leaving,
        subscription,
        id=delivery.id if last == number else f"{delivery.id}.{last}",
        base=using.base,
        events=events if content_of(subscription["channel"]) != "empty" else [],
        secrets=notifying.secrets(standing.principal),
        at=using.clock(),
        post=notifying.post,
        mail=notifying.mail,
        xml=notifying.xml,
    )
    _note(delivery, receipt, using)
    if receipt.accepted:
        using.store.subscriptions.told(subscriber, standing.id, through=last, now=using.clock())
        return _delivered(delivery, using, receipt.reason, receipt)
    if attempt := _retry(delivery, receipt, using):
        return attempt
    return _hopeless(delivery, receipt, notifying)


def _handshake(delivery: Delivery, kept: Kept, standing: Standing, notifying: Notifying) -> Attempt:
    """Shake hands with the version that asked for it; a newer one has its own."""
    using, subscription = notifying.using, content(kept)
    if kept.version != delivery.owed.version or subscription["status"] != "requested":
        return _delivered(delivery, using, "the subscription has moved on")
    receipt = say(subscription, "handshake", standing, notifying, id=delivery.id)
    _note(delivery, receipt, using)
    if receipt.accepted:
        caller = Caller(WORKER, tenant=standing.tenant, request_id=delivery.id)
        using.store.subscriptions.told(caller, standing.id, through=standing.sent, now=using.clock())
        _keep(kept, {**subscription, "status": "active"}, caller, using)
        return _delivered(delivery, using, receipt.reason, receipt)
    if delivery.attempts < HANDSHAKES and (attempt := _retry(delivery, receipt, using)):
        return attempt
    return _hopeless(delivery, receipt, notifying)


def say(subscription: Json, type: str, standing: Standing, notifying: Notifying, *, id: str) -> Receipt:
    """Send a handshake, which counts what was taken, or a heartbeat, which counts what has happened."""
    assert type in ("handshake", "heartbeat")
    using = notifying.using
    leaving = notified(
        subscription,
        "handshake" if type == "handshake" else "heartbeat",
        subscriber=Caller(standing.principal, tenant=standing.tenant, request_id=id),
        store=using.store,
        base=using.base,
        at=using.clock(),
        count=standing.sent if type == "handshake" else standing.events,
    )
    return send(
        leaving,
        subscription,
        id=id,
        base=using.base,
        events=(),
        secrets=notifying.secrets(standing.principal),
        at=using.clock(),
        post=notifying.post,
        mail=notifying.mail,
        xml=notifying.xml,
    )


def to_error(standing: Standing, reason: str, notifying: Notifying) -> None:
    """Set a live subscription to error, saying why, and alert; nothing when it is in error, off or gone already."""
    using = notifying.using
    caller = Caller(WORKER, tenant=standing.tenant)
    kept = using.store.read(caller, "Subscription", standing.id)
    if kept is None or kept.deleted or content(kept)["status"] not in ("requested", "active"):
        return
    if _keep(kept, {**content(kept), "status": "error", "error": reason or "not delivered"}, caller, using):
        notifying.alert(standing.id, reason)


def to_off(standing: Standing, using: Delivering) -> None:
    """End a subscription whose time has come."""
    caller = Caller(WORKER, tenant=standing.tenant)
    kept = using.store.read(caller, "Subscription", standing.id)
    if kept is not None and not kept.deleted and content(kept)["status"] != "off":
        _keep(kept, {**content(kept), "status": "off"}, caller, using)


def _keep(kept: Kept, resource: Json, caller: Caller, using: Delivering) -> bool:
    """Keep the next version unless the subscriber was faster."""
    try:
        with using.store.begin(caller) as tx:
            new = tx.put(resource, expected=kept.version)
            entity = f"{new.reference}/_history/{new.version}"
            tx.note(AuditEntry("U", f"subscription.{resource['status']}", (entity,)))
    except StaleVersion:
        return False
    return True


def _note(delivery: Delivery, receipt: Receipt, using: Delivering) -> None:
    caller = Caller(WORKER, tenant=delivery.tenant, request_id=delivery.id)
    outcome = "success" if receipt.accepted else "failed" if receipt.retry else "refused"
    entity = f"{delivery.owed.type}/{delivery.owed.id}/_history/{delivery.owed.version}"
    recipient = delivery.owed.partner
    using.store.note(caller, AuditEntry("E", "notify.attempt", (entity,), outcome, recipient, receipt.reason or None))  # type: ignore[arg-type]


def _delivered(delivery: Delivery, using: Delivering, reason: str, receipt: Receipt | None = None) -> Attempt:
    settled = using.outbox.delivered(delivery, now=using.clock())
    return Attempt(delivery, "delivered" if settled else "stale", reason, receipt)


def _retry(delivery: Delivery, receipt: Receipt, using: Delivering) -> Attempt | None:
    """Put it back for the next attempt of the schedule; None when there is none."""
    if not worth_trying(receipt, delivery.attempts):
        return None
    due = next_attempt(
        delivery.attempts, now=using.clock(), jitter=using.jitter(), retry_after=receipt.retry_after, scale=using.scale
    )
    if due is None:
        return None
    settled = using.outbox.retry(delivery, due=due, reason=receipt.reason)
    return Attempt(delivery, "retry" if settled else "stale", receipt.reason, receipt)


def _hopeless(delivery: Delivery, receipt: Receipt, notifying: Notifying) -> Attempt:
    """Set its subscription to error, so that a person hears of it, and park: what is active has nothing parked."""
    id = delivery.owed.partner.removeprefix(SUBSCRIPTION)
    standing = notifying.using.store.subscriptions.standing(Caller(WORKER, tenant=delivery.tenant), id)
    if standing is not None:
        to_error(standing, receipt.reason, notifying)
    return _park(delivery, receipt, notifying.using)


def _park(delivery: Delivery, receipt: Receipt, using: Delivering) -> Attempt:
    reason = f"gave up: {receipt.reason}" if receipt.retry else receipt.reason
    settled = using.outbox.park(delivery, now=using.clock(), reason=reason)
    return Attempt(delivery, "parked" if settled else "stale", reason, receipt)
