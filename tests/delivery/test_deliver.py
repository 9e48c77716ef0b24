"""One delivery, from what is owed to what the partner has: its content, its order, and who may settle it."""

from __future__ import annotations

from gateway.partners import FhirServer
from gateway.ports import Message, Owed, Receipt
from gateway.simulators.fhir import Effect
from gateway.simulators.server import Simulator
from gateway.store import SqlStore
from gateway.usecases.deliver import WORKER, Delivering, deliver
from tests.databases import CALLER
from tests.delivery.conftest import LEASE, ORGANIZATION, PATIENT, REFERRAL, Clock, claim, keep_and_owe, once, state


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
