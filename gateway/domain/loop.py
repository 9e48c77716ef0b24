"""The life of one referral loop: which party may move the Task from which status to which, and when a reason is due.

The moves are those of Gravity SDOH Clinical Care 3.0.0, "Referral Workflow" (ReferralTaskStateDiagram): the requester
owns the order, the target the work. What the guide leaves open is decided here:

- A closed loop never reopens; only `entered-in-error`, by the requester, is still possible. A new referral is started.
- The same move twice is one move: a second party that also cancels changes nothing and is told so (`Moved.changed`).
- Cancel against complete: the move that is kept first wins; the other is refused and named what was reached. Both
  write against the version they saw, so neither can overwrite the other unseen.
- Time does not run backwards: a move dated before the present status is refused.
- News may skip steps (`hear`): who tells us monthly that the services were received has accepted meanwhile. Older news
  that arrives late changes nothing, but for a withdrawal by the requester: that holds whenever the loop is still open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway.errors import IllegalMove, Issue


class TaskStatus(StrEnum):
    """Task.status, as far as a referral uses it (no `ready`, no `received`)."""

    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


class Party(StrEnum):
    """Which side of the loop makes a move."""

    REQUESTER = "requester"
    TARGET = "target"


S = TaskStatus
CLOSED = frozenset({S.REJECTED, S.COMPLETED, S.FAILED, S.CANCELLED, S.ENTERED_IN_ERROR})
OPEN = frozenset(S) - CLOSED - {S.DRAFT}
"""Sent and not closed: a draft is its requester's alone, and nobody answers to it."""
REASON_DUE = frozenset({S.REJECTED, S.CANCELLED, S.ON_HOLD, S.FAILED})
_BOTH = frozenset(Party)
_REQUESTER = frozenset({Party.REQUESTER})
_TARGET = frozenset({Party.TARGET})

MOVES: dict[TaskStatus, dict[TaskStatus, frozenset[Party]]] = {
    S.DRAFT: {S.REQUESTED: _REQUESTER, S.CANCELLED: _REQUESTER},
    S.REQUESTED: {S.ACCEPTED: _TARGET, S.REJECTED: _TARGET, S.CANCELLED: _BOTH},
    S.ACCEPTED: {
        S.IN_PROGRESS: _TARGET,
        S.ON_HOLD: _TARGET,
        S.CANCELLED: _BOTH,
        S.COMPLETED: _TARGET,
        S.FAILED: _TARGET,
    },
    S.IN_PROGRESS: {S.ON_HOLD: _TARGET, S.COMPLETED: _TARGET, S.FAILED: _TARGET, S.CANCELLED: _BOTH},
    S.ON_HOLD: {S.IN_PROGRESS: _TARGET, S.COMPLETED: _TARGET, S.FAILED: _TARGET, S.CANCELLED: _BOTH},
}
"""From a status to the statuses that may follow, with the parties that may set them."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Where a referral's conversation stands: its status, since when, and why (a text; due for some statuses)."""

    status: TaskStatus
    since: datetime
    reason: str | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED


def allowed(status: TaskStatus, party: Party) -> tuple[TaskStatus, ...]:
    """The statuses that `party` may set from `status`, in the order of the guide's table."""
    following = [to for to, parties in MOVES.get(status, {}).items() if party in parties]
    if party is Party.REQUESTER and status is not S.ENTERED_IN_ERROR:
        following.append(S.ENTERED_IN_ERROR)
    return tuple(following)


class Heard(StrEnum):
    """What became of a piece of news."""

    MOVED = "moved"
    SAME = "same"
    STALE = "stale"


def hear(loop: Loop, to: TaskStatus, *, party: Party, at: datetime, reason: str | None = None) -> tuple[Loop, Heard]:
    """The loop after news that a party moved to `to` at `at`; IllegalMove where no moves of the two lead there.

    Whatever the order in which the news of one course of events arrives, the loop ends where the newest says.
    """
    if loop.is_closed and to is loop.status:
        return loop, Heard.SAME
    withdrawn = party is Party.REQUESTER and to in (S.CANCELLED, S.ENTERED_IN_ERROR) and not loop.is_closed
    if at < loop.since and not withdrawn and to is not S.ENTERED_IN_ERROR:
        return loop, Heard.STALE
    if to is loop.status:
        newer = at > loop.since or (reason or loop.reason) != loop.reason
        return (replace(loop, since=at, reason=reason or loop.reason), Heard.MOVED) if newer else (loop, Heard.SAME)
    if not _leads(loop.status, to, party):
        if at == loop.since and _leads(to, loop.status, None):
            return loop, Heard.STALE  # of two moves of one day or instant the later one was here first
        raise IllegalMove(issues=check_move(loop, to, party=party, at=None, reason=reason))
    if to in REASON_DUE and not (reason and reason.strip()):
        raise IllegalMove(issues=[_reason_due(to)])
    return Loop(to, max(at, loop.since), reason), Heard.MOVED


def _leads(status: TaskStatus, to: TaskStatus, party: Party | None) -> bool:
    """Whether moves of the two parties lead from `status` to `to`, the last of them open to `party` (None: either)."""
    passed, ahead = {status}, [status]
    while ahead:
        here = ahead.pop()
        parties = Party if party is None else (party,)
        if any(to in allowed(here, one) for one in parties):
            return True
        beyond = [one for one in MOVES.get(here, {}) if one not in passed]
        passed.update(beyond)
        ahead += beyond
    return False


def check_move(
    loop: Loop, to: TaskStatus, *, party: Party | None, at: datetime | None, reason: str | None
) -> list[Issue]:
    """Every reason why not. `party` None: open to either is enough; `at` None: when it was made is not said."""
    issues: list[Issue] = []
    parties = Party if party is None else (party,)
    options = list(dict.fromkeys(option for one in parties for option in allowed(loop.status, one)))
    if to not in options:
        listed = ", ".join(options) or "none"
        state = "The loop is closed" if loop.is_closed else "This move is not open"
        who = f"the {party}" if party else "a party"
        issues.append(_issue("loop-move", f"{state}: from {loop.status} {who} may move to: {listed}.", "Task.status"))
    if to in REASON_DUE and not (reason and reason.strip()):
        issues.append(_reason_due(to))
    if at is not None and at < loop.since:
        issues.append(_issue("loop-time", "The move is dated before the present status was set.", "Task.lastModified"))
    return issues


def _reason_due(to: TaskStatus) -> Issue:
    return _issue("loop-reason", f"{to} needs a reason: give it as text.", "Task.statusReason.text")


def _issue(rule: str, message: str, expression: str) -> Issue:
    return Issue("error", "business-rule", message, expression=expression, rule=rule)
