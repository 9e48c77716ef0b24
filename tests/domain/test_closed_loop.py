"""The state's closed-loop codes, both ways, by the shipped tables."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

from gateway.domain.closed_loop import ClosedLoop, StatusRow
from gateway.domain.loop import CLOSED, TaskStatus
from gateway.errors import BadTable, IllegalMove, Unmappable
from gateway.fhir import codec
from gateway.mapping import closed_loop
from gateway.shipped import folder

LOOP = closed_loop.load(folder("mappings"))
LIFE = closed_loop.load_life_cycle(folder("mappings"))
ON = date(2026, 3, 2)


def codes(name: str) -> set[str]:
    system = codec.read((folder("profiles") / "ecm" / f"CodeSystem-{name}.json").read_bytes())
    return {concept["code"] for concept in system["concept"]}


@pytest.mark.parametrize("status", set(TaskStatus) - {TaskStatus.ENTERED_IN_ERROR})
def test_every_task_status_is_reported_and_leads_back(status: TaskStatus) -> None:
    code = LOOP.status_of(status, on=ON)
    assert status in LOOP.task_statuses_of(code, on=ON)
    assert code in codes("ecm-referral-status")


def test_a_mistake_is_not_reported() -> None:
    with pytest.raises(Unmappable):
        LOOP.status_of(TaskStatus.ENTERED_IN_ERROR, on=ON)


def test_nothing_is_reported_before_the_rule_was_in_force() -> None:
    with pytest.raises(Unmappable):
        LOOP.status_of(TaskStatus.ACCEPTED, on=date(2025, 6, 30))


def test_every_closure_reason_of_the_code_system_ends_the_loop() -> None:
    for code in codes("ecm-loop-closure-reason"):
        assert LOOP.closure(code, on=ON, text="by phone").task_status in CLOSED


def test_other_needs_a_text_and_an_unknown_reason_is_refused() -> None:
    for code, rule in (("other", "loop-closure-text"), ("weather", "loop-closure-reason")):
        with pytest.raises(Unmappable) as caught:
            LOOP.closure(code, on=ON, text=" ")
        assert caught.value.issues[0].rule == rule


def test_a_plans_own_row_comes_before_that_for_all() -> None:
    row = {"since": date(2025, 7, 1), "task_status": TaskStatus.ON_HOLD}
    loop = ClosedLoop([StatusRow(code="accepted", **row), StatusRow(code="paused", plan="alder", **row)], [])
    assert loop.status_of(TaskStatus.ON_HOLD, on=ON, plan="alder") == "paused"
    assert loop.status_of(TaskStatus.ON_HOLD, on=ON, plan="birch") == "accepted"


def test_the_life_cycle_names_what_may_follow() -> None:
    assert LIFE.follow("referred", "screened").task_status is TaskStatus.REQUESTED
    with pytest.raises(IllegalMove, match="screened"):
        LIFE.follow("referred", "enrolled")
    for name, state in LIFE.states.items():
        assert bool(state.next) != (state.task_status in CLOSED), name


@pytest.mark.parametrize(
    ("file", "cell"),
    [("referral-status.csv", "accomplished"), ("closure-reasons.csv", "maybe"), ("life-cycle.csv", "limbo")],
)
def test_a_bad_table_is_refused_by_file(tmp_path: Path, file: str, cell: str) -> None:
    shutil.copytree(folder("mappings") / "closed-loop", tmp_path / "closed-loop")
    path = tmp_path / "closed-loop" / file
    rows = list(csv.reader(path.read_text().splitlines()))
    rows[1][3 if file != "referral-status.csv" else 1] = cell
    path.write_text("\n".join(",".join(f'"{c}"' for c in row) for row in rows))
    with pytest.raises(BadTable, match=file):
        closed_loop.load(tmp_path), closed_loop.load_life_cycle(tmp_path)
