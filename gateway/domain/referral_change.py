"""News of a referral: one thing that happened to it, told by one of its two parties in words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from gateway.domain import values
from gateway.domain.dates import PACIFIC
from gateway.domain.loop import Party, TaskStatus
from gateway.domain.member import Organization, Professional
from gateway.domain.referral import Key
from gateway.domain.rules import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralChange:
    """One piece of news of one referral.

    Exactly one of `referral`, `service_request`, `task` and `cin` says which referral. At most one of `status`,
    `referral_status`, `state` and `word` says where it stands; none, if ECM has ended (`discontinuation`) or only who
    serves the member has changed (`provider`, `lead`). Exactly one of `at` and `on` says since when.
    """

    key: Key
    """Names this piece of news: the same key twice is the same news."""
    party: Party
    """Which side made the move."""
    referral: Key | None = None
    """The key of the referral, as its sender gave it."""
    service_request: values.Token | None = None
    """The id of the ServiceRequest here."""
    task: values.Token | None = None
    """The id of the Task here."""
    cin: values.Cin | None = None
    """The member, if there is one open referral for the service."""
    service: values.CommunitySupport | None = None
    """With `cin`: the Community Support; absent, Enhanced Care Management."""
    plan: values.PlanCode | None = None
    """The plan whose tables hold: status codes and closure reasons differ by plan and date."""
    at: datetime | None = None
    on: date | None = None
    """The day, where the time of day is not known."""
    status: TaskStatus | None = None
    referral_status: values.ReferralStatus | None = None
    """Referral Status of the closed-loop guidance."""
    closure_reason: values.ClosureReason | None = None
    """Reason for Referral Loop Closure; due where the loop is said to be closed."""
    state: values.LifeCycleState | None = None
    """State of Enhanced Care Management, from referred to discontinued."""
    word: values.Text | None = None
    """The sender's own word, read by the loop-status table of the partner that the key's source names."""
    discontinuation: values.DiscontinuationReason | None = None
    """Why ECM ended, by the plan's numbers; beside a status only where that ends the loop."""
    reason: values.Text | None = None
    """Why, in words."""
    provider: Organization | None = None
    """The ECM provider (or Community Supports provider) that serves the member from now on."""
    lead: Professional | None = None
    """The Lead Care Manager from now on."""

    @property
    def since(self) -> datetime:
        """When it happened; a day begins at its midnight in California."""
        if self.at is not None:
            return self.at
        assert self.on is not None
        return datetime.combine(self.on, time.min, PACIFIC)


NAMES = ("referral", "service_request", "task", "cin")
SAYINGS = ("status", "referral_status", "state", "word")


def of_referral_change(change: ReferralChange, today: date) -> Iterator[Finding]:
    """One referral, at most one saying, one time that is not in the future."""
    if len(_given(change, NAMES)) != 1:
        yield _wrong("referral", "change-referral", f"must be named by exactly one of {', '.join(NAMES)}")
    said = _given(change, SAYINGS)
    if len(said) > 1:
        yield _wrong(said[1], "change-one-saying", f"is one too many: give one of {', '.join(SAYINGS)}")
    if not said and not (change.discontinuation or change.provider or change.lead):
        others = "discontinuation, provider or lead"
        yield _wrong("status", "change-says-nothing", f"is missing: give one of {', '.join(SAYINGS)}, {others}")
    if change.closure_reason and not (change.referral_status or change.status):
        yield _wrong("closure_reason", "change-closure", "goes with referral_status or status only")
    if (change.at is None) == (change.on is None):
        yield _wrong("at", "change-time", "must be given, or `on` for a whole day: exactly one of them")
    elif change.since.astimezone(PACIFIC).date() > today:
        yield _wrong("at" if change.at else "on", "change-time-future", "is after today")


def _given(change: ReferralChange, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(change, name) is not None]


def _wrong(path: str, rule: str, message: str) -> Finding:
    return Finding("error", path, rule, message)
