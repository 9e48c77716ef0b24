"""What a partner refuses or fails at: tried again after a while, given up after days, parked for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.partners import FhirServer
from gateway.ports import Caller, Message, Owed, Receipt
from gateway.simulators.faults import Script
from gateway.simulators.fhir import Effect
from gateway.simulators.server import Simulator
from gateway.store import SqlStore
from gateway.usecases.deliver import Delivering, deliver
from gateway.usecases.delivery_schedule import WAITS
from tests.databases import CALLER
from tests.delivery.conftest import PATIENT, REFERRAL, Clock, claim, keep_and_owe, once, state


def test_a_failure_is_tried_again_under_the_same_id(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator, script: list[str], clock: Clock
) -> None:
    script += ["500", "cut-headers", "cut-body"]
    keep_and_owe(store, PATIENT)
    for wait in WAITS[:3]:
        attempt = once(using, partner)
        assert attempt.ending == "retry"
        assert state(store, attempt).reason
        assert claim(using) is None, "it waits"
        clock.pass_(wait * 1.01)
    assert once(using, partner).ending == "delivered"
    assert server.memory.effects == [Effect("Patient/p1", 1)], "one effect of four attempts"
    assert {recorded.delivery for recorded in server.recorded} == {attempt.delivery.id}


def test_a_partner_that_asks_for_time_gets_it(store: SqlStore, using: Delivering, clock: Clock) -> None:
    class Busy:
        name = "ehr"

        def send(self, message: Message) -> Receipt:
            return Receipt(False, retry=True, retry_after=900, reason="http 429")

    keep_and_owe(store, PATIENT)
    attempt = once(using, Busy())
    assert (state(store, attempt).due - clock.now).total_seconds() == 900


def test_a_refusal_is_parked_and_only_its_own_lane_waits(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator, script: list[str]
) -> None:
    script += ["422"]
    keep_and_owe(store, PATIENT)
    keep_and_owe(store, PATIENT, REFERRAL)
    keep_and_owe(store, {"resourceType": "Patient", "id": "p2"}, member="Patient/p2")
    refused = once(using, partner)
    assert (refused.ending, state(store, refused).state, refused.reason) == ("parked", "parked", "http 422")
    assert once(using, partner).delivery.owed.id == "p2"
    assert claim(using) is None, "what the refused one's member is owed waits behind it"
    assert store.outbox.release(CALLER, refused.delivery.id, now=using.clock())
    assert [once(using, partner).delivery.owed.id for _ in range(2)] == ["p1", "s1"]


def test_after_three_days_it_is_parked(store: SqlStore, using: Delivering, clock: Clock) -> None:
    class Down:
        name = "ehr"

        def send(self, message: Message) -> Receipt:
            return Receipt(False, retry=True, reason="the connection was refused")

    keep_and_owe(store, PATIENT)
    endings = []
    while (delivery := claim(using)) is not None:
        endings.append(deliver(delivery, partner=Down(), using=using))
        clock.pass_(24 * 3600 * 1.3)
    assert [e.ending for e in endings] == ["retry"] * len(WAITS) + ["parked"]
    assert state(store, endings[-1]).reason == "gave up: the connection was refused"


def test_what_cannot_be_sent_is_parked(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator
) -> None:
    keep_and_owe(store, PATIENT)
    assert once(using, None).reason == "the partner is not configured"
    with store.begin(CALLER) as tx:
        tx.owe([Owed("ehr", "Patient/p5", "changed", "Patient", "p5", 1)])
    assert once(using, partner).reason == "the version is not kept here"
    nobody = Caller("tester", tenant="")
    keep_and_owe(store, PATIENT, caller=nobody)
    assert once(using, partner).reason == "the partner may not see this"
    assert server.recorded == []


def test_a_script_of_faults_ends() -> None:
    script = Script(["500"])
    assert [script(), script()] == ["500", "ok"]
    with pytest.raises(ValueError, match="is no fault"):
        Script(["nonsense"])()


@pytest.mark.parametrize(("fault", "reason"), [("wrong-tenant", "http 403"), ("404", "http 404")])
def test_what_is_forbidden_or_not_found_is_tried_for_three_quarters_of_an_hour_then_parked(
    store: SqlStore,
    using: Delivering,
    partner: FhirServer,
    server: Simulator,
    script: list[str],
    clock: Clock,
    fault: str,
    reason: str,
) -> None:
    """Credentials that are changed, or a route that is missing, are mended in that time; a decision stays."""
    begun = clock()

    def tried(times: int) -> None:
        for wait in WAITS[:times]:
            attempt = once(using, partner)
            assert (attempt.ending, attempt.reason) == ("retry", reason)
            clock.pass_(wait * 1.01)

    script += [fault] * 5
    keep_and_owe(store, PATIENT)
    tried(5)
    assert timedelta(minutes=40) < clock() - begun < timedelta(minutes=50)
    assert once(using, partner).ending == "delivered", "what the partner lets in again arrives"
    script += [fault] * 6
    keep_and_owe(store, PATIENT | {"active": True})
    tried(5)
    parked = once(using, partner)
    assert (parked.ending, state(store, parked).state, parked.reason) == ("parked", "parked", f"gave up: {reason}")
    assert server.memory.effects == [Effect("Patient/p1", 1)]
