"""What is due when, by the shipped tables; and a bad table names its file and row."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.clocks import next_action
from gateway.errors import BadTable
from gateway.mapping import clocks
from gateway.shipped import folder

CALENDAR = clocks.load_calendar(folder("mappings"))
RULES = {rule.id: rule for rule in clocks.load_rules(folder("mappings"))}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("clock", "started", "due"),
    [
        ("T1", "2026-03-26T16:00:00-07:00", "2026-04-03T23:59:59-07:00"),  # over a weekend and 31 March
        ("T1", "2026-11-24T23:30:00-08:00", "2026-12-03T23:59:59-08:00"),  # over Thanksgiving and the day after
        ("T1", "2026-03-03T07:30:00+00:00", "2026-03-09T23:59:59-07:00"),  # late evening of 2 March in California
        ("T2", "2026-03-07T10:00:00-08:00", "2026-03-10T11:00:00-07:00"),  # 72 hours over the change of clocks
        ("T3", "2026-01-31T09:00:00-08:00", "2026-03-02T09:00:00-08:00"),
        ("T7", "2024-02-29T09:00:00-08:00", "2025-02-28T09:00:00-08:00"),
        ("T8", "2026-08-31T09:00:00-07:00", "2027-02-28T09:00:00-08:00"),
    ],
)
def test_due(clock: str, started: str, due: str) -> None:
    assert RULES[clock].due(at(started), calendar=CALENDAR) == at(due)


def test_hours_are_hours_in_whatever_zone_the_start_is_told() -> None:
    started = datetime(2026, 3, 7, 10, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert RULES["T2"].due(started, calendar=CALENDAR) == at("2026-03-10T11:00:00-07:00")


def test_the_earliest_running_clock_is_the_next_action() -> None:
    received = ("referral-received", at("2026-03-02T09:30:00-08:00"))
    routine = next_action([received], rules=RULES.values(), calendar=CALENDAR, kinds={"routine"})
    urgent = next_action([received], rules=RULES.values(), calendar=CALENDAR, kinds={"urgent"})
    assert routine is not None
    assert urgent is not None
    assert (routine.clock, urgent.clock, routine.who) == ("T1", "T2", "plan")
    assert urgent.is_overdue(at("2026-03-05T09:30:01-08:00"))
    assert not urgent.is_overdue(urgent.due)
    decided = ("authorization-decided", at("2026-03-03T09:30:00-08:00"))
    assert next_action([received, decided], rules=RULES.values(), calendar=CALENDAR, kinds={"urgent"}) is None


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("clocks.csv", "T99,a,b,many,day,,plan,x"),
        ("clocks.csv", "T99,a,b,1,fortnight,,plan,x"),
        ("clocks.csv", "T99,a,b,1,day,,plan,"),
        ("clocks.csv", "T1,a,b,1,day,,plan,x"),
        ("california-state-holidays.csv", "Picnic,99-99,,,no,x"),
        ("california-state-holidays.csv", "Picnic,01-09,,,perhaps,x"),
    ],
)
def test_a_bad_table_is_refused_by_file(tmp_path: Path, file: str, row: str) -> None:
    shutil.copytree(folder("mappings") / "clocks", tmp_path / "clocks")
    with (tmp_path / "clocks" / file).open("a") as table:
        table.write(row + "\n")
    with pytest.raises(BadTable, match=file):
        clocks.load_rules(tmp_path), clocks.load_calendar(tmp_path)
