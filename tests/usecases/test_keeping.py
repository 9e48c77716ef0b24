"""What is kept together: resources, audit rows, and what partners are owed."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Conflict, GatewayError, Invalid
from gateway.fhir import codec
from gateway.ports import Caller, Delivery
from gateway.store import SqlStore
from gateway.usecases.create import create
from gateway.usecases.keep import Written, messages_for
from gateway.usecases.read import read
from gateway.usecases.receive_referral import receive_referral
from gateway.usecases.services import Services, Subscriber
from gateway.usecases.transaction import transaction
from gateway.usecases.update import update
from tests.web.conftest import a_referral

Json = dict[str, Any]
BASE = "http://127.0.0.1:8080/fhir"
PATIENT: Json = {"resourceType": "Patient", "id": "p", "name": [{"family": "Zanzibarovna"}], "birthDate": "1984-05-06"}


def owed(services: Services, caller: Caller) -> list[Delivery]:
    assert isinstance(services.store, SqlStore)
    return list(services.store.outbox.list(caller))


def events(services: Services, caller: Caller) -> list[tuple[str, str]]:
    return [(row["event"], row["outcome"]) for row in services.store.audit(caller)]


def refer(services: Services, caller: Caller, referral: Json) -> Any:
    source = codec.write(referral)
    return receive_referral(codec.read(source), caller, source=source, services=services, base=BASE)


def test_a_referral_owes_each_partner_what_it_is_told_of(services: Services, caller: Caller) -> None:
    refer(services, caller, a_referral())
    messages = [delivery.owed for delivery in owed(services, caller)]
    assert {message.partner for message in messages} == {"clinic"}
    assert {message.type for message in messages} == {"Patient", "ServiceRequest", "Task"}
    assert {message.kind for message in messages} == {"referral"}
    assert all(message.urgent for message in messages), "an expedited referral is urgent"
    assert len({message.member for message in messages}) == 1
    assert messages[0].member.startswith("Patient/")


def test_what_is_referred_to_is_owed_first(services: Services, caller: Caller) -> None:
    refer(services, caller, a_referral())
    types = [delivery.owed.type for delivery in sorted(owed(services, caller), key=lambda one: one.id)]
    assert set(types) == {"Patient", "ServiceRequest", "Task"}
    kept = [
        Written(services.store.read(caller, d.owed.type, d.owed.id), True, True)  # type: ignore[arg-type]
        for d in owed(services, caller)
    ]
    pairs = [(one, codec.read(one.kept.body)) for one in kept]
    for shuffled in (pairs, pairs[::-1]):
        ordered = messages_for(shuffled, subscribers=[Subscriber("x")], kind="k", stands=lambda *_: True)
        assert [message.type for message in ordered] == ["Patient", "ServiceRequest", "Task"]


def test_the_same_referral_again_owes_nothing(services: Services, caller: Caller) -> None:
    first = refer(services, caller, a_referral())
    count = len(owed(services, caller))
    second = refer(services, caller, a_referral())
    assert (first.created, first.changed, second.created, second.changed) == (True, True, False, False)
    assert len(owed(services, caller)) == count


def test_a_refused_referral_keeps_and_owes_nothing(services: Services, caller: Caller) -> None:
    refer(services, caller, a_referral())
    count = len(owed(services, caller))
    other = a_referral()
    other["key"]["id"] = "another"
    other["member"]["birth_date"] = "1999-12-31"
    with pytest.raises(Conflict):
        refer(services, caller, other)
    assert len(owed(services, caller)) == count
    assert [event for event, _ in events(services, caller)] == ["referral"]


def test_a_write_has_one_audit_row_that_names_each_version(services: Services, caller: Caller) -> None:
    update(PATIENT, caller, type="Patient", id="p", services=services)
    update({**PATIENT, "gender": "other"}, caller, type="Patient", id="p", services=services)
    update({**PATIENT, "gender": "other"}, caller, type="Patient", id="p", services=services)
    read(caller, "Patient", "p", services=services)
    rows = services.store.audit(caller)
    assert [(row["event"], row["action"], row["entities"]) for row in rows] == [
        ("create", "C", ("Patient/p/_history/1",)),
        ("update", "U", ("Patient/p/_history/2",)),
        ("update.same", "U", ("Patient/p/_history/2",)),
        ("read", "R", ("Patient/p/_history/2",)),
    ]
    assert {row["principal"] for row in rows} == {"tester"}


def test_a_transaction_has_one_audit_row(services: Services, caller: Caller) -> None:
    entry = {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/p"}}
    transaction({"resourceType": "Bundle", "entry": [entry]}, caller, services=services, base=BASE)
    assert [(row["event"], row["entities"]) for row in services.store.audit(caller)] == [
        ("transaction", ("Patient/p/_history/1",))
    ]
    assert [delivery.owed.kind for delivery in owed(services, caller)] == ["transaction"]


def test_another_tenant_sees_and_matches_nothing(services: Services, caller: Caller) -> None:
    update(PATIENT, caller, type="Patient", id="p", services=services)
    other = Caller("tester", tenant="other")
    with pytest.raises(GatewayError) as refused:
        read(other, "Patient", "p", services=services)
    assert refused.value.status == 404
    request = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
    with pytest.raises(Invalid) as lost:
        create({**request, "subject": {"reference": "Patient/p"}}, other, type="ServiceRequest", services=services)
    assert "not-found" in [issue.code for issue in lost.value.issues]


def test_a_caller_without_a_name_may_do_nothing_and_that_is_audited(services: Services, caller: Caller) -> None:
    nobody = Caller("")
    for work in (
        lambda: update(PATIENT, nobody, type="Patient", id="p", services=services),
        lambda: create(PATIENT, nobody, type="Patient", services=services),
        lambda: refer(services, nobody, a_referral()),
    ):
        with pytest.raises(GatewayError) as refused:
            work()
        assert refused.value.status == 403
    assert events(services, caller) == [("refused", "refused")] * 3
