"""A partner that fails is asked again from where it was: nothing is skipped, and a person is told once."""

from __future__ import annotations

import time

import pytest

from gateway.partners.capabilities import PollRule
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.simulators.faults import DRAGS, FAULTS, REFUSALS, Script
from gateway.simulators.kinds import memory
from gateway.simulators.server import Simulator
from gateway.usecases.poll_partner import Polling
from tests.usecases.polling.conftest import (
    CALLER,
    REQUEST,
    Clock,
    Gateway,
)


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"not-all-entries"}))
def test_no_fault_moves_the_cursor_or_keeps_anything(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock, fault: str
) -> None:
    server = epic[0]
    partner = FhirPolling(PartnerSettings("epic", "epic", server.url, seconds=0.5 if fault in DRAGS else 60))
    server.faults = Script([fault])
    done = gateway.poll(partner)
    partner.close()
    assert done is not None
    assert done.error is not None
    assert done.error.code == ("processing" if fault in REFUSALS else "transient")
    assert gateway.services.store.inbox.list(CALLER) == []
    clock.pass_(minutes=15)
    server.faults = Script()
    assert gateway.poll(epic[1]) == Polling(1, 1), "what passes heals"


def test_five_failures_are_told_once_and_the_way_back_once(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    server.faults = Script(["500"] * 7)
    for _ in range(9):
        clock.pass_(minutes=15)
        gateway.poll(partner)
    assert gateway.alerts == [("epic", "down"), ("epic", "up")]


def test_retry_after_is_obeyed_beyond_the_interval(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    partner.every_seconds = 0.5
    server.faults = Script(["429"])
    assert gateway.poll(partner) is not None
    clock.pass_(seconds=0.9)
    assert gateway.poll(partner) is None
    clock.pass_(seconds=0.2)
    assert gateway.poll(partner) == Polling(1, 1)


def test_many_pages_have_more_time_than_one(gateway: Gateway) -> None:
    """Else a partner with much to tell would be asked for its first pages for ever, and its last ones never."""
    with Simulator(memory=memory("plan"), heard=lambda recorded: time.sleep(0.15)) as server:
        for number in range(45):
            server.memory.put({**REQUEST, "id": f"os{number}"}, at=gateway.clock())
        settings = PartnerSettings("plan", "fhir_server", server.url, seconds=0.4, poll=("ServiceRequest",))
        partner = FhirPolling(settings)
        partner._rules = {"ServiceRequest": PollRule("ServiceRequest", count=5)}
        found = list(partner.changes("ServiceRequest", since=None, until=gateway.clock()))
        partner.close()
    assert len(found) == 45
