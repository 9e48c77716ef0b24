"""The judges of crashes within one act: a referral received, a delivery under way, a worker paused. Pure, and tested.

Promises: what was answered or committed is there; a crash leaves all of a referral (resources, pointers, index, audit,
messages) or nothing of it; sent again it is one referral; a partner sees one effect a change; a worker that was
overtaken settles nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Place = tuple[str, int]
"""Reference without version, version."""


@dataclass(frozen=True)
class Snapshot:
    """What a database holds at one moment."""

    versions: frozenset[Place]
    pointers: frozenset[Place]
    indexed: Mapping[str, int]
    """Reference -> number of index entries."""
    audited: Mapping[frozenset[str], int]
    """The versions that one audit row of a referral names -> how many such rows."""
    owed: Mapping[tuple[str, str, int], int]
    """Partner, reference, version -> how many messages."""
    broken_audit: Sequence[int] = ()

    def parts(self, before: Snapshot) -> dict[str, Counter[Any]]:
        """What has come since `before`, by kind."""
        return {
            "versions": Counter(self.versions - before.versions),
            "pointers": Counter(self.pointers - before.pointers),
            "index entries": Counter(dict(self.indexed.items() - before.indexed.items())),
            "messages": Counter(self.owed) - Counter(before.owed),
        }


@dataclass(frozen=True)
class Crash:
    """One referral, its server killed at `step`, and then sent again until it was answered."""

    step: str
    committed: bool
    """Whether the step lies behind the commit."""
    died: bool
    first: int | None
    """Status of the answer to the first sending; None: there was none."""
    again: int
    """Status of the answer to the last sending."""
    before: Snapshot
    between: Snapshot
    """After the crash, before it was sent again."""
    after: Snapshot
    resources: frozenset[str] = frozenset()
    """The versions that the last answer names."""
    updates: bool = False
    """Whether it makes new versions of what was there: then one of each, else all that is new is a first version."""


@dataclass
class Findings:
    """What a judge found: every list must be empty."""

    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not (self.lost or self.half or self.twice or self.other)

    @property
    def problems(self) -> list[str]:
        return [*self.lost, *self.half, *self.twice, *self.other]

    def report(self) -> str:
        told = "".join(f"{name} {number}, " for name, number in self.counts.items())
        return (
            f"{told}lost {len(self.lost)}, half-written {len(self.half)}, twice {len(self.twice)},"
            f" otherwise wrong {len(self.other)}"
        )


def judge_received(crashes: Iterable[Crash]) -> Findings:
    """Hold what each crash left, and what sending again made of it, against the whole of that referral."""
    found = Findings(counts={"crashes": 0, "kept at the crash": 0})
    for crash in crashes:
        found.counts["crashes"] += 1
        _received(crash, found)
    return found


def _received(crash: Crash, found: Findings) -> None:
    left, whole = crash.between.parts(crash.before), crash.after.parts(crash.before)
    there = [kind for kind, some in left.items() if some]
    if crash.between.audited != crash.before.audited:
        there.append("audit rows")
    if not crash.died:
        found.other.append(f"{crash.step}: was not passed")
    if crash.again not in (200, 201):
        found.other.append(f"{crash.step}: sent again it was answered {crash.again}")
    if there:
        _audit(crash, crash.between, found, rows=1)
    if there and left != whole:
        torn = [kind for kind in whole if left[kind] != whole[kind]]
        found.half.append(f"{crash.step}: the crash left {', '.join(there)}; {', '.join(torn)} are not whole")
    if not there and (crash.committed or crash.first is not None):
        found.lost.append(f"{crash.step}: {'committed' if crash.committed else 'answered'} and not there")
    found.counts["kept at the crash"] += bool(there)
    _whole(crash, whole, found)


def _whole(crash: Crash, whole: Mapping[str, Counter[Any]], found: Findings) -> None:
    """Once sent again, there is exactly one of everything, and all that was answered."""
    if not all(whole.values()):
        missing = [kind for kind, some in whole.items() if not some]
        found.lost.append(f"{crash.step}: sent again, there are no {', '.join(missing)}")
    names = {f"{reference}/_history/{version}" for reference, version in crash.after.versions}
    if lost := crash.resources - names:
        found.lost.append(f"{crash.step}: {len(lost)} of what was answered are not there")
    _audit(crash, crash.after, found, rows=2 if crash.between.versions != crash.before.versions else 1)
    new = crash.after.versions - crash.before.versions
    times = Counter(reference for reference, _ in new)
    doubled = [
        *(f"version of {one}" for one, v in new if (times[one] > 1 if crash.updates else v > 1)),
        *(f"message of {reference}" for (_, reference, _), n in crash.after.owed.items() if n > 1),
    ]
    found.twice += [f"{crash.step}: a second {one}" for one in doubled]


def _audit(crash: Crash, then: Snapshot, found: Findings, *, rows: int) -> None:
    """One row names all that was written; sending again what is here may be one more, on what its answer showed."""
    new = Counter(then.audited) - Counter(crash.before.audited)
    come = then.versions - crash.before.versions
    versions = frozenset(f"{reference}/_history/{version}" for reference, version in come)
    if new[versions] < 1 or any(not row <= versions for row in new):
        found.half.append(f"{crash.step}: the audit names other versions than there are")
    if new.total() > rows:
        found.twice.append(f"{crash.step}: {new.total()} audit rows for {rows} sendings that were taken")
    if then.broken_audit:
        found.half.append(f"{crash.step}: the audit chain is broken")


@dataclass(frozen=True)
class Kept:
    """One row of the inbox: what was sent, as a hash, how it stands, and how often the audit says that it was kept."""

    body: str
    state: str
    audited: int


@dataclass(frozen=True)
class HookCrash:
    """One signed webhook, its server killed at `step`, and then sent again until it was answered."""

    step: str
    committed: bool
    died: bool
    first: int | None
    again: int
    said: str
    """`kept` or `known`: what the last answer said."""
    sent: str
    """What was sent, as a hash."""
    between: Sequence[Kept]
    after: Sequence[Kept]


def judge_kept(crashes: Iterable[HookCrash]) -> Findings:
    """Whether each webhook is there, whole and once: as soon as it was answered, and after it was sent again."""
    found = Findings(counts={"crashes": 0, "kept at the crash": 0})
    for crash in crashes:
        found.counts["crashes"] += 1
        found.counts["kept at the crash"] += bool(crash.between)
        if not crash.died:
            found.other.append(f"{crash.step}: was not passed")
        if (crash.committed or crash.first == 200) and not crash.between:
            found.lost.append(f"{crash.step}: {'committed' if crash.committed else 'answered'} and not there")
        if crash.again != 200 or crash.said != ("known" if crash.between else "kept"):
            found.other.append(f"{crash.step}: sent again it was answered {crash.again} {crash.said}")
        if not crash.after:
            found.lost.append(f"{crash.step}: answered and not there")
        if len(crash.after) > 1:
            found.twice.append(f"{crash.step}: kept {len(crash.after)} times")
        for row in {*crash.between, *crash.after}:
            if row.body != crash.sent or row.audited != 1:
                found.half.append(f"{crash.step}: not as it was sent, or audited {row.audited} times")
    return found


@dataclass(frozen=True)
class Told:
    """One line of a worker's log: how its attempt at a delivery ended. `attempt` tells claims of one delivery apart."""

    worker: str
    delivery: str
    attempt: int
    ending: str


