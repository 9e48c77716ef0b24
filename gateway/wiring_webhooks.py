"""The part of wiring that is about who is told and who tells: partners, subscriptions and webhooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from gateway import log
from gateway.errors import GatewayError, Misconfigured
from gateway.ports import Caller, Change, Clock, Json
from gateway.settings import Settings
from gateway.subscriptions.rules import Offer
from gateway.subscriptions.topics import topic_of
from gateway.trust.policy import decide
from gateway.usecases.served import SERVED
from gateway.usecases.services import Hook, Subscriber

if TYPE_CHECKING:
    from gateway.partners.webhooks_file import WebhooksFile
    from gateway.search.rules import Search
    from gateway.store import Watch


def webhooks_file(settings: Settings) -> WebhooksFile:
    """webhooks.toml; Misconfigured with everything that is wrong in it, its secrets included."""
    from gateway.partners.webhooks_file import load
    from gateway.trust.webhook_signature import key

    read = load(settings.webhooks)
    for secret in (one for hook in read.hooks.values() for one in hook.secrets):
        key(secret)
    for secret in (one for secrets in read.secrets.values() for one in secrets):
        key(secret)
    return read


def offer(settings: Settings, search: Search, *, clock: Clock) -> Offer:
    """Which Subscriptions are honoured."""
    read = webhooks_file(settings)
    return Offer(search.parse, clock, read.endpoints, read.cleared, mail=bool(settings.mail))


def hooks(settings: Settings) -> Mapping[str, Hook]:
    """Who may send us webhooks."""
    from gateway.partners import asked

    read, polled = webhooks_file(settings).hooks, asked(settings.partners)
    made = {}
    for name, one in read.items():
        _served(one.accepts, f"{settings.webhooks}: [hooks.{name}] accepts")
        polls, our_ids = polled.get(name if one.tenant == settings.tenant else "", (frozenset(), False))
        made[name] = Hook(name, one.tenant, one.secrets, one.accepts, one.tokens, polls=polls, our_ids=our_ids)
    return made


def parties(settings: Settings) -> Mapping[str, Subscriber]:
    """For whom principals subscribe, by principal; who says nothing is not among them."""
    listed = webhooks_file(settings).organizations
    return {
        name: Subscriber(name, organizations=_organizations(texts, f"{settings.webhooks}: [subscribers.{name}]"))
        for name, texts in listed.items()
    }


def subscribers(settings: Settings) -> tuple[Subscriber, ...]:
    """Who is told of changes: each partner of partners.toml with the types of its `send`, and for whom it speaks."""
    from gateway.partners.settings import load

    told = []
    for name, partner in load(settings.partners).items():
        place = f"{settings.partners}: [{name}]"
        _served(partner.send, f"{place} sends")
        organizations = _organizations(partner.organizations, place)
        if partner.send:
            told.append(Subscriber(name, frozenset(partner.send), organizations, partner.everyone))
    return tuple(told)


def _served(types: Iterable[str], does: str) -> None:
    if unknown := sorted(set(types) - SERVED):
        raise Misconfigured(f"{does} types that are not served: {', '.join(unknown)}.")


def _organizations(texts: Iterable[str], place: str) -> frozenset[str]:
    """What organizations are known by; Misconfigured, by its number, for one that names none."""
    from gateway.mapping.organization import known_as

    found = set()
    for number, text in enumerate(texts, 1):
        try:
            found.add(known_as(text))
        except ValueError as error:
            raise Misconfigured(f"{place} organization {number} {error}.") from None
    return frozenset(found)


def watching(search: Search, *, clock: Clock) -> Watch:
    """Which changes are events of a Subscription: those that meet it and that its principal may see when they happen.

    One that cannot be compiled any more (a search parameter is gone) matches nothing, and says so in the log.
    """
    compiler = Offer(search.parse, clock)

    def watch(subscription: Json, principal: str, tenant: str) -> Callable[[Change], bool]:
        try:
            matches = compiler.matcher(subscription)
        except GatewayError as error:
            reason = error.issues[0].rule
            log.event("subscription.unreadable", level=logging.ERROR, id=subscription.get("id"), reason=reason)
            return lambda change: False
        subscriber = Caller(principal, tenant=tenant)
        topic = topic_of(subscription["criteria"])
        assert topic is not None

        def event(change: Change) -> bool:
            return matches(change) and decide(subscriber, action="R", type=change.type, id=change.id).allowed

        return event

    return watch
