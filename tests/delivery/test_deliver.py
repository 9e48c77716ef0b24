"""One delivery, from what is owed to what the partner has, through every way in which it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import gateway.store
from gateway.partners import FhirServer
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller, Delivery, Message, Owed, Receipt
from gateway.simulators.faults import Script
from gateway.simulators.fhir import Effect
from gateway.simulators.server import Simulator
from gateway.store import SqlStore
from gateway.usecases.deliver import WORKER, Attempt, Delivering, deliver
from gateway.usecases.delivery_schedule import WAITS
from gateway.usecases.services import Subscriber
from tests.databases import CALLER
from tests.delivery.conftest import Clock

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}],
           "managingOrganization": {"reference": "Organization/o1"}}  # fmt: skip
ORGANIZATION = {"resourceType": "Organization", "id": "o1", "partOf": {"reference": "Organization/o1"}}
REFERRAL = {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "subject": {"reference": "Patient/p1"},
            "requester": {"reference": "Practitioner/nobody"}}  # fmt: skip
LEASE = 120.0
TOLD = (Subscriber("ehr", everyone=True),)


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[SqlStore]:
    opened = gateway.store.open(url, clock=clock, wait_seconds=2)
    yield opened
    opened.close()


@pytest.fixture
def using(store: SqlStore, clock: Clock) -> Delivering:
    return Delivering(store, store.outbox, clock, "https://gateway.example/fhir", TOLD, jitter=lambda: 0.5)


@pytest.fixture
def script() -> list[str]:
    """Faults of the partner's next answers."""
    return []


@pytest.fixture
def server(script: list[str]) -> Iterator[Simulator]:
    with Simulator(faults=lambda: script.pop(0) if script else "ok") as running:
        yield running


@pytest.fixture
def partner(server: Simulator) -> Iterator[FhirServer]:
    adapter = FhirServer(PartnerSettings("ehr", "fhir_server", server.url, seconds=60))
    yield adapter
    adapter.close()


def keep_and_owe(
    store: SqlStore, *resources: dict[str, Any], caller: Caller = CALLER, member: str = "Patient/p1"
) -> None:
    """Keep all, and owe the last of them to the partner."""
    with store.begin(caller) as tx:
        kept = [tx.put(resource) for resource in resources][-1]
        tx.owe([Owed("ehr", member, "referral.received", kept.type, kept.id, kept.version)])


def claim(using: Delivering) -> Delivery | None:
    claimed = using.outbox.claim("worker", now=using.clock(), limit=1, lease_seconds=LEASE)
    return claimed[0] if claimed else None


def once(using: Delivering, partner: Any) -> Attempt:
    delivery = claim(using)
    assert delivery is not None
    return deliver(delivery, partner=partner, using=using)


def state(store: SqlStore, attempt: Attempt) -> Delivery:
    found = store.outbox.show(CALLER, attempt.delivery.id)
    assert found is not None
    return found


def test_the_partner_gets_the_version_and_all_it_refers_to(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator
) -> None:
    keep_and_owe(store, ORGANIZATION, PATIENT, REFERRAL)
    attempt = once(using, partner)
    assert (attempt.ending, state(store, attempt).state) == ("delivered", "delivered")
    assert [effect.reference for effect in server.memory.effects] == [
        "Organization/o1",
        "Patient/p1",
        "ServiceRequest/s1",
    ]
    assert server.memory.resources["ServiceRequest/s1"]["meta"]["versionId"] == "1"
    assert claim(using) is None


def test_what_left_is_audited_before_and_after(store: SqlStore, using: Delivering, partner: FhirServer) -> None:
    keep_and_owe(store, PATIENT, REFERRAL)
    once(using, partner)
    rows = [row for row in store.audit(CALLER) if row["principal"] == WORKER]
    assert [(row["event"], row["outcome"], row["recipient"]) for row in rows] == [
        ("deliver", "success", "ehr"),
        ("deliver.attempt", "success", "ehr"),
    ]
    assert rows[0]["entities"] == ("Patient/p1/_history/1", "ServiceRequest/s1/_history/1")
    assert rows[0]["request_id"] == rows[1]["request_id"] == store.outbox.list(CALLER)[0].id


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


def test_versions_arrive_in_order(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator, script: list[str], clock: Clock
) -> None:
    script += ["503"]
    for status in ("draft", "active", "completed"):
        keep_and_owe(store, {**REFERRAL, "status": status})
    assert once(using, partner).ending == "retry"
    clock.pass_(10)
    assert [once(using, partner).ending for _ in range(3)] == ["delivered"] * 3
    assert server.memory.effects == [Effect("ServiceRequest/s1", version) for version in (1, 2, 3)]


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


def test_a_deletion_is_told(store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator) -> None:
    keep_and_owe(store, PATIENT)
    with store.begin(CALLER) as tx:
        gone = tx.delete("Patient", "p1")
        tx.owe([Owed("ehr", "Patient/p1", "changed", gone.type, gone.id, gone.version)])
    assert [once(using, partner).ending for _ in range(2)] == ["delivered"] * 2
    assert server.memory.resources == {}


def test_a_claim_that_ran_out_sends_nothing(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator, clock: Clock
) -> None:
    keep_and_owe(store, PATIENT)
    slept = claim(using)
    clock.pass_(LEASE)
    assert slept is not None
    assert deliver(slept, partner=partner, using=using).ending == "stale"
    assert server.recorded == []


def test_a_worker_that_was_overtaken_cannot_settle(
    store: SqlStore, using: Delivering, partner: FhirServer, clock: Clock
) -> None:
    class Slow:
        name = "ehr"

        def send(self, message: Message) -> Receipt:
            clock.pass_(LEASE + 1)
            assert once(using, partner).ending == "delivered"
            return Receipt(False, retry=False, reason="http 422")

    keep_and_owe(store, PATIENT)
    attempt = once(using, Slow())
    assert attempt.ending == "stale"
    assert state(store, attempt).state == "delivered"


def test_what_changed_while_it_was_under_way_is_sent_again(
    store: SqlStore, using: Delivering, partner: FhirServer, server: Simulator
) -> None:
    class Late:
        """Another lane brings the newer organization before our older one arrives."""

        name = "ehr"

        def send(self, message: Message) -> Receipt:
            with store.begin(CALLER) as tx:
                tx.put({**ORGANIZATION, "name": "newer"})
            assert once(using, partner).ending == "delivered"
            return partner.send(message)

    keep_and_owe(store, ORGANIZATION, PATIENT)
    other = {**PATIENT, "id": "p2"}
    keep_and_owe(store, other, member="Patient/p2")
    late = once(using, Late())
    assert (late.ending, late.reason) == ("retry", "what it refers to changed meanwhile")
    assert server.memory.resources["Organization/o1"]["meta"]["versionId"] == "1", "the older came last"
    assert once(using, partner).ending == "delivered"
    assert server.memory.resources["Organization/o1"]["meta"]["versionId"] == "2"
    assert claim(using) is None


def test_no_transaction_is_open_while_sending(store: SqlStore, using: Delivering) -> None:
    class Writes:
        name = "ehr"

        def send(self, message: Message) -> Receipt:
            with store.begin(CALLER) as tx:
                tx.put({"resourceType": "Patient", "id": "p9"})
            return Receipt(True)

    keep_and_owe(store, PATIENT)
    assert once(using, Writes()).ending == "delivered"


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
