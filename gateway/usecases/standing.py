"""Who has standing on a member's record: decided from the record itself, when a change is owed and when it is sent.

A partner speaks for organizations. It is owed a change if one of them is a party to the resource that changed (in this
version or in the one before it: who leaves is told that last), or has standing on the member's whole record today: the
referrer and the plan of an open referral, who is asked to serve, the payor of a Coverage in force, and whoever is on a
care team that is not over, within the days of their membership. docs/closed-loop.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from gateway.domain.dates import PACIFIC
from gateway.ports import Caller, Json, Kept, Page, Store, Transaction
from gateway.search.query import MAX_COUNT, Condition, Is, Query, Target
from gateway.search.references import normal
from gateway.trust.disclosure import content
from gateway.trust.policy import Decision
from gateway.usecases.parties import gives_standing, member_in, parties
from gateway.usecases.references import relative
from gateway.usecases.services import Subscriber
from gateway.usecases.source_version import is_own

EVERYONE = Decision(True, "everyone")
DIRECTORY = Decision(True, "directory")
OWN = Decision(True, "standing: its own")
NO_STANDING = Decision(False, "no-standing")
NOT_TOLD = Decision(False, "not-told-of-this-type")
REFUSED = {
    NO_STANDING.basis: "no standing: none of the partner's organizations is a party to this, or to the member's record",
    NOT_TOLD.basis: "the partner is not told of this type any more",
}
"""What a person is told of a refusal."""
_NOBODYS = frozenset(
    "Organization Practitioner PractitionerRole Location HealthcareService Endpoint Questionnaire Medication".split()
)
"""Types that belong to no member's record."""
RECORD = ("CareTeam", "Task", "Coverage", "ServiceRequest")
"""Where a member's parties are named."""
_CONVERSATION = ("Task", "ServiceRequest")
"""Of these a partner hears what became of its own here, whomever they name."""
_ABOUT = frozenset(
    [
        *RECORD,
        *("CarePlan", "Goal", "Condition", "Consent", "QuestionnaireResponse", "Procedure", "Observation"),
        *("DocumentReference", "Encounter", "Communication", "RelatedPerson"),
    ]
)
"""What a newcomer is told of, where its partner is told of the type: all are searched by `patient`."""
_INWARDS = {
    "PractitionerRole": ("organization", "practitioner"),
    "HealthcareService": ("providedBy",),
    "CareTeam": ("managingOrganization",),
}
"""What a party is part of: who speaks for that speaks for the party."""


class Memory(Protocol):
    """What a decision is made from: a transaction's view while it is open, the store's when a message is sent."""

    def read(self, type: str, id: str, version: int | None = None) -> Kept | None: ...

    def search(self, query: Query) -> Page: ...


