"""A partner's ServiceRequest without a Task is a referral like any other: it starts a loop, or joins one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import StaleVersion
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from gateway.usecases.keep import put_over
from tests.usecases.polling.conftest import CALLER, PATIENT, REQUEST, Clock, Gateway


@pytest.fixture
def oracle(clock: Clock) -> Iterator[tuple[Simulator, FhirPolling]]:
    with Simulator(memory=memory("oracle")) as server:
        for one in (PATIENT, REQUEST):
            server.memory.put(one, at=clock() - timedelta(minutes=1))
        partner = FhirPolling(PartnerSettings("oracle", "oracle", f"{server.url}/{TENANT}", seconds=60))
        yield server, partner
        partner.close()


def enrol(gateway: Gateway, partner: FhirPolling) -> None:
    """The member is here, and known by the partner's reference."""
    known = {"system": partner.base, "value": "Patient/ep1"}
    member = PATIENT | {"id": "here", "identifier": [*PATIENT["identifier"], known]}
    with gateway.services.store.begin(CALLER) as tx:
        tx.put(member)


def test_a_request_without_a_task_starts_a_loop_and_its_withdrawal_ends_it(
    gateway: Gateway, oracle: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = oracle
    enrol(gateway, partner)
    gateway.poll(partner, "ServiceRequest")
    assert {ending for ending, _ in gateway.apply()} == {"applied"}
    (request,), (begun,) = gateway.all("ServiceRequest"), gateway.all("Task")
    assert (begun["status"], begun["focus"], begun["for"]) == (
        "requested",
        {"reference": f"ServiceRequest/{request['id']}"},
        {"reference": "Patient/here"},
    )
    clock.pass_(hours=1)
    server.memory.put(REQUEST | {"note": [{"text": "again"}]}, at=clock() - timedelta(minutes=1))
    gateway.poll(partner, "ServiceRequest")
    gateway.apply()
    assert len(gateway.all("Task")) == 1
    clock.pass_(hours=1)
    server.memory.put(REQUEST | {"status": "revoked"}, at=clock() - timedelta(minutes=1))
    gateway.poll(partner, "ServiceRequest")
    assert {ending for ending, _ in gateway.apply()} == {"applied"}
    assert [one["status"] for one in gateway.all("Task")] == ["cancelled"]
    clock.pass_(hours=1)
    server.memory.put(REQUEST | {"status": "active"}, at=clock() - timedelta(minutes=1))
    gateway.poll(partner, "ServiceRequest")
    assert {ending for ending, _ in gateway.apply()} == {"applied"}
    assert [one["status"] for one in gateway.all("ServiceRequest")] == ["revoked"], "a closed loop is not opened again"


@pytest.mark.parametrize(
    "other",
    [
        {"code": {"text": "Chest radiograph"}},
        {"status": "completed"},
        {"intent": "proposal"},
        {"authoredOn": "2024-03-01"},
    ],
)
def test_a_request_that_is_no_open_referral_starts_none(
    gateway: Gateway, oracle: tuple[Simulator, FhirPolling], other: dict[str, Any]
) -> None:
    server, partner = oracle
    enrol(gateway, partner)
    server.memory.put(REQUEST | other, at=gateway.clock())
    gateway.poll(partner, "ServiceRequest")
    gateway.apply()
    assert len(gateway.all("ServiceRequest")) == 1
    assert gateway.all("Task") == []


def test_a_request_of_a_partner_that_has_tasks_waits_for_its_task(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling]
) -> None:
    gateway.poll(epic[1])
    gateway.apply()
    assert [one["focus"]["reference"].partition("/")[0] for one in gateway.all("Task")] == ["ServiceRequest"]


def test_who_was_overtaken_while_it_applied_a_poll_begins_anew(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.poll(epic[1])
    tries: list[str] = []

    def once(*parts: Any, **how: Any) -> Any:
        tries.append("put")
        if len(tries) == 2:
            raise StaleVersion
        return put_over(*parts, **how)

    monkeypatch.setattr("gateway.usecases.apply_polled.put_over", once)
    assert {ending for ending, _ in gateway.apply()} == {"applied"}
    assert len(tries) > 3
    assert len(gateway.all("Task")) == len(gateway.all("Patient")) == 1
