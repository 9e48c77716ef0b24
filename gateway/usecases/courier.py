"""The worker: claims what is owed and delivers it, several at a time, no partner at the cost of the others.

At most half of the hands serve one partner, and half all subscriptions, so that whoever hangs leaves the rest to the
others; partners and subscriptions take turns. A partner that is down gets one probe at a time. Order is the outbox's
affair: it gives out only the front of each lane.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from gateway.errors import GatewayError
from gateway.ports import Delivery, Partner
from gateway.usecases.deliver import WORKER, Attempt, Delivering, deliver
from gateway.usecases.partner_health import Health
from gateway.usecases.subscriber_shares import SUBSCRIPTION, SubscriberShares

PARTNERS = "partners"
LINGER = 0.005
"""Seconds for which more hands than one may become free, so that one claim serves them all."""
LEASE_SECONDS = 120.0
"""How long a claim holds: longer than any exchange with a partner may take."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`hands` deliveries at a time; `idle` seconds between looks when nothing is due."""

    hands: int = 8
    idle: float = 0.5
    lease_seconds: float = LEASE_SECONDS


class Courier:
    """Delivers until told to stop. `tell` hears of every attempt, `trouble` of errors outside any delivery."""

    def __init__(
        self,
        name: str,
        *,
        partners: Mapping[str, Partner],
        using: Delivering,
        health: Health,
        tell: Callable[[Attempt], None],
        trouble: Callable[[Exception], None],
        pace: Pace | None = None,
        notify: Callable[[Delivery], Attempt] | None = None,
    ) -> None:
        """`notify` delivers what is owed to subscriptions instead of partners."""
        self.name = name
        self._partners = partners
        self._using = using
        self._health = health
        self._tell = tell
        self._trouble = trouble
        self._pace = pace or Pace()
        self._notify = notify
        self._busy: Counter[str] = Counter()
        self._shares = SubscriberShares(using.store.subscriptions, caller=WORKER, hands=self._pace.hands)
        self._turn = False
        self._rests: dict[str, float] = {}
        self._under_way: dict[Future[Attempt], Delivery] = {}

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Deliver until `stop` is set (what is under way is finished), or with `once` until nothing more is due."""
        with ThreadPoolExecutor(self._pace.hands, thread_name_prefix="courier") as hands:
            while not stop.is_set():
                claimed = self._claim(hands)
                if self._under_way:
                    self._gather(self._pace.idle if not self._free or not claimed else 0)
                elif not claimed:
                    if once:
                        break
                    stop.wait(self._pace.idle)
            while self._under_way:
                self._gather(self._pace.lease_seconds)

    def _claim(self, hands: ThreadPoolExecutor) -> int:
        """Claim as much as there are free hands, partners and subscriptions in turn; how many were claimed."""
        self._turn = not self._turn
        if self._turn:
            return self._claim_for_partners(hands) + self._claim_for_subscriptions(hands)
        return self._claim_for_subscriptions(hands) + self._claim_for_partners(hands)

    def _claim_for_partners(self, hands: ThreadPoolExecutor) -> int:
        if self._rest(PARTNERS):
            return 0
        now, share = self._using.clock(), max(1, self._pace.hands // 2)
        rooms = {}
        for partner in self._partners:
            most = self._health.allowance(partner, now=now)
            rooms[partner] = max(0, (share if most is None else min(most, share)) - self._busy[partner])
        limit = self._free
        claimed = self._take(limit, [SUBSCRIPTION], hands, rooms=rooms)
        if claimed < limit:
            self._rests[PARTNERS] = time.monotonic() + self._pace.idle
        return claimed

    def _rest(self, kind: str) -> bool:
        """Whether all that is due was taken a moment ago, and nothing has ended since that others waited behind."""
        return bool(self._under_way) and time.monotonic() < self._rests.get(kind, 0.0)

    def _claim_for_subscriptions(self, hands: ThreadPoolExecutor) -> int:
        limit = min(self._shares.room, self._free)
        if self._notify is None or limit < 1 or self._rest(SUBSCRIPTION):
            return 0
        try:
            resting = self._shares.resting()
        except GatewayError as error:
            self._trouble(error)
            return 0
        claimed = self._take(limit, [*self._partners, *resting], hands)
        if not claimed:
            self._rests[SUBSCRIPTION] = time.monotonic() + self._pace.idle
        return claimed

    @property
    def _free(self) -> int:
        return self._pace.hands - len(self._under_way)

    def _take(
        self, limit: int, without: list[str], hands: ThreadPoolExecutor, *, rooms: Mapping[str, int] | None = None
    ) -> int:
        if limit < 1:
            return 0
        try:
            claimed = self._using.outbox.claim(
                self.name,
                now=self._using.clock(),
                limit=limit,
                lease_seconds=self._pace.lease_seconds,
                without=without,
                rooms=rooms,
            )
        except GatewayError as error:
            self._trouble(error)
            return 0
        for delivery in claimed:
            self._busy[delivery.owed.partner] += 1
            if delivery.owed.partner.startswith(SUBSCRIPTION):
                self._shares.began(delivery)
            self._under_way[hands.submit(self._deliver, delivery)] = delivery
        return len(claimed)

    def _deliver(self, delivery: Delivery) -> Attempt:
        name = delivery.owed.partner
        if self._notify is not None and name.startswith(SUBSCRIPTION):
            return self._notify(delivery)
        return deliver(delivery, partner=self._partners.get(name), using=self._using)

    def _wake(self, partner: str) -> None:
        """Try at once what failed while the partner was down."""
        try:
            self._using.outbox.wake(partner, now=self._using.clock())
        except GatewayError as error:
            self._trouble(error)  # then each is tried when it is due

    def _gather(self, seconds: float) -> None:
        """Take in what has ended, waiting for the first for up to `seconds`, and then a moment for those beside it."""
        done, _ = wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        self._take_in(done)
        until = time.monotonic() + LINGER
        while done and self._under_way and self._free < self._pace.hands // 4:
            done, _ = wait(self._under_way, timeout=until - time.monotonic(), return_when=FIRST_COMPLETED)
            self._take_in(done)

    def _take_in(self, done: Collection[Future[Attempt]]) -> None:
        for future in done:
            delivery = self._under_way.pop(future)
            partner = delivery.owed.partner
            self._busy[partner] -= 1
            self._rests.pop(SUBSCRIPTION if partner.startswith(SUBSCRIPTION) else PARTNERS, None)
            if partner.startswith(SUBSCRIPTION):
                self._shares.ended(delivery)
            error = future.exception()
            if error is None:
                self._learn(future.result())
            elif isinstance(error, Exception):
                # The claim is left to run out: the delivery is tried again, by whoever claims it then.
                self._trouble(error)
            else:
                raise error

    def _learn(self, attempt: Attempt) -> None:
        delivery, receipt = attempt.delivery, attempt.receipt
        partner = delivery.owed.partner
        if receipt is not None and partner in self._partners:  # a subscription says itself how it is
            now, began = self._using.clock(), delivery.due - timedelta(seconds=self._pace.lease_seconds)
            if self._health.told(partner, receipt, now=now, began=began) == "up":
                self._wake(partner)
        self._tell(attempt)
