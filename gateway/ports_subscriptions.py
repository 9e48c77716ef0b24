"""Ports of subscriptions and of what partners send us; `gateway.ports` offers them with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from gateway.ports import Caller, Json, Receipt


@dataclass(frozen=True, slots=True)
class Change:
    """One version kept in a transaction, with its index entries (`gateway.search.emit.Entry`), to be matched."""

    method: Literal["POST", "PUT", "DELETE"]
    type: str
    id: str
    version: int
    at: datetime
    entries: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionEvent:
    """One change that met a subscription. `number` counts from 1 without a gap, in the order of the commits."""

    number: int
    at: datetime
    method: Literal["POST", "PUT", "DELETE"]
    type: str
    id: str
    version: int

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a subscription stands: `events` have happened, up to `owed` are in the outbox, up to `sent` were taken."""

    tenant: str
    id: str
    principal: str
    """Whose it is: who created it."""
    status: str
    events: int
    owed: int
    sent: int
    heartbeat: int | None
    """Seconds of silence after which something is said."""
    ends: datetime | None
    spoke_at: datetime | None


InboundState = Literal["waiting", "working", "applied", "parked"]


@dataclass(frozen=True, slots=True)
class Inbound:
    """Something a partner sent us, as it came. `key` tells repeats; `fence` grows with every claim."""

    id: str
    tenant: str
    partner: str
    key: str
    received_at: datetime
    content_type: str
    body: bytes
    state: InboundState
    attempts: int
    fence: int
    due: datetime
    reason: str | None = None


class Subscriptions(Protocol):
    """Events and standing of subscriptions. Both are written by the store itself: a kept version is matched, numbered
    and owed in its own transaction; a kept Subscription moves its standing (when it becomes `active`, what happened
    meanwhile is owed and what was parked is released; when it becomes `off`, what is owed is dropped)."""

    def standing(self, caller: Caller, id: str) -> Standing | None: ...

    def own(self, caller: Caller) -> Sequence[Standing]:
        """Those of the caller's principal."""

    def live(self) -> Sequence[Standing]:
        """Those of every tenant that are not off."""

    def events(
        self, caller: Caller, id: str, *, first: int, last: int, limit: int = 1000
    ) -> Sequence[SubscriptionEvent]:
        """Events `first` to `last` inclusive, in order."""

    def told(self, caller: Caller, id: str, *, through: int, now: datetime) -> None:
        """Something reached the subscriber: events up to `through` (never moves back), and the silence is broken."""

    def release(self, standing: Standing, *, now: datetime) -> int:
        """Put back what was parked of an active subscription; how many."""

    def claim_heartbeat(self, standing: Standing, *, now: datetime) -> bool:
        """Break the silence on behalf of one worker; False when another was faster."""


class Inbox(Protocol):
    """What partners sent us: kept before it is answered, applied later, at least once, one at a time per partner."""

    def keep(self, caller: Caller, *, partner: str, key: str, content_type: str, body: bytes, now: datetime) -> bool:
        """Keep it durably; False when `key` of this partner is here already."""

    def claim(self, *, now: datetime, lease_seconds: float) -> Inbound | None:
        """The oldest message of a partner none of whose messages is being worked on, if it is due; partners in turn."""

    def settle(self, message: Inbound, *, state: InboundState, now: datetime, reason: str | None = None) -> bool:
        """Applied, parked, or waiting again until `now`; False when the claim was overtaken."""

    def list(
        self,
        caller: Caller,
        *,
        state: InboundState | None = None,
        partner: str | None = None,
        limit: int = 100,
    ) -> Sequence[Inbound]: ...

    def show(self, caller: Caller, id: str) -> Inbound | None: ...

    def release(self, caller: Caller, id: str, *, now: datetime) -> bool:
        """Put a parked message back to waiting (a person decided; audited with it)."""


class Poster(Protocol):
    """Sends notifications to the addresses that subscribers named."""

    def post(self, endpoint: str, *, body: bytes, headers: Mapping[str, str], seconds: float) -> Receipt:
        """One POST; never raises for what the subscriber does. `reason` is `http 410` and its like."""


class Source(Protocol):
    """Reads a resource that a partner's notification only names."""

    def base(self, partner: str) -> str | None:
        """The FHIR address that it is read from; None for a partner without one."""

    def read(self, partner: str, reference: str) -> Json:
        """The current version there. PartnerUnavailable (try again) or PartnerRefused (it is not there, not theirs)."""


class Mailer(Protocol):
    """Sends e-mail, which never carries a person's data."""

    def mail(self, to: str, *, subject: str, text: str, id: str) -> Receipt:
        """One message; `id` is the same on every attempt (Message-ID)."""
