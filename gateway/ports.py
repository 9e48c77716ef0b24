"""What the middle of the gateway needs from its edges, as Protocols, and the plain records they exchange.

Adapters live in `store/` and `partners/`; `wiring.py` alone chooses them. Tests use the real store and fake partners.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

# isort: off
# fmt: off
from gateway.ports_outbox import (
    START as START, Delivery as Delivery, DeliveryState as DeliveryState, Noted as Noted, Old as Old,
    Outbox as Outbox, Owed as Owed, Place as Place, Pruned as Pruned, Retention as Retention,
)
from gateway.ports_subscriptions import (
    Change as Change, Inbound as Inbound, InboundState as InboundState, Inbox as Inbox, Mailer as Mailer,
    Poster as Poster, Source as Source, Standing as Standing, SubscriptionEvent as SubscriptionEvent,
    Subscriptions as Subscriptions,
)
# fmt: on
# isort: on

if TYPE_CHECKING:
    from gateway.search.query import Query

Clock = Callable[[], datetime]
"""The time now, with a zone."""
NewId = Callable[[], str]
"""A fresh FHIR id."""
Json = dict[str, Any]
Name = tuple[str, str]
"""Type and id."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf something is done: every store query and every disclosure takes one.

    `principal` is who (a client id, a person, `system:worker`), `tenant` whose data is in reach, `purpose` a
    v3-PurposeOfUse code (TREAT, HOPERAT, ...), `request_id` ties log, audit and answer together.
    """

    principal: str
    tenant: str = "default"
    purpose: str = "TREAT"
    request_id: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """One stored version of a resource. `body` holds the exact bytes that are served (empty when deleted)."""

    type: str
    id: str
    version: int
    at: datetime
    body: bytes
    deleted: bool = False
    posted: bool = False
    """Created by POST: the server gave the id."""

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: matches in order, what `_include` brought, and where the next page starts."""

    matches: Sequence[Kept]
    included: Sequence[Kept] = ()
    total: int | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What was done, by whom, to what, and how it ended. Never holds clinical content or a person's data.

    `action` is an AuditEvent action (C R U D E), `event` our own event name (`referral.received`, `read`, `deliver`),
    `entities` are references with version (`Patient/123/_history/2`), `recipient` who got it when something left.
    """

    action: Literal["C", "R", "U", "D", "E"]
    event: str
    entities: tuple[str, ...] = ()
    outcome: Literal["success", "refused", "failed"] = "success"
    recipient: str | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a partner was asked for its changes. `fence` grows with every claim."""

    tenant: str
    partner: str
    name: str
    """What is asked for: `Task`, `ServiceRequest` ..."""
    fence: int
    through: datetime | None = None
    """Everything changed before this is here; None: never asked."""


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a resource that a partner has: `version` is its own, or a hash of what it says."""

    type: str
    id: str
    version: str
    resource: Json

    @property
    def key(self) -> str:
        return f"{self.type}/{self.id}/_history/{self.version}"


class Transaction(Protocol):
    """One unit of work: resources, search index, audit and outbox are kept together or not at all."""

    def read(self, type: str, id: str) -> Kept | None:
        """The current version as this transaction sees it, deleted ones included."""

    def put(self, resource: Json, *, expected: int | None = None, posted: bool = False) -> Kept:
        """Keep a new version of `resource` (its `resourceType` and `id` say which), stamping meta.versionId and
        meta.lastUpdated. `expected` is the version it must replace (0: must not exist yet); else StaleVersion. `posted`
        says that it was created by POST."""

    def delete(self, type: str, id: str, *, expected: int | None = None) -> Kept:
        """Keep a deletion as a new version; NotFound if there was nothing."""

    def search(self, query: Query) -> Page:
        """Search inside the transaction (conditional create and update)."""

    def note(self, entry: AuditEntry) -> None: ...

    def owe(self, messages: Iterable[Owed]) -> None: ...


class Store(Protocol):
    """Durable memory. A returned `begin` block has committed; an exception in it has kept nothing.

    Inside a `begin` block write through the transaction only: `Store.note` there is a mistake and raises.
    """

    @property
    def outbox(self) -> Outbox: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def cursors(self) -> Cursors: ...

    @property
    def retention(self) -> Retention: ...

    def begin(self, caller: Caller) -> AbstractContextManager[Transaction]: ...

    def read(self, caller: Caller, type: str, id: str, version: int | None = None) -> Kept | None: ...

    def read_many(self, caller: Caller, names: Collection[Name]) -> Mapping[Name, Kept]:
        """Those of the resources named that are kept, each as it is now."""

    def history(self, caller: Caller, type: str, id: str) -> Sequence[Kept]:
        """All versions, newest first."""

    def search(self, caller: Caller, query: Query) -> Page: ...

    def note(self, caller: Caller, entry: AuditEntry) -> None:
        """Keep an audit entry of its own (a read); durable when it returns."""

    def audit(self, caller: Caller, *, limit: int = 100, after: int = 0) -> Sequence[Mapping[str, Any]]: ...

    def ready(self) -> None:
        """Raise StoreUnavailable unless a write would be accepted now."""

    def close(self) -> None: ...


class Cursors(Protocol):
    """How far partners were asked for changes: one worker asks at a time, and not before it is due."""

    def claim(self, caller: Caller, *, partner: str, name: str, now: datetime, lease_seconds: float) -> Cursor | None:
        """The cursor if asking is due and nobody else is at it; None else."""

    def renew(self, cursor: Cursor, *, now: datetime, lease_seconds: float) -> bool:
        """Go on asking for so long from now; False when overtaken."""

    def settle(self, cursor: Cursor, *, through: datetime | None, due: datetime) -> bool:
        """Move to `through` (None: stay, the poll failed) and ask again when due; False when overtaken."""

    def due(self, caller: Caller, *, partner: str, name: str, now: datetime) -> bool:
        """Make asking due now: a person or the partner wants it. False, and nothing, while somebody is at it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one attempt ended at the partner."""

    accepted: bool
    retry: bool = False
    retry_after: float | None = None
    """Seconds the partner asked us to wait."""
    reason: str = ""
    remote: str | None = None
    """The partner's own address of what it kept, where it said so."""
    doubtful: bool = False
    """A refusal that may be nobody's decision (credentials or routes being changed): worth a few tries more."""


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves for a partner in one delivery: already disclosed, already bytes."""

    delivery_id: str
    kind: str
    reference: str
    body: bytes
    content_type: str = "application/fhir+json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Partner(Protocol):
    """One outside system. `send` never raises for what the partner does: it returns a Receipt."""

    name: str

    def send(self, message: Message) -> Receipt: ...


class Polled(Protocol):
    """An outside system that is asked for changes. Raises PartnerUnavailable (later), PartnerRefused (a person)."""

    name: str
    base: str
    """Its FHIR address: identifiers with this system name what is its own."""
    types: Sequence[str]
    every_seconds: float
    overlap_seconds: float
    our_ids: bool
    """Whether it keeps what we sent it under our ids."""

    def by_member(self, type: str) -> bool:
        """Whether a type can be asked for member by member only."""

    def changes(
        self, type: str, *, since: datetime | None, until: datetime, members: Iterable[str] = ()
    ) -> Iterable[Found]:
        """Versions changed in that time (`since` None: all); `members` are `Patient/id` there."""

    def whole(self, found: Found) -> Sequence[Json]:
        """What the resource refers to there, and last itself."""
