"""The judges of crashes while receiving and delivering flag every doctored history, and nothing in an honest one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bench.torture_crash_check import (
    Crash,
    Findings,
    Snapshot,
    Told,
    judge_crashed_deliveries,
    judge_paused,
    judge_received,
)

OLD = ("Organization/o", 1)
A, B = ("Patient/a", 1), ("Task/b", 1)
NAMES = frozenset(["Patient/a/_history/1", "Task/b/_history/1"])
EMPTY = Snapshot(frozenset([OLD]), frozenset([OLD]), {"Organization/o": 2}, {frozenset(["x"]): 1}, {("ehr", *OLD): 1})
FULL = Snapshot(
    versions=frozenset([OLD, A, B]),
    pointers=frozenset([OLD, A, B]),
    indexed={"Organization/o": 2, "Patient/a": 3, "Task/b": 1},
    audited={frozenset(["x"]): 1, NAMES: 1},
    owed={("ehr", *OLD): 1, ("ehr", *B): 1, ("plan", *B): 1},
)
TWO_AUDITS = replace(FULL, audited={**FULL.audited, frozenset(["Task/b/_history/1"]): 1})
UNDONE = Crash("one put", False, True, None, 201, EMPTY, EMPTY, FULL, NAMES)
KEPT = Crash("after commit", True, True, None, 200, EMPTY, FULL, TWO_AUDITS, NAMES)


def less(snapshot: Snapshot, kind: str, name: Any) -> Snapshot:
    held = getattr(snapshot, kind)
    without: Any = {k: v for k, v in held.items() if k != name} if isinstance(held, dict) else held - {name}
    return replace(snapshot, **{kind: without})


def more(snapshot: Snapshot, kind: str, name: Any, number: int = 1) -> Snapshot:
    held = getattr(snapshot, kind)
    changed: Any = {**held, name: number} if isinstance(held, dict) else held | {name}
    return replace(snapshot, **{kind: changed})


def test_honest_crashes_are_good() -> None:
    found = judge_received([UNDONE, KEPT])
    assert found.good, found.problems
    assert found.counts == {"crashes": 2, "kept at the crash": 1}
    assert "lost 0, half-written 0" in found.report()


RECEIVED: dict[str, tuple[str, Crash]] = {
    "the step was not passed": ("other", replace(UNDONE, died=False)),
    "sent again it is refused": ("other", replace(UNDONE, again=409)),
    "sent again there is no answer": ("other", replace(UNDONE, again=0)),
    "committed and not there": ("lost", replace(KEPT, between=EMPTY, after=FULL)),
    "answered and not there": ("lost", replace(UNDONE, first=201)),
    "a resource is left behind": ("half", replace(UNDONE, between=more(EMPTY, "versions", A))),
    "a resource is missing after the commit": ("half", replace(KEPT, between=less(FULL, "versions", B))),
    "a pointer is missing": ("half", replace(KEPT, between=less(FULL, "pointers", B))),
    "only a pointer is there": ("half", replace(UNDONE, between=more(EMPTY, "pointers", B))),
    "an index is missing": ("half", replace(KEPT, between=less(FULL, "indexed", "Task/b"))),
    "an index is half written": ("half", replace(KEPT, between=more(FULL, "indexed", "Patient/a", 2))),
    "a message is missing": ("half", replace(KEPT, between=less(FULL, "owed", ("plan", *B)))),
    "only a message is there": ("half", replace(UNDONE, between=more(EMPTY, "owed", ("ehr", *B)))),
    "the audit row is missing": ("half", replace(KEPT, between=less(FULL, "audited", NAMES))),
    "only the audit row is there": ("half", replace(UNDONE, between=more(EMPTY, "audited", NAMES))),
    "the audit row names less": ("half", replace(UNDONE, after=replace(FULL, audited={frozenset([min(NAMES)]): 1}))),
    "the audit names what is not there": (
        "half",
        replace(KEPT, after=more(FULL, "audited", frozenset(["Patient/z/_history/1"]))),
    ),
    "the audit chain is broken": ("half", replace(UNDONE, after=replace(FULL, broken_audit=[3]))),
    "the audit chain is broken by the crash": ("half", replace(KEPT, between=replace(FULL, broken_audit=[3]))),
    "sent again it is a second version": ("twice", replace(KEPT, after=more(TWO_AUDITS, "versions", ("Task/b", 2)))),
    "a partner is owed it twice": ("twice", replace(KEPT, after=more(TWO_AUDITS, "owed", ("ehr", *B), 2))),
    "it is audited as written twice": ("twice", replace(UNDONE, after=more(FULL, "audited", NAMES, 2))),
    "the answer names what is not there": ("lost", replace(UNDONE, resources=NAMES | {"CarePlan/c/_history/1"})),
    "nobody is owed anything": ("lost", replace(UNDONE, after=replace(FULL, owed=EMPTY.owed))),
    "nothing can be found": ("lost", replace(UNDONE, after=replace(FULL, indexed=EMPTY.indexed))),
}


@pytest.mark.parametrize("name", RECEIVED)
def test_a_doctored_crash_while_receiving_is_flagged(name: str) -> None:
    kind, crash = RECEIVED[name]
    found = judge_received([crash])
    assert getattr(found, kind), found
    assert not found.good


def history(**flaws: list[str]) -> Any:
    clean: dict[str, list[str]] = {"not_accounted": [], "not_arrived": [], "twice": [], "backwards": []}
    return SimpleNamespace(**(clean | flaws))


def delivered(died: bool = True, sent: tuple[str, ...] = ("d1", "d1", "d2"), **flaws: list[str]) -> Findings:
    return judge_crashed_deliveries({"taken": died}, history(**flaws), sent=sent, owed=["d1", "d2", "d3"])


def test_honest_deliveries_are_good() -> None:
    found = delivered()
    assert found.good
    assert found.counts == {"crashes": 1, "deliveries": 3, "repeated": 1}


@pytest.mark.parametrize(
    ("kind", "doctored"),
    [
        ("other", lambda: delivered(died=False)),
        ("other", lambda: delivered(sent=("d1", "d9"))),
        ("lost", lambda: delivered(not_accounted=["d3"])),
        ("lost", lambda: delivered(not_arrived=["ehr Task/b 1"])),
        ("twice", lambda: delivered(twice=["ehr Task/b 1"])),
        ("twice", lambda: delivered(backwards=["ehr Task/b 1"])),
    ],
)
def test_a_doctored_crash_while_delivering_is_flagged(kind: str, doctored: Callable[[], Findings]) -> None:
    found = doctored()
    assert getattr(found, kind)
    assert not found.good


HONEST = [
    Told("first", "d1", 1, "delivered"),
    Told("second", "d2", 2, "delivered"),
    Told("first", "d2", 1, "stale"),
]
ATTEMPTS = {"d1": 1, "d2": 2}


def test_an_honest_pause_is_good() -> None:
    found = judge_paused(HONEST, ATTEMPTS, paused="first")
    assert found.good
    assert found.counts == {"overtaken while paused": 1, "refused": 1}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("twice", [*HONEST[:2], Told("first", "d2", 1, "delivered")]),
        ("twice", [*HONEST[:2], Told("first", "d2", 1, "retry")]),
        ("twice", [*HONEST[:2], Told("first", "d2", 1, "parked")]),
        ("twice", [*HONEST, Told("second", "d1", 1, "delivered")]),
        ("lost", [HONEST[0], HONEST[2]]),
        ("other", HONEST[:2]),
    ],
)
def test_a_doctored_pause_is_flagged(kind: str, told: list[Told]) -> None:
    found = judge_paused(told, ATTEMPTS, paused="first")
    assert getattr(found, kind)
    assert not found.good