def judge_paused(told: Sequence[Told], attempts: Mapping[str, int], *, paused: str) -> Findings:
    """Whether a worker that was paused and overtaken settled anything. `attempts`: the last claim of each delivery."""
    found = Findings()
    late = [one for one in told if one.worker == paused and one.attempt < attempts[one.delivery]]
    refused = [one for one in late if one.ending == "stale"]
    found.counts = {"overtaken while paused": len(late), "refused": len(refused)}
    found.twice += [f"{one.delivery}: believed as {one.ending}" for one in late if one.ending != "stale"]
    settled = Counter(one.delivery for one in told if one.ending == "delivered")
    found.twice += [f"{delivery}: settled {times} times" for delivery, times in settled.items() if times > 1]
    found.lost += [f"{delivery}: nobody settled it" for delivery in attempts if not settled[delivery]]
    if not late:
        found.other.append("nothing was overtaken: nothing is shown")
    return found


class History(Protocol):
    """What bench.torture_deliver_check.judge found."""

    not_accounted: list[str]
    not_arrived: list[str]
    twice: list[str]
    backwards: list[str]


def judge_crashed_deliveries(
    died: Mapping[str, bool], history: History, *, sent: Iterable[str], owed: Iterable[str]
) -> Findings:
    """Whether each change had one effect, in order, although workers died. `sent`: delivery ids that partners saw."""
    ids = Counter(sent)
    known = set(owed)
    found = Findings(lost=[*history.not_accounted, *history.not_arrived], twice=[*history.twice, *history.backwards])
    found.counts = {"crashes": sum(died.values()), "deliveries": len(known), "repeated": ids.total() - len(ids)}
    found.other += [f"{step}: was not passed" for step, dead in died.items() if not dead]
    found.other += [f"{one}: sent and never owed" for one in ids if one not in known]
    return found
