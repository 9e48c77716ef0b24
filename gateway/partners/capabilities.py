"""What a partner's FHIR server accepts, as data: the vendors' kinds, and what partners.toml says of one server.

As public material of November 2026 shows it (docs/partners.md). Where a resource is not accepted, a document about it
and a message are written instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

WRITES = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class PollRule:
    """How changes of one type are asked for.

    `where` is always asked. `member`: the parameter that names a member; the type is asked once for each member that is
    known there. `range`: `open` asks with `_lastUpdated=ge`, `closed` with ge and le, `none` without (all is compared).
    """

    type: str
    where: tuple[tuple[str, str], ...] = ()
    member: str | None = None
    range: Literal["open", "closed", "none"] = "open"
    count: int = 50


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`accepts`: writes by type, `*` for all others. `find`: how what was created before is found again, by
    `identifier`, or by `member` where a search needs the member (identifiers are then compared here).
    `along`: whether what a resource refers to is written too, where it is accepted."""

    accepts: Mapping[str, frozenset[str]] = field(default_factory=lambda: {"*": frozenset(WRITES)})
    find: Literal["identifier", "member"] = "identifier"
    along: bool = True
    polls: tuple[PollRule, ...] = ()

    def allows(self, type: str, write: str) -> bool:
        return write in self.accepts.get(type, self.accepts.get("*", frozenset()))


_COMMUNITY = (("code", "community-resource"),)
KINDS: Mapping[str, Capabilities] = {
    "epic": Capabilities(  # owns its Tasks: they are searched by code and updated, never created
        accepts={
            "Task": frozenset(["update"]),
            "DocumentReference": frozenset(["create"]),
            "Communication": frozenset(["create"]),
        },
        find="member",
        along=False,
        polls=(PollRule("Task", _COMMUNITY, range="none"),),
    ),
    "oracle": Capabilities(  # no Task at all; every search needs the member, every range both ends
        accepts={"DocumentReference": frozenset(["create", "update"]), "Communication": frozenset(["create"])},
        find="member",
        along=False,
        polls=(PollRule("ServiceRequest", member="patient", range="closed"),),
    ),
}


def of(kind: str, *, accepts: Mapping[str, Any] | None = None, poll: tuple[str, ...] = ()) -> Capabilities:
    """The capabilities of a kind, with what partners.toml says otherwise."""
    known = KINDS.get(kind, Capabilities())
    polls = known.polls or tuple(PollRule(type) for type in poll)
    if accepts is None:
        return Capabilities(known.accepts, known.find, known.along, polls)
    return Capabilities({type: frozenset(writes) for type, writes in accepts.items()}, known.find, known.along, polls)


def wrong_accepts(accepts: Mapping[str, Any]) -> bool:
    """Whether an `accepts` of partners.toml is no table of lists of create, update, delete."""
    return not all(isinstance(writes, list) and set(map(str, writes)) <= set(WRITES) for writes in accepts.values())
