"""The judge of deliveries (bench) flags every history that breaks a promise, and passes one that keeps all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bench.torture_deliver_check import judge
from gateway.ports import Delivery, Owed
from gateway.simulators.fhir import Effect
from tests.conftest import NOW

History = tuple[int, list[Delivery], dict[str, Any]]


def delivery(number: int, version: int, state: str = "delivered", partner: str = "ehr") -> Delivery:
    owed = Owed(partner, f"Patient/p{number}", "changed", "Task", f"t{number}", version)
    return Delivery(f"{partner}-{number}-{version}", "default", owed, state, 1, 1, NOW, NOW)  # type: ignore[arg-type]


def sound() -> History:
    deliveries = [
        delivery(1, 1),
        delivery(1, 2),
        delivery(2, 1),
        delivery(3, 1, "parked"),
        delivery(1, 1, partner="plan"),
    ]
    ehr = [Effect("Patient/p1", 1), Effect("Task/t1", 1), Effect("Task/t2", 1), Effect("Task/t1", 2)]
    ehr += [Effect("Organization/o1", 2), Effect("Organization/o1", 1), Effect("Organization/o1", 2)]
    got = {"ehr": ehr, "plan": [Effect("Task/t1", 1)]}
    return 5, deliveries, {name: SimpleNamespace(memory=SimpleNamespace(effects=list(e))) for name, e in got.items()}


def flaws(history: History) -> set[str]:
    found = judge(*history)
    return {
        name for name in ("not_accounted", "not_arrived", "twice", "backwards", "left_older") if getattr(found, name)
    }


def test_a_sound_history_passes() -> None:
    assert flaws(sound()) == set()


def effects(history: History, partner: str = "ehr") -> list[Effect]:
    found: list[Effect] = history[2][partner].memory.effects
    return found


def lost_row(h: History) -> History:
    return h[0], h[1][:-1], h[2]


def still(state: str) -> Callable[[History], History]:
    return lambda h: (h[0], [replace(h[1][0], state=state), *h[1][1:]], h[2])  # type: ignore[arg-type]


def changed(change: Callable[[History], object]) -> Callable[[History], History]:
    def apply(history: History) -> History:
        change(history)
        return history

    return apply


@pytest.mark.parametrize(
    ("doctored", "flaw"),
    [
        (lost_row, "not_accounted"),
        (lambda h: (h[0] + 1, h[1], h[2]), "not_accounted"),
        (lambda h: (h[0], [*h[1], delivery(9, 1, "parked")], h[2]), "not_accounted"),
        (still("waiting"), "not_accounted"),
        (still("sending"), "not_accounted"),
        (changed(lambda h: effects(h).remove(Effect("Task/t1", 1))), "not_arrived"),
        (changed(lambda h: effects(h).remove(Effect("Task/t2", 1))), "not_arrived"),
        (changed(lambda h: effects(h).clear()), "not_arrived"),
        (changed(lambda h: effects(h, "plan").clear()), "not_arrived"),
        (changed(lambda h: h[1].__setitem__(3, delivery(3, 1))), "not_arrived"),
        (changed(lambda h: effects(h).append(Effect("Organization/o1", 1))), "left_older"),
        (changed(lambda h: effects(h).append(Effect("Task/t2", 1))), "twice"),
        (changed(lambda h: effects(h).insert(0, Effect("Task/t2", 1))), "twice"),
        (changed(lambda h: effects(h, "plan").append(Effect("Task/t1", 1))), "twice"),
        (changed(lambda h: effects(h).append(Effect("Patient/p1", 1))), "twice"),
        (changed(lambda h: effects(h).append(Effect("Task/t1", 1))), "backwards"),
        (changed(lambda h: effects(h).reverse()), "backwards"),
        (changed(lambda h: effects(h).insert(0, Effect("Patient/p1", 2))), "backwards"),
        (changed(lambda h: effects(h, "plan").insert(0, Effect("Task/t1", 5))), "backwards"),
        (changed(lambda h: effects(h).insert(1, Effect("Task/t1", 2))), "backwards"),
        (changed(lambda h: effects(h).extend([Effect("Task/t2", 3), Effect("Task/t2", 2)])), "backwards"),
    ],
)
def test_a_doctored_history_is_flagged(doctored: Callable[[History], History], flaw: str) -> None:
    assert flaw in flaws(doctored(sound()))
