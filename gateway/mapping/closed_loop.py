"""The closed-loop tables of `mappings/closed-loop/`: Referral Status, closure reasons, ECM life cycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from gateway.domain.closed_loop import ClosedLoop, ClosureRow, LifeCycle, LifeCycleState, StatusRow
from gateway.domain.loop import TaskStatus
from gateway.errors import BadTable
from gateway.mapping.own_tables import records

_STATUS = "code task_status since until plan source"
_CLOSURE = "code task_status request_status text_due since until plan source"
_STATE = "state task_status request_status next source"


def load(folder: Path) -> ClosedLoop:
    """Referral Status and closure reasons, dated and per plan."""
    tables = folder / "closed-loop"
    return ClosedLoop(
        statuses=records(tables / "referral-status.csv", _STATUS, _status),
        closures=records(tables / "closure-reasons.csv", _CLOSURE, _closure),
    )


def load_life_cycle(folder: Path) -> LifeCycle:
    """The states of ECM and which may follow which."""
    path = folder / "closed-loop" / "life-cycle.csv"
    life_cycle = LifeCycle(records(path, _STATE, _state))
    if lost := sorted(life_cycle.undefined()):
        raise BadTable(f"{path.name}: `next` names states that have no row: {', '.join(lost)}")
    return life_cycle


def _in_force(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "since": date.fromisoformat(row["since"]),
        "until": date.fromisoformat(row["until"]) if row["until"] else None,
        "plan": row["plan"] or None,
    }


def _status(row: Mapping[str, str]) -> StatusRow:
    return StatusRow(code=row["code"], task_status=TaskStatus(row["task_status"]), **_in_force(row))


def _closure(row: Mapping[str, str]) -> ClosureRow:
    return ClosureRow(
        code=row["code"],
        task_status=TaskStatus(row["task_status"]),
        request_status=row["request_status"],
        text_due={"yes": True, "no": False}[row["text_due"]],
        **_in_force(row),
    )


def _state(row: Mapping[str, str]) -> LifeCycleState:
    return LifeCycleState(
        name=row["state"],
        task_status=TaskStatus(row["task_status"]),
        request_status=row["request_status"],
        next=frozenset(row["next"].split()),
    )
