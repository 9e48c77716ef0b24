"""Ports of the outbox, and of letting go of what is done; `gateway.ports` offers them with the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from gateway.ports import AuditEntry, Caller


@dataclass(frozen=True, slots=True)
class Owed:
    """A message owed to a partner: a pointer to one version of one resource, never a copy of its content.

    Messages with the same `partner` and `member` are delivered in the order in which they were owed.
    """

    partner: str
    member: str
    kind: str
    type: str
    id: str
    version: int
    urgent: bool = False


DeliveryState = Literal["waiting", "sending", "delivered", "parked", "dropped"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An Owed with its fate. `id` is stable over every attempt: partners use it to recognise a repeat.

    `fence` grows with every claim; a worker that settles with an old fence is refused (it was paused and overtaken).
    """

    id: str
    tenant: str
    owed: Owed
    state: DeliveryState
    attempts: int
    fence: int
    due: datetime
    owed_at: datetime
    settled_at: datetime | None = None
    reason: str | None = None
    """Why the last attempt failed: a rule or status, never a reply's content."""


Noted = tuple["Caller", "AuditEntry", datetime]
"""What is audited with a settlement, stale or not: by whom, what, when."""


class Outbox(Protocol):
    """What is owed to partners. At least once, ordered per (tenant, partner, member), parked when hopeless.

    A parked delivery holds back only what the same partner is owed about the same member, until a person releases or
    drops it, or a newer version of the same resource (and kind) is owed: then it is dropped as superseded.
    """

    def claim(
        self,
        worker: str,
        *,
        now: datetime,
        limit: int,
        lease_seconds: float,
        without: Collection[str] = (),
        rooms: Mapping[str, int] | None = None,
    ) -> Sequence[Delivery]:
        """Take the next due deliveries: only the oldest unsettled one of each (partner, member) is ever taken,
        urgent first, partners in turn, none for the partners `without` (`kind:` stands for all whose names begin so),
        no more for one of those in `rooms` than it says. Deliveries whose lease has run out are taken again with a
        higher fence. `due` of what is taken is the end of its lease. Nothing taken: nothing is due, or other workers
        are faster; ask again later."""

    def delivered(self, delivery: Delivery, *, now: datetime, noted: Noted | None = None) -> bool:
        """Settle as delivered; False when the fence is stale. `noted` is kept with it."""

    def retry(self, delivery: Delivery, *, due: datetime, reason: str, noted: Noted | None = None) -> bool: ...

    def park(self, delivery: Delivery, *, now: datetime, reason: str, noted: Noted | None = None) -> bool: ...

    def refuse(self, delivery: Delivery, *, now: datetime, reason: str, noted: Noted | None = None) -> bool:
        """Settle as dropped: the partner may not have it (any more); what waits behind it goes on."""

    def wake(self, partner: str, *, now: datetime) -> int:
        """Make due now what waits for another attempt at a partner that is back; how many there were."""

    def list(
        self,
        caller: Caller,
        *,
        state: DeliveryState | None = None,
        partner: str | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]: ...

    def show(self, caller: Caller, id: str) -> Delivery | None: ...

    def release(self, caller: Caller, id: str, *, now: datetime) -> bool:
        """Put a parked delivery back to waiting (a person decided; audited with it)."""

    def drop(self, caller: Caller, id: str, *, now: datetime, reason: str) -> bool:
        """Give a parked delivery up (a person decided; audited with it); what waits behind it goes on."""

    def counts(self, caller: Caller | None = None) -> Mapping[tuple[str, DeliveryState], int]:
        """Deliveries by partner and state, in the caller's tenant (None: in all)."""


Old = Literal["deliveries", "events", "bodies", "keys"]
"""What can be let go of: deliveries whose partner heard this or something newer, events that their subscriber has
taken, what partners sent (`bodies`) once it is applied, and by what it is known again (`keys`)."""


Place = tuple[int, int]
"""Where a walk over old rows stands; its meaning is the store's own."""
START: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one small transaction let go of; `after` is where to go on, None at the end."""

    number: int
    after: Place | None


class Retention(Protocol):
    """Lets go of what is done. Never of what is owed, parked, refused, dropped by a person, not told or not applied;
    never of audit."""

    def prune(self, old: Old, *, before: datetime, after: Place = START, limit: int = 500, dry: bool = False) -> Pruned:
        """Look at no more than `limit` rows beyond the place `after`, and remove those done `before`, in one
        transaction; `dry` only counts. Numbers of events go on where they were."""
