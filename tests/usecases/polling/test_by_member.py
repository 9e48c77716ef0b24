"""A partner that answers for one member at a time is asked for each, and believed for that one only."""

from __future__ import annotations

from datetime import timedelta

from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from gateway.usecases.poll_partner import Polling
from tests.usecases.polling.conftest import (
    CALLER,
    PATIENT,
    REQUEST,
    Clock,
    Gateway,
)


def test_oracle_is_asked_for_each_member_in_closed_ranges_with_an_overlap(gateway: Gateway, clock: Clock) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        for number in (1, 2):
            known = [{"system": base, "value": f"Patient/op{number}"}]
            with gateway.services.store.begin(CALLER) as tx:
                tx.put({**PATIENT, "id": f"p{number}", "identifier": known})
        for number in range(45):
            subject = {"reference": f"Patient/op{1 + number % 2}"}
            server.memory.put({**REQUEST, "id": f"os{number}", "subject": subject}, at=clock() - timedelta(minutes=5))
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        assert gateway.poll(partner, "ServiceRequest") == Polling(45, 45), "pages that repeat ids make nothing twice"
        assert all(ending == "applied" for ending, _ in gateway.apply())
        assert len(gateway.all("ServiceRequest")) == 45
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest") == Polling(45, 0), "ten minutes before the last time"
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest") == Polling(0, 0)
        assert gateway.poll(partner, "ServiceRequest", sweep=True) is None, "not due, even for a sweep"
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest", sweep=True) == Polling(45, 0)
        partner.close()
        searches = [one.path for one in server.recorded if "_lastUpdated" in one.path]
        assert all("_lastUpdated=ge" in path and "_lastUpdated=le" in path for path in searches)


def test_another_members_record_is_refused(gateway: Gateway) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        with gateway.services.store.begin(CALLER) as tx:
            tx.put({**PATIENT, "id": "p1", "identifier": [{"system": base, "value": "Patient/op1"}]})
        server.memory.put({**REQUEST, "subject": {"reference": "Patient/x-op1"}}, at=gateway.clock())
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        done = gateway.poll(partner, "ServiceRequest")
        partner.close()
        assert done is not None
        assert done.error is not None
        assert gateway.services.store.inbox.list(CALLER) == []


def test_one_member_who_cannot_be_asked_for_holds_up_no_other(gateway: Gateway) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        for number in (1, 2, 3):
            known = [{"system": base, "value": f"Patient/op{number}"}]
            with gateway.services.store.begin(CALLER) as tx:
                tx.put({**PATIENT, "id": f"p{number}", "identifier": known})
            subject = {"reference": f"Patient/{'x-' * (number == 1)}op{number}"}
            server.memory.put({**REQUEST, "id": f"os{number}", "subject": subject}, at=gateway.clock())
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        done = gateway.poll(partner, "ServiceRequest")
        partner.close()
        assert done is not None
        assert (done.found, done.new, done.error and done.error.code) == (2, 2, "processing")
