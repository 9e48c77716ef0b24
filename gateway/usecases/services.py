"""What the use cases are given by wiring: the store, the checkers, the readers, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from gateway.errors import Issue
from gateway.fhir.part import Outlines, Part
from gateway.ports import Clock, Json, NewId, Store
from gateway.subscriptions.rules import Offer
from gateway.usecases.intake import Intake
from gateway.usecases.loop_tables import LoopTables

if TYPE_CHECKING:
    from gateway.search.query import Query


class Checker(Protocol):
    """Profile validation: the base rules, meta.profile, and the profiles named."""

    def check(self, resource: Any, *, profiles: Sequence[str] = ()) -> Sequence[Issue]:
        """Everything found, hints included."""

    def faults(self, resource: Any, *, profiles: Sequence[str] = ()) -> Sequence[Issue]:
        """Nothing if there is no error, else everything found."""


class SearchRules(Protocol):
    """What can be searched for, and a query string read by those rules."""

    def parse(self, type: str, parameters: Sequence[tuple[str, str]], *, lenient: bool = False) -> Query: ...

    @property
    def outlines(self) -> Outlines: ...

    def part(self, type: str, parameters: Sequence[tuple[str, str]], *, lenient: bool = False) -> Part: ...

    def capabilities(self, type: str) -> Json: ...


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A partner, the resource types it is told of (`types` empty: all that are kept), and about whom.

    `organizations` are those it speaks for (`system|value` of an identifier, or a reference): it is told where one of
    them has standing on the member's record. `everyone`: it is owed every member's. Neither: nothing.
    """

    name: str
    types: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    everyone: bool = False

    def wants(self, type: str) -> bool:
        return not self.types or type in self.types


@dataclass(frozen=True, slots=True)
class Hook:
    """A partner that sends us webhooks: in whose tenant, and what it shows: signatures by one of `secrets`, or one of
    `tokens`. With neither, anybody may speak for it."""

    partner: str
    tenant: str = "default"
    secrets: tuple[str, ...] = ()
    accepts: frozenset[str] = frozenset(["Task"])
    """Resource types that it may change here."""
    tokens: tuple[str, ...] = ()
    polls: frozenset[str] = frozenset()
    """Resource types whose changes it is asked for."""
    our_ids: bool = False
    """Whether it keeps what is ours under our ids."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a use case may need; frozen, made once by wiring."""

    store: Store
    validator: Checker
    intake: Intake
    loops: LoopTables
    search: SearchRules
    clock: Clock
    new_id: NewId
    types: frozenset[str]
    """Resource types that are served."""
    reserved: frozenset[str] = frozenset()
    """References of our own definitions among them: read, and never written."""
    base: str = ""
    """Public address of the FHIR API, without a trailing slash: references under it are our own."""
    subscribers: Sequence[Subscriber] = ()
    check_references: bool = True
    """Whether a reference to a resource that is not here is refused."""
    max_entries: int = 500
    """Most entries of a batch or transaction."""
    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When this configuration began to be served."""
    guides: Sequence[str] = ()
    """Implementation guides whose profiles are checked, `url|version`."""
    profiles: Callable[[str], Sequence[str]] = lambda type: ()
    """Profiles that are checked, by resource type."""
    offer: Offer | None = None
    """Which Subscriptions are honoured; None: none."""
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """Who may send us what by webhook, by partner."""
    parties: Mapping[str, Subscriber] = field(default_factory=dict)
    """For whom principals subscribe: they are named only what concerns one of these organizations."""
