"""How many hands serve subscriptions: half of all at most, and of those one subscriber has half at most.

So a subscriber that hangs, or has much to catch up, on however many Subscriptions, leaves hands to the others; and all
subscribers together leave half to the partners.
"""

from __future__ import annotations

from collections import Counter

from gateway.errors import GatewayError
from gateway.ports import Caller, Delivery, Subscriptions

SUBSCRIPTION = "subscription:"
"""What the names of partners begin with that are subscriptions."""
Subscriber = tuple[str, str]
"""Tenant, principal (where none is known, the name of the subscription)."""


class SubscriberShares:
    """Counts who is being served. Used by one thread."""

    def __init__(self, subscriptions: Subscriptions, *, caller: str, hands: int) -> None:
        self._subscriptions, self._caller = subscriptions, caller
        self._share = max(1, hands // 2)
        self._most = max(1, hands // 4)
        self._serving: dict[tuple[str, int], Subscriber] = {}
        self._whose: dict[Subscriber, Subscriber] = {}

    def began(self, delivery: Delivery) -> None:
        self._serving[delivery.id, delivery.fence] = self._subscriber(delivery)

    def ended(self, delivery: Delivery) -> None:
        del self._serving[delivery.id, delivery.fence]

    @property
    def room(self) -> int:
        """How many deliveries to subscriptions may be claimed now, whosever they are."""
        busy = Counter(self._serving.values())
        left = [self._most - number for number in busy.values() if number < self._most]
        return min([self._share - busy.total(), self._most, *left])

    def resting(self) -> list[str]:
        """Those who have their share already, by the names under which they are owed."""
        full = [one for one, number in Counter(self._serving.values()).items() if number >= self._most]
        return [
            SUBSCRIPTION + one.id
            for tenant, principal in full
            for one in self._subscriptions.own(Caller(principal, tenant=tenant))
        ]

    def _subscriber(self, delivery: Delivery) -> Subscriber:
        """Whose a subscription is never changes; who cannot be known now counts as one of their own."""
        name = (delivery.tenant, delivery.owed.partner)
        if name not in self._whose:
            id = delivery.owed.partner.removeprefix(SUBSCRIPTION)
            try:
                standing = self._subscriptions.standing(Caller(self._caller, tenant=delivery.tenant), id)
            except GatewayError:
                return name
            self._whose[name] = name if standing is None else (delivery.tenant, standing.principal)
        return self._whose[name]
