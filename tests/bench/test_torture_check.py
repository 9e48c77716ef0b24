"""The judge of the torture runs flags every doctored history, and nothing in an honest one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.torture_check import Held, Verdict, judge

A1, A2, B1 = ("a", 1), ("a", 2), ("b", 1)
HELD = Held(
    versions={A1: ("sha-a1", False), A2: ("sha-a2", True), B1: ("sha-b1", False)},
    pointers={"a": 2, "b": 1},
    entries={"b": 2},
    audited=[A1, A2, B1],
    owed={A1: ("d1", "delivered"), A2: ("d2", "waiting"), B1: ("d3", "sending")},
)


def line(do: str, name: tuple[str, int], **more: Any) -> dict[str, Any]:
    return {"do": do, "id": name[0], "version": name[1], **more}


LEDGER = [
    *(line("want", name) for name in (A1, A2, B1)),
    *(line("ack", name, sha=HELD.versions[name][0]) for name in (A1, A2)),
    line("want", ("c", 1)),
    line("sent", A1, delivery="d1"),
    line("sent", A1, delivery="d1"),
    line("settled", A1, delivery="d1"),
    line("sent", B1, delivery="d3"),
]


def test_an_honest_history_is_good() -> None:
    verdict = judge(LEDGER, HELD)
    assert verdict.good
    assert (verdict.acknowledged, verdict.unknown, verdict.landed) == (2, 2, 1)
    assert (verdict.sent, verdict.repeated) == (3, 1)
    assert "lost 0, half-written 0" in verdict.report()


def without(mapping: Any, name: Any) -> dict[Any, Any]:
    return {key: value for key, value in mapping.items() if key != name}


DOCTORED: dict[str, tuple[str, list[dict[str, Any]], Held]] = {
    "an acknowledged version is gone": ("lost", LEDGER, replace(HELD, versions=without(HELD.versions, A2))),
    "an acknowledged version has another body": (
        "lost",
        LEDGER,
        replace(HELD, versions={**HELD.versions, A1: ("x", False)}),
    ),
    "an acknowledged first version is gone": ("lost", [*LEDGER, line("ack", ("c", 1), sha="sha-c1")], HELD),
    "a version has no forerunner": ("half", LEDGER, replace(HELD, versions=without(HELD.versions, A1))),
    "a pointer lags": ("half", LEDGER, replace(HELD, pointers={"a": 1, "b": 1})),
    "a pointer runs ahead": ("half", LEDGER, replace(HELD, pointers={"a": 3, "b": 1})),
    "a pointer is missing": ("half", LEDGER, replace(HELD, pointers={"a": 2})),
    "a pointer leads nowhere": ("half", LEDGER, replace(HELD, pointers={**HELD.pointers, "z": 1})),
    "an index is missing": ("half", LEDGER, replace(HELD, entries={})),
    "an index is half written": ("half", LEDGER, replace(HELD, entries={"b": 1})),
    "a deleted resource is still indexed": ("half", LEDGER, replace(HELD, entries={"a": 2, "b": 2})),
    "an index belongs to nothing": ("half", LEDGER, replace(HELD, entries={"b": 2, "?": 2})),
    "an audit row is missing": ("half", LEDGER, replace(HELD, audited=[A1, B1])),
    "an audit row is there twice": ("half", LEDGER, replace(HELD, audited=[A1, A1, A2, B1])),
    "an audit row is of nothing": ("half", LEDGER, replace(HELD, audited=[*HELD.audited, ("c", 1)])),
    "the audit chain is broken": ("half", LEDGER, replace(HELD, broken_audit=[7])),
    "a message is missing": ("half", LEDGER, replace(HELD, owed=without(HELD.owed, A2))),
    "a message is of nothing": ("half", LEDGER, replace(HELD, owed={**HELD.owed, ("c", 1): ("d9", "waiting")})),
    "nobody asked for it": ("strange", [e for e in LEDGER if e["id"] != "b"], HELD),
    "older after newer": (
        "disorder",
        [*LEDGER, line("sent", A2, delivery="d2"), line("sent", A1, delivery="d1")],
        HELD,
    ),
    "a repeat under another id": ("disorder", [*LEDGER, line("sent", B1, delivery="d4")], HELD),
    "sent and never owed": ("disorder", [*LEDGER, line("sent", ("c", 1), delivery="d9")], HELD),
    "settled and waiting again": ("disorder", [*LEDGER, line("settled", A2, delivery="d2")], HELD),
    "delivered and never sent": ("disorder", LEDGER, replace(HELD, owed={**HELD.owed, A2: ("d2", "delivered")})),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_a_doctored_history_is_flagged(name: str) -> None:
    kind, ledger, held = DOCTORED[name]
    verdict: Verdict = judge(ledger, held)
    assert getattr(verdict, kind)
    assert not verdict.good
