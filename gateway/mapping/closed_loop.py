"""The closed-loop tables of `mappings/closed-loop/`: Referral Status, closure reasons, ECM life cycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from gateway.domain.closed_loop import ClosedLoop, ClosureRow, LifeCycle, LifeCycleState, StatusRow, Window
from gateway.domain.loop import TaskStatus
from gateway.domain.loop_meaning import Discontinuation, Vocabulary, Word, fold, unknown_closures, word_of
from gateway.errors import BadTable
from gateway.mapping.concepts import COLUMNS, read_rows
from gateway.mapping.own_tables import records

_STATUS = "code task_status since until plan source"
_CLOSURE = "code task_status request_status text_due since until plan source"
_STATE = "state task_status request_status next source"
_WINDOW = "service days since until plan source"
_SUPPORT = "service closed_loop hcpcs source"
_DISCONTINUATION = "code closure class since until plan source"


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


def load_vocabulary(folder: Path) -> Vocabulary:
    """Everything by which news of a referral is read, the partners' own words included; BadTable if any is wrong."""
    loop = load(folder)
    words = {
        path.parent.parent.name: _words(path, loop)
        for path in sorted(folder.glob("partners/*/concepts/loop-status.csv"))
    }
    return Vocabulary(
        closed_loop=loop,
        life_cycle=load_life_cycle(folder),
        discontinuations=tuple(records(folder / "closed-loop" / "discontinuation.csv", _DISCONTINUATION, _ended)),
        words=words,
    )


def _words(path: Path, loop: ClosedLoop) -> dict[str, Word]:
    place = f"{path.parent.parent.name}/{path.name}"
    made: dict[str, Word] = {}
    for number, row in read_rows(path, COLUMNS):
        try:
            made[fold(row["from"])] = word_of(row["to"])
        except ValueError:
            raise BadTable(f"{place} row {number}: `to` is a Task status and perhaps a closure reason") from None
    if lost := sorted(unknown_closures(made.values(), closed_loop=loop)):
        raise BadTable(f"{place}: names closure reasons that have no row: {', '.join(lost)}")
    return made


def load_windows(folder: Path) -> tuple[Window, ...]:
    """For how long a further referral joins an open loop."""
    return tuple(records(folder / "closed-loop" / "overlap.csv", _WINDOW, _window))


def load_unreported(folder: Path) -> frozenset[str]:
    """The Community Supports whose loops are not reported to the state (Sobering Centers)."""
    rows = records(folder / "closed-loop" / "community-supports.csv", _SUPPORT, _reported)
    return frozenset(service for service, reported in rows if not reported)


def _reported(row: Mapping[str, str]) -> tuple[str, bool]:
    return row["service"], {"yes": True, "no": False}[row["closed_loop"]]


def _window(row: Mapping[str, str]) -> Window:
    return Window(service=row["service"], days=int(row["days"]), **_in_force(row))


def _ended(row: Mapping[str, str]) -> Discontinuation:
    return Discontinuation(code=row["code"], closure=row["closure"], kind=row["class"], **_in_force(row))


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