@dataclass(frozen=True, slots=True)
class Within:
    """What a transaction sees; older versions are the store's."""

    tx: Transaction
    store: Store
    caller: Caller

    def read(self, type: str, id: str, version: int | None = None) -> Kept | None:
        return self.tx.read(type, id) if version is None else self.store.read(self.caller, type, id, version)

    def search(self, query: Query) -> Page:
        return self.tx.search(query)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is kept."""

    store: Store
    caller: Caller

    def read(self, type: str, id: str, version: int | None = None) -> Kept | None:
        return self.store.read(self.caller, type, id, version)

    def search(self, query: Query) -> Page:
        return self.store.search(self.caller, query)


@dataclass(slots=True)
class Standing:
    """Decisions at one moment; what was read for one is known for the next."""

    memory: Memory
    now: datetime
    _records: dict[str, list[Kept]] = field(default_factory=dict)
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def decide(self, partner: Subscriber, kept: Kept) -> Decision:
        """Whether a version may go to a partner, and on what ground (`standing: Task.owner`)."""
        if not partner.wants(kept.type):
            return NOT_TOLD
        return self.may_have(partner, kept)

    def may_have(self, partner: Subscriber, kept: Kept) -> Decision:
        """The same whatever the types it is told of: what comes along with another resource."""
        if partner.everyone:
            return EVERYONE
        versions = [content(one) for one in self._versions(kept)]
        if not versions:
            return NO_STANDING
        if kept.type in _CONVERSATION and any(is_own(version, partner.name) for version in versions):
            return OWN
        on = kept.at.astimezone(PACIFIC).date()
        named = (found for version in versions for found in parties(version, on=on))
        if ground := self._ground(partner, named):
            return ground
        member = next(filter(None, map(self._member, versions)), None)
        if member is None:
            return DIRECTORY if kept.type in _NOBODYS else NO_STANDING
        return self._ground(partner, self._of_record(member)) or NO_STANDING

    def is_party(self, partner: Subscriber, resource: Json) -> bool:
        """Whether the resource itself names one of the partner's organizations."""
        today = self.now.astimezone(PACIFIC).date()
        return self._ground(partner, parties(resource, on=today)) is not None

    def newly(self, partner: Subscriber, member: str, *, before: dict[str, Json | None]) -> bool:
        """Whether a partner serves or insures a member now and had no standing before this transaction.

        Who only refers is not told what was before. `before` holds the earlier version (None: there was none) of each
        resource that the transaction changed.
        """
        serving = (one for one in self._of_record(member) if not one[0].endswith(".requester"))
        if partner.everyone or not self._ground(partner, serving):
            return False
        earlier = []
        for one in self._record(member):
            was = before.get(one.reference, content(one))
            if was is not None:
                earlier.append(was)
        return not self._ground(partner, self._named(earlier))

    def current(self, partner: Subscriber, member: str) -> Iterator[Kept]:
        """What is kept of a member's record of the types that a partner is told of."""
        for type in sorted(partner.types):
            if type == "Patient":
                target = relative(member)
                patient = self.memory.read(*target) if target else None
                yield from [patient] if patient and not patient.deleted else []
            elif type in _ABOUT:
                yield from self._found(type, member)

    def _versions(self, kept: Kept) -> Iterator[Kept]:
        """This version, as far as it says anything, and the one before it."""
        if not kept.deleted:
            yield kept
        before = self.memory.read(kept.type, kept.id, kept.version - 1) if kept.version > 1 else None
        if before is not None and not before.deleted:
            yield before

    def _member(self, resource: Json) -> str | None:
        if resource.get("resourceType") != "Provenance":
            return member_in(resource)
        for one in resource.get("target", ()):
            target = relative(one.get("reference", ""))
            kept = self.memory.read(*target) if target else None
            if kept is not None and not kept.deleted and (member := member_in(content(kept))):
                return member
        return None

    def _of_record(self, member: str) -> Iterator[tuple[str, Json]]:
        return self._named(content(kept) for kept in self._record(member))

    def _named(self, record: Iterator[Json] | list[Json]) -> Iterator[tuple[str, Json]]:
        today = self.now.astimezone(PACIFIC).date()
        return (found for one in record if gives_standing(one, on=today) for found in parties(one, on=today))

    def _record(self, member: str) -> list[Kept]:
        if member not in self._records:
            self._records[member] = [one for type in RECORD for one in self._found(type, member)]
        return self._records[member]

    def _found(self, type: str, member: str) -> Iterator[Kept]:
        target = normal(member)
        if target is None:
            return
        where: tuple[Condition, ...] = (Is("patient", (Target((target,)),)),)
        query = Query(type, where, count=MAX_COUNT)
        while True:
            page = self.memory.search(query)
            yield from page.matches
            if page.next is None:
                return
            query = replace(query, page=page.next)

    def _ground(self, partner: Subscriber, named: Iterator[tuple[str, Json]]) -> Decision | None:
        """The first element that names one of the partner's organizations."""
        for element, reference in named:
            if partner.organizations & self._identities(reference):
                return Decision(True, f"standing: {element}")
        return None

    def _identities(self, reference: Json, *, depth: int = 3) -> frozenset[str]:
        """All by which a party is known: its reference, its identifiers, and those of what it is part of."""
        found = _identifiers([reference.get("identifier")])
        text = normal(str(reference.get("reference", "#")))
        if text is None:
            return frozenset(found)
        if text not in self._known:
            target = relative(text)
            kept = self.memory.read(*target) if target and depth else None
            self._known[text] = frozenset([text, *(self._inside(kept, depth) if kept and not kept.deleted else ())])
        return self._known[text] | found

    def _inside(self, kept: Kept, depth: int) -> Iterator[str]:
        resource = content(kept)
        if kept.type in ("Organization", "Practitioner"):
            yield from _identifiers(resource.get("identifier", ()))
        for name in _INWARDS.get(kept.type, ()):
            value = resource.get(name)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    yield from self._identities(one, depth=depth - 1)


def _identifiers(listed: object) -> set[str]:
    found = listed if isinstance(listed, list | tuple) else []
    whole = (one for one in found if isinstance(one, dict) and {"system", "value"} <= one.keys())
    return {f"{one['system']}|{one['value']}" for one in whole}
