"""A worker asks on each partner's interval, once a week for everything, and hammers nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.ports import Found
from gateway.simulators.faults import Script
from gateway.simulators.kinds import memory
from gateway.simulators.server import Simulator
from gateway.usecases.poll_partner import Polling
from gateway.usecases.poll_round import Rounds
from gateway.usecases.services import Services
from tests.usecases.polling.conftest import (
    CALLER,
    Clock,
    Gateway,
)


class Heard:
    """Rounds over one partner, as the worker makes them."""

    def __init__(self, gateway: Gateway, partner: FhirPolling, stop: Callable[[], bool] = lambda: False) -> None:
        self.polls: list[Polling] = []
        tell = lambda name, type, done: self.polls.append(done)  # noqa: E731
        self.rounds = Rounds(
            [partner], CALLER, lambda: gateway.services, gateway.health, tell, gateway.clock, stopping=stop
        )


def test_a_worker_asks_on_the_interval(gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock) -> None:
    heard = Heard(gateway, epic[1])
    assert heard.rounds.step() == 1
    for _ in range(10):
        assert heard.rounds.step() == 0, "no look before its time"
        clock.pass_(minutes=1)
    assert len(heard.polls) == 1
    clock.pass_(minutes=5)
    heard.rounds.step()
    assert len(heard.polls) == 2
    assert gateway.apply() == [("applied", "3 of 3 resources were news")]


def test_once_a_week_a_worker_asks_for_everything(services: Services, clock: Clock) -> None:
    gateway = Gateway(replace(services, clock=clock), clock)
    with Simulator(memory=memory("ehr")) as server:
        partner = FhirPolling(
            PartnerSettings("ehr", "fhir_server", server.url, poll=("Task",), poll_minutes=360, seconds=60)
        )
        heard = Heard(gateway, partner)
        for _ in range(4 * 8):
            heard.rounds.step()
            clock.pass_(hours=6)
        asked = [one.path for one in server.recorded]
        partner.close()
    whole = [path for path in asked if "_lastUpdated" not in path]
    assert len(whole) == 2
    assert len(asked) == 32


def test_a_sweep_that_fails_is_due_again_after_the_interval(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    server.faults = Script(["500"])
    heard = Heard(gateway, partner)
    assert heard.rounds.step() == 0
    assert heard.polls[0].error is not None
    clock.pass_(minutes=1)
    heard.rounds.step()
    assert len(heard.polls) == 1, "not hammered"
    clock.pass_(minutes=15)
    assert heard.rounds.step() == 1


def test_what_a_stop_breaks_off_is_due_at_once(gateway: Gateway, epic: tuple[Simulator, FhirPolling]) -> None:
    stops = iter([False, True])
    broken = Heard(gateway, epic[1], lambda: next(stops, True))
    assert (broken.rounds.step(), broken.polls) == (0, [])
    assert gateway.poll(epic[1]) == Polling(1, 1)


def test_without_the_database_a_poll_gives_its_cursor_back_and_the_others_are_asked(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, failures = gateway.services.store.inbox.keep, [StoreUnavailable()]

    def sometimes(*given: Any, **named: Any) -> bool:
        if failures:
            raise failures.pop()
        return keep(*given, **named)

    monkeypatch.setattr(gateway.services.store.inbox, "keep", sometimes)
    with Simulator(memory=memory("ehr")) as server:
        other = FhirPolling(PartnerSettings("other", "fhir_server", server.url, poll=("Task",), seconds=60))
        heard = Heard(gateway, epic[1])
        heard.rounds.partners = [epic[1], other]
        with pytest.raises(StoreUnavailable):
            heard.rounds.step()
        other.close()
        assert len(server.recorded) == 1
    heard.rounds.partners = [epic[1]]
    clock.pass_(minutes=14)
    assert heard.rounds.step() == 0, "not hammered"
    clock.pass_(minutes=1)
    assert heard.rounds.step() == 1
    assert "_lastUpdated" not in epic[0].recorded[-1].path, "the week's sweep is still owed"


def held(partner: FhirPolling, between: Callable[[], None], times: int = 3) -> FhirPolling:
    """The partner, whose changes are found one after the other with `between` before each."""
    inner = partner.changes

    def slowly(*given: Any, **named: Any) -> Iterator[Found]:
        for one in inner(*given, **named):
            for _ in range(times):
                between()
                yield one

    partner.changes = slowly  # type: ignore[method-assign]
    return partner


def test_a_poll_that_takes_an_hour_is_not_overtaken(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    with closing(FhirPolling(PartnerSettings("epic", "epic", epic[0].url, seconds=60))) as second:
        others: list[Polling | None] = []

        def between() -> None:
            clock.pass_(minutes=9)
            gateway.services.store.cursors.due(CALLER, partner="epic", name="Task", now=clock())
            others.append(gateway.poll(second))

        begun = clock()
        done = gateway.poll(held(epic[1], between, times=7))
    assert (done, others) == (Polling(7, 1), [None] * 7)
    cursor = gateway.services.store.cursors.claim(CALLER, partner="epic", name="Task", now=clock(), lease_seconds=1)
    assert cursor is not None
    assert cursor.through == begun


def test_a_poll_that_stood_still_finds_that_it_was_overtaken_and_stops(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    with closing(FhirPolling(PartnerSettings("epic", "epic", epic[0].url, seconds=60))) as second:
        others: list[Polling | None] = []

        def between() -> None:
            clock.pass_(minutes=31)
            others.append(gateway.poll(second))

        assert gateway.poll(held(epic[1], between)) is None
    assert others == [Polling(1, 1)], "and nothing more was asked by the first"
