"""The closed-loop referral as the state counts it: Referral Status and Reason for Referral Loop Closure.

DHCS Closed-Loop Referral Implementation Guidance, in force since 1 July 2025. Values are data, dated and per plan
(mappings/closed-loop/): a row without a plan holds for all, a plan's own rows come before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway.domain.loop import TaskStatus
from gateway.errors import IllegalMove, Issue, Unmappable


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """From when until when a row holds, and for which plan (None: all)."""

    since: date
    until: date | None = None
    plan: str | None = None

    def holds(self, on: date, plan: str | None) -> bool:
        return self.since <= on and (self.until is None or on <= self.until) and self.plan in (None, plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow(InForce):
    """A Task status is reported as this Referral Status."""

    code: str
    task_status: TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRow(InForce):
    """A closure reason, the statuses of Task and ServiceRequest it leads to, and whether it needs a text."""

    code: str
    task_status: TaskStatus
    request_status: str
    text_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(InForce):
    """For how many days an open loop of a service (`*`: any) takes further referrals of the member in."""

    service: str
    days: int


class ClosedLoop:
    """Reads the loop's state into the state's own codes and back."""

    def __init__(self, statuses: Iterable[StatusRow], closures: Iterable[ClosureRow]) -> None:
        self._statuses = sorted(statuses, key=lambda row: row.plan is None)
        self._closures = sorted(closures, key=lambda row: row.plan is None)

    @property
    def closure_codes(self) -> set[str]:
        """Every closure reason that any row names."""
        return {row.code for row in self._closures}

    def status_of(self, task_status: TaskStatus, *, on: date, plan: str | None = None) -> str:
        """The Referral Status that a Task status is reported as on a day."""
        for row in self._statuses:
            if row.task_status is task_status and row.holds(on, plan):
                return row.code
        raise _unknown(
            "referral-status", f"Task status {task_status} is not reported as a Referral Status on that day."
        )

    def task_statuses_of(self, code: str, *, on: date, plan: str | None = None) -> tuple[TaskStatus, ...]:
        """The Task statuses that a reported Referral Status can mean; which, for a closed loop, its reason says."""
        found = tuple(row.task_status for row in self._statuses if row.code == code and row.holds(on, plan))
        if not found:
            raise _unknown("referral-status", "This Referral Status is not one the plan uses on that day.")
        return found

    def closure(self, code: str, *, on: date, plan: str | None = None, text: str | None = None) -> ClosureRow:
        """What a Reason for Referral Loop Closure leads to."""
        for row in self._closures:
            if row.code == code and row.holds(on, plan):
                if row.text_due and not (text and text.strip()):
                    raise _unknown("loop-closure-text", "This Reason for Referral Loop Closure needs a text beside it.")
                return row
        raise _unknown("loop-closure-reason", "This Reason for Referral Loop Closure is not one the plan uses then.")


def _unknown(rule: str, message: str) -> Unmappable:
    return Unmappable(issues=[Issue("error", "code-invalid", message, rule=rule)])


@dataclass(frozen=True, slots=True)
class LifeCycleState:
    """A state of ECM for one member, what it means for Task and ServiceRequest, and which states may follow."""

    name: str
    task_status: TaskStatus
    request_status: str
    next: frozenset[str]


class LifeCycle:
    """The states of ECM from referral to discontinuation."""

    def __init__(self, states: Iterable[LifeCycleState]) -> None:
        self.states = {state.name: state for state in states}

    def undefined(self) -> set[str]:
        """States that a row's `next` names and that have no row."""
        return {name for state in self.states.values() for name in state.next} - self.states.keys()

    def reach(self, present: str, following: str) -> LifeCycleState:
        """The state `following`, if `present` leads there, perhaps through others that nobody told us of."""
        if self.leads(present, following):
            return self.states[following]
        return self.follow(present, following)

    def leads(self, present: str, following: str) -> bool:
        """Whether states lead from `present` to `following`."""
        seen: set[str] = set()
        ahead = {present}
        while ahead:
            ahead = {name for one in ahead for name in self.states[one].next} - seen
            seen |= ahead
        return following in seen

    def follow(self, present: str, following: str) -> LifeCycleState:
        """The state `following`, if it may follow `present`; IllegalMove names those that may."""
        open_ = self.states[present].next
        if following not in open_:
            raise IllegalMove(
                issues=[
                    Issue(
                        "error",
                        "business-rule",
                        f"From {present} the states that may follow are: {', '.join(sorted(open_)) or 'none'}.",
                        rule="life-cycle",
                    )
                ]
            )
        return self.states[following]
