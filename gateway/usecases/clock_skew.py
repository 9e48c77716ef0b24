"""Clocks of others: what they date in our future is refused, or all that is true later would be stale."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.errors import Issue, Unprocessable
from gateway.mapping import loop
from gateway.ports import Json

SKEW = timedelta(minutes=10)
"""How far a sender's clock may be ahead of ours."""


def require_past(at: datetime, *, now: datetime, place: str, what: str) -> None:
    """Raise Unprocessable for what is dated further ahead than clocks may differ."""
    if at > now + SKEW:
        issue = Issue("error", "business-rule", f"{what} is dated in the future.", place, "change-time-future")
        raise Unprocessable(issues=[issue])


def require_task_past(task: Json, *, before: Json | None, now: datetime) -> None:
    """The same for a referral's Task as it was written: when it was modified, unless that is what was kept before."""
    if not loop.is_referral_task(task):
        return
    since = loop.since_of(task)
    if since is not None and (before is None or task["lastModified"] != before.get("lastModified")):
        require_past(since, now=now, place="Task.lastModified", what="The Task's last change")
