"""A webhook that does not say what changed (no body, a notification without a focus): the partner is then asked.

So does a FHIR server whose Subscription names no payload. https://hl7.org/fhir/R4/subscription.html#2.46.7.1
"""

from __future__ import annotations

from gateway.errors import PartnerUnavailable, Unprocessable
from gateway.ports import Caller, Inbound
from gateway.usecases.services import Hook, Services

CONTENT_TYPE = "application/x-nothing; from=hook"
"""Marks what came without a body."""


def ask_soon(message: Inbound, *, hook: Hook, services: Services) -> str:
    """Make asking the partner due now; a word on what came of it.

    While somebody is asking, it waits: that answer may be older than the change.
    """
    if not hook.polls:
        raise Unprocessable("The partner says that something changed, and is not asked what: poll in partners.toml.")
    caller = Caller("system:poll", tenant=message.tenant, request_id=message.id)
    due, now = services.store.cursors.due, services.clock()
    asked = [due(caller, partner=message.partner, name=type, now=now) for type in sorted(hook.polls)]
    if not all(asked):
        raise PartnerUnavailable("The partner is being asked.")
    return "asked for"
