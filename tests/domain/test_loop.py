"""The referral's moves: a whole decision table, and the races the guide leaves open."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations, product

import pytest

from gateway.domain.loop import CLOSED, Loop, Party, TaskStatus, allowed, check_move, hear
from gateway.errors import IllegalMove

AT = datetime.fromisoformat("2026-03-02T09:30:00-08:00")
LATER = AT + timedelta(hours=1)

TABLE = """
draft       requester: requested cancelled entered-in-error
draft       target:
requested   requester: cancelled entered-in-error
requested   target:    accepted rejected cancelled
accepted    requester: cancelled entered-in-error
accepted    target:    in-progress on-hold cancelled completed failed
in-progress requester: cancelled entered-in-error
in-progress target:    on-hold completed failed cancelled
on-hold     requester: cancelled entered-in-error
on-hold     target:    in-progress completed failed cancelled
rejected    requester: entered-in-error
completed   requester: entered-in-error
failed      requester: entered-in-error
cancelled   requester: entered-in-error
"""
OPEN = {
    (words[0], words[1].rstrip(":")): set(words[2:]) for line in TABLE.strip().splitlines() if (words := line.split())
}


@pytest.mark.parametrize(("status", "party", "to"), list(product(TaskStatus, Party, TaskStatus)))
def test_every_move_is_decided_as_the_table_says(status: TaskStatus, party: Party, to: TaskStatus) -> None:
    issues = check_move(Loop(status, since=AT), to, party=party, at=LATER, reason="because")
    if to in OPEN.get((status, party), set()):
        assert issues == []
    else:
        assert [issue.rule for issue in issues] == ["loop-move"]
        for option in allowed(status, party):
            assert option in issues[0].message


def test_every_fault_of_a_move_is_named_at_once() -> None:
    draft = Loop(TaskStatus.DRAFT, since=LATER)
    issues = check_move(draft, TaskStatus.REJECTED, party=Party.TARGET, at=AT, reason=None)
    assert [issue.rule for issue in issues] == ["loop-move", "loop-reason", "loop-time"]


@pytest.mark.parametrize("to", ["rejected", "cancelled", "on-hold", "failed"])
def test_an_ending_without_its_reason_is_refused(to: str) -> None:
    status = TaskStatus.REQUESTED if to == "rejected" else TaskStatus.ACCEPTED
    issues = check_move(Loop(status, since=AT), TaskStatus(to), party=Party.TARGET, at=LATER, reason="  ")
    assert [issue.rule for issue in issues] == ["loop-reason"]


def test_races_end_in_the_move_that_was_kept_first() -> None:
    cancel, complete = (TaskStatus.CANCELLED, Party.REQUESTER), (TaskStatus.COMPLETED, Party.TARGET)
    for moves in permutations([cancel, complete, (TaskStatus.CANCELLED, Party.TARGET)]):
        loop = Loop(TaskStatus.IN_PROGRESS, since=AT)
        for to, party in moves:
            try:
                loop, _ = hear(loop, to, party=party, at=LATER, reason="moved away")
            except IllegalMove:
                assert loop.is_closed
        assert loop.status is moves[0][0]
        assert loop.status in CLOSED
