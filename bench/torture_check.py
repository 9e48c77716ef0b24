"""The judge of the torture runs: what clients recorded against what the database holds. Pure, and itself tested.

Promises: an acknowledged write is never lost; no write is half applied; nothing appears that nobody asked for; a
delivery may be sent twice but never an older version after a newer one; what was settled stays settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]
"""A line of a ledger: `do` is want, ack, sent or settled; `id`, `version`; ack has `sha`, the last two `delivery`."""


@dataclass(frozen=True)
class Held:
    """What the database holds at the end."""

    versions: Mapping[tuple[str, int], tuple[str, bool]]
    """(id, version) -> sha256 of the body, deleted."""
    pointers: Mapping[str, int]
    entries: Mapping[str, int]
    """Index entries by id."""
    audited: Sequence[tuple[str, int]]
    """One (id, version) for every audit row of a write."""
    owed: Mapping[tuple[str, int], tuple[str, str]]
    """(id, version) -> delivery id, state."""
    broken_audit: Sequence[int] = ()
    entries_each: int = 2
    """Index entries that every live resource has."""


@dataclass
class Verdict:
    """Problems, by kind, and counts for the report."""

    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    acknowledged: int = 0
    unknown: int = 0
    landed: int = 0
    """Writes of unknown outcome that were kept."""
    sent: int = 0
    repeated: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.half or self.strange or self.disorder)

    def report(self) -> str:
        return (
            f"acknowledged {self.acknowledged:,}, lost {len(self.lost)}, half-written {len(self.half)},"
            f" unasked {len(self.strange)}, unknown outcome {self.unknown} (of which kept {self.landed}),"
            f" sent {self.sent:,} (repeated {self.repeated}), older-after-newer or unsettled {len(self.disorder)}"
        )


def judge(ledger: Iterable[Event], held: Held) -> Verdict:
    """Hold the clients' record against the database."""
    events = list(ledger)
    verdict = Verdict()
    wanted = {(e["id"], e["version"]) for e in events if e["do"] == "want"}
    acked = {(e["id"], e["version"]): e["sha"] for e in events if e["do"] == "ack"}
    verdict.acknowledged = len(acked)
    verdict.unknown = len(wanted - acked.keys())
    verdict.landed = sum(name in held.versions for name in wanted - acked.keys())
    for name, sha in acked.items():
        if name not in held.versions:
            verdict.lost.append(f"{name} was acknowledged and is not there")
        elif held.versions[name][0] != sha:
            verdict.lost.append(f"{name} is not what was acknowledged")
    verdict.strange += [f"{name} was never asked for" for name in held.versions if name not in wanted]
    _whole(held, verdict)
    _deliveries(events, held, verdict)
    if held.broken_audit:
        verdict.half.append(f"the audit chain is broken at {list(held.broken_audit)[:5]}")
    return verdict


def _whole(held: Held, verdict: Verdict) -> None:
    """Every version has its forerunner, its audit row and its message; every pointer and index its version."""
    newest: dict[str, int] = {}
    for id, version in held.versions:
        newest[id] = max(version, newest.get(id, 0))
        if version > 1 and (id, version - 1) not in held.versions:
            verdict.half.append(f"{id} has version {version} without the one before")
    for id in newest.keys() | held.pointers.keys():
        if held.pointers.get(id) != newest.get(id):
            verdict.half.append(f"{id} points to {held.pointers.get(id)}, newest is {newest.get(id)}")
            continue
        expected = 0 if held.versions[id, newest[id]][1] else held.entries_each
        if held.entries.get(id, 0) != expected:
            verdict.half.append(f"{id} has {held.entries.get(id, 0)} index entries instead of {expected}")
    verdict.half += [f"{id} has index entries and no resource" for id in held.entries if id not in held.pointers]
    seen: dict[tuple[str, int], int] = {}
    for name in held.audited:
        seen[name] = seen.get(name, 0) + 1
    for name in held.versions.keys() | seen.keys() | held.owed.keys():
        if name not in held.versions or seen.get(name, 0) != 1 or name not in held.owed:
            there = (name in held.versions, seen.get(name, 0), name in held.owed)
            verdict.half.append(f"{name}: version, audit rows, message are {there}")


def _deliveries(events: Sequence[Event], held: Held, verdict: Verdict) -> None:
    newest: dict[str, int] = {}
    seen: set[str] = set()
    states = dict(held.owed.values())
    for event in events:
        if event["do"] == "sent":
            verdict.sent += 1
            verdict.repeated += event["delivery"] in seen
            seen.add(event["delivery"])
            if event["version"] < newest.get(event["id"], 0):
                verdict.disorder.append(f"{event['id']}: {event['version']} sent after {newest[event['id']]}")
            newest[event["id"]] = max(event["version"], newest.get(event["id"], 0))
            if held.owed.get((event["id"], event["version"]), ("", ""))[0] != event["delivery"]:
                verdict.disorder.append(f"{event['delivery']} was sent and never owed")
        elif event["do"] == "settled" and states.get(event["delivery"]) != "delivered":
            verdict.disorder.append(f"{event['delivery']} was settled and is {states.get(event['delivery'])}")
    unsent = {d for d, state in held.owed.values() if state == "delivered"} - seen
    verdict.disorder += [f"{delivery} is delivered and was never sent" for delivery in unsent]
