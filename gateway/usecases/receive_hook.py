"""Receive a webhook: who sent it is verified, and it is kept as it came, before it is answered. What it says is applied
later, so that a sender never waits for us and nothing that was answered is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from gateway.errors import Issue, NotFound, Unauthenticated
from gateway.ports import AuditEntry, Caller
from gateway.trust.bearer import bears
from gateway.trust.webhook_signature import verify
from gateway.usecases.empty_hook import CONTENT_TYPE as EMPTY
from gateway.usecases.services import Hook, Services

LONGEST_KEY = 200
"""A sender's own id that is longer is named by its hash."""


def receive_hook(
    body: bytes, headers: Mapping[str, str], *, partner: str, content_type: str, services: Services, request_id: str
) -> bool:
    """Keep one message of `partner`; False for a repeat. Header names are lower case.

    NotFound for a partner that sends no webhooks, Unauthenticated (audited) for what does not show that it is the
    partner's.
    """
    hook = services.hooks.get(partner)
    if hook is None:
        raise NotFound(issues=[Issue("error", "not-found", "No partner of this name sends webhooks.")])
    caller = Caller(f"partner:{partner}", tenant=hook.tenant, request_id=request_id)
    now = services.clock()
    try:
        own = _own_id(body, headers, hook=hook, now=now)
    except Unauthenticated:
        services.store.note(caller, AuditEntry("C", "inbound.refused", (), "refused", partner, "signature"))
        raise
    if content_type == EMPTY and not own:
        own = services.new_id()  # nothing tells a repeat from the next change
    key = _key(body, own)
    return services.store.inbox.keep(caller, partner=partner, key=key, content_type=content_type, body=body, now=now)


def _own_id(body: bytes, headers: Mapping[str, str], *, hook: Hook, now: datetime) -> str:
    """The sender's id of the message, as far as it vouches for it; Unauthenticated unless it is the partner."""
    shown = bears(headers.get("authorization", ""), hook.tokens)
    if hook.secrets and not shown:
        return verify(body, headers, secrets=hook.secrets, now=now)
    if hook.tokens and not shown:
        raise Unauthenticated("The webhook shows no token that is known here.")
    return headers.get("webhook-id") or headers.get("idempotency-key") or ""


def _key(body: bytes, own: str) -> str:
    """What tells a repeat: the sender's id of the message, else the body itself.

    An id that the signature does not cover is nobody's: with another one an old message could be sent again.
    """
    if not own:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    plain = own.isascii() and own.isprintable() and len(own) <= LONGEST_KEY
    return own if plain else "id:" + hashlib.sha256(own.encode()).hexdigest()
