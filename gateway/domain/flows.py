"""Indirect referrals: where the first Task stands when parts of its work were given to others.

Gravity SDOHCC 3.0.0, indirect flow: the platform is the target of Task 1 and the requester of each sub-task.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.loop import CLOSED, TaskStatus

S = TaskStatus
_UNDER_WAY = frozenset({S.IN_PROGRESS, S.ON_HOLD, S.COMPLETED})


def mirrored(parts: Sequence[TaskStatus]) -> TaskStatus | None:
    """The status that sub-tasks of these statuses give the Task they are part of; None: they do not move it.

    Sub-tasks that are all declined or withdrawn leave it as it is: the platform refers anew, or declines itself.
    """
    if not parts:
        return None
    if all(part in CLOSED for part in parts):
        if S.COMPLETED in parts:
            return S.COMPLETED
        return S.FAILED if S.FAILED in parts else None
    if any(part in _UNDER_WAY for part in parts):
        return S.IN_PROGRESS
    return S.ACCEPTED
