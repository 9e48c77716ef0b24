"""How a notification goes out: POSTed to a rest-hook, or announced by e-mail that says nothing of anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.errors import NotAcceptable
from gateway.ports import Json, Mailer, Poster, Receipt, SubscriptionEvent
from gateway.subscriptions.endpoint import mail_address
from gateway.subscriptions.rules import XML, headers_of, number_of
from gateway.trust.disclosure import Disclosed
from gateway.trust.webhook_signature import signed

TIMEOUT = 20
LONGEST_TIMEOUT = 60
"""Seconds for one whole exchange: well within the lease of a claim, whatever a Subscription asks for."""


def send(
    leaving: Disclosed,
    subscription: Json,
    *,
    id: str,
    base: str,
    events: Sequence[SubscriptionEvent],
    secrets: Sequence[str],
    at: datetime,
    post: Poster,
    mail: Mailer | None,
    xml: Callable[[bytes], bytes],
) -> Receipt:
    """Send one notification by the Subscription's channel. `id` is the same on every attempt; `events` may be named.

    `xml` makes FHIR XML of FHIR JSON, for those who asked for it; signatures are of what is sent.
    """
    channel = subscription["channel"]
    if channel["type"] == "email":
        return _mailed(subscription, id=id, base=base, events=events, mail=mail)
    try:
        body = xml(leaving.body) if channel["payload"] in XML else leaving.body
    except NotAcceptable:
        return Receipt(False, reason="it cannot be written as XML")
    headers = {
        **headers_of(channel),
        "Content-Type": channel["payload"],
        "Idempotency-Key": id,
        **signed(body, secrets=secrets, id=id, at=at),
    }
    seconds = min(number_of(channel, "timeout") or TIMEOUT, LONGEST_TIMEOUT)
    return post.post(channel["endpoint"], body=body, headers=headers, seconds=float(seconds))


def _mailed(
    subscription: Json, *, id: str, base: str, events: Sequence[SubscriptionEvent], mail: Mailer | None
) -> Receipt:
    """A line an event: its number, and where the Subscription asks for ids the reference, which names nobody."""
    to = mail_address(subscription["channel"]["endpoint"])
    if mail is None or to is None:
        return Receipt(False, reason="e-mail is not offered any more")
    listed = [f"- event {event.number}: {event.reference}" for event in events]
    name = f"Subscription/{subscription['id']}"
    text = "\n".join(
        [
            f"There is news for {name}.",
            *listed,
            "",
            f"Ask {base}/{name}/$events for what happened. This message holds nobody's data.",
            "",
        ]
    )
    return mail.mail(to, subject=f"News for {name}", text=text, id=id)
