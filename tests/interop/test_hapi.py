"""A FHIR server that we did not write, HAPI FHIR: push (alone, by batch, by reference), create once, poll,
write back.

ECM_TEST_HAPI=yes runs it (Java 17 and Maven; the jars are fetched once); without, it is skipped loudly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.partners import Adapter, adapter
from gateway.partners.exchanges import Exchanges
from gateway.partners.http import Client
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message
from tests.interop.hapi_server import started
from tests.partners.messages import OURS, message

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]
START = Path(__file__).parent / "hapi" / "start"
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}]}
GOAL = {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "A home"}}
GOAL |= {"subject": {"reference": "Patient/p1"}}
PLAN = {
    "resourceType": "CarePlan",
    "id": "c1",
    "meta": {"versionId": "4", "lastUpdated": "2026-03-02T17:30:00Z"},
    "status": "active",
    "intent": "plan",
    "subject": {"reference": "Patient/p1"},
    "goal": [{"reference": "Goal/g1"}],
}


@pytest.fixture(scope="module")
def hapi() -> Iterator[str]:
    with started(START) as address:
        yield address


def sent(address: str, told: Message, **settings: Any) -> Any:
    partner: Adapter = adapter(PartnerSettings("hapi", base_url=address, **settings))
    try:
        return partner.send(told)
    finally:
        partner.close()


def listed(address: str, type: str, *parameters: tuple[str, str]) -> list[dict[str, Any]]:
    client = Client(address, seconds=10)
    try:
        return list(Exchanges(client, address, {}).search(type, [("_count", "50"), *parameters]))
    finally:
        client.close()


def test_single_puts_are_kept_under_our_ids_and_a_repeat_changes_nothing_we_said(hapi: str) -> None:
    for _ in range(2):
        receipt = sent(hapi, message(PATIENT, GOAL, PLAN), kind="fhir_server", exchange="each")
        assert receipt.accepted, receipt
    (plan,) = [one for one in listed(hapi, "CarePlan") if one["id"] == "c1"]
    assert plan["goal"] == [{"reference": "Goal/g1"}]


def test_a_batch_for_each_layer_brings_all_that_a_plan_refers_to(hapi: str) -> None:
    """Its server refuses an entry that refers to what is not there yet."""
    member = {**PATIENT, "id": "b-p1"}
    goal = {**GOAL, "id": "b-g1", "subject": {"reference": "Patient/b-p1"}}
    plan = {**PLAN, "id": "b-c1", "subject": {"reference": "Patient/b-p1"}, "goal": [{"reference": "Goal/b-g1"}]}
    for status in ("active", "completed"):
        told = message(member, goal, {**plan, "status": status})
        receipt = sent(hapi, told, kind="fhir_server", exchange="batch")
        assert receipt.accepted, receipt
    (kept,) = [one for one in listed(hapi, "CarePlan") if one["id"] == "b-c1"]
    assert (kept["status"], kept["goal"]) == ("completed", [{"reference": "Goal/b-g1"}])
    assert "b-g1" in {one["id"] for one in listed(hapi, "Goal")}


def test_a_batch_of_which_an_entry_is_refused_is_not_accepted(hapi: str) -> None:
    lost = {**GOAL, "id": "b-g2", "subject": {"reference": "Patient/nobody"}}
    receipt = sent(hapi, message({**PATIENT, "id": "b-p2"}, lost), kind="fhir_server", exchange="batch")
    assert not receipt.accepted
    assert "b-g2" not in {one["id"] for one in listed(hapi, "Goal")}


def test_a_transaction_that_a_server_does_not_take_is_not_accepted(hapi: str) -> None:
    assert not sent(hapi, message({**PATIENT, "id": "b-p3"}), kind="fhir_server", exchange="transaction").accepted


def test_by_reference_a_task_goes_alone_and_leads_back_here(hapi: str) -> None:
    request = {"resourceType": "ServiceRequest", "id": "r-s1", "status": "active", "intent": "order"}
    request |= {"subject": {"reference": "Patient/r-p1"}}
    task = {"resourceType": "Task", "id": "r-t1", "status": "requested", "intent": "order"}
    task |= {"focus": {"reference": "ServiceRequest/r-s1"}, "for": {"reference": "Patient/r-p1"}}
    for status in ("requested", "cancelled"):
        told = message({**PATIENT, "id": "r-p1"}, request, {**task, "status": status})
        receipt = sent(hapi, told, kind="fhir_server", exchange="by-reference")
        assert receipt.accepted, receipt
    (kept,) = [one for one in listed(hapi, "Task") if one["id"] == "r-t1"]
    assert kept["status"] == "cancelled"
    assert kept["focus"] == {"reference": f"{OURS}/ServiceRequest/r-s1"}
    assert kept["for"] == {"reference": f"{OURS}/Patient/r-p1"}
    assert "r-s1" not in {one["id"] for one in listed(hapi, "ServiceRequest")}


def test_where_ids_are_the_servers_each_is_created_once_and_then_updated(hapi: str) -> None:
    accepts = {"*": ["create", "update"]}
    renamed = [{**one, "id": f"x-{one['id']}"} for one in (PATIENT, GOAL, PLAN)]
    renamed[1]["subject"] = renamed[2]["subject"] = {"reference": "Patient/x-p1"}
    renamed[2]["goal"] = [{"reference": "Goal/x-g1"}]
    for status in ("active", "active", "completed"):
        told = message(*renamed[:2], {**renamed[2], "status": status})
        receipt = sent(hapi, told, kind="ehr", accepts=accepts)
        assert receipt.accepted, receipt
    known = ("identifier", f"{OURS}|CarePlan/x-c1")
    (plan,) = listed(hapi, "CarePlan", known)
    assert plan["status"] == "completed"
    (goal,) = listed(hapi, "Goal", ("identifier", f"{OURS}|Goal/x-g1"))
    assert plan["goal"] == [{"reference": f"Goal/{goal['id']}"}]


@pytest.mark.parametrize("kind", ["epic", "oracle"])
def test_a_plan_becomes_a_document_and_a_message_once(hapi: str, kind: str) -> None:
    there = f"their-{kind}"
    assert sent(hapi, message({**PATIENT, "id": there}), kind="fhir_server", exchange="each").accepted
    member = {**PATIENT, "identifier": [{"system": hapi, "value": f"Patient/{there}"}]}
    for _ in range(2):
        receipt = sent(hapi, message(member, GOAL, PLAN), kind=kind)
        assert receipt.accepted, receipt
    (document,) = listed(hapi, "DocumentReference", ("patient", there))
    (said,) = listed(hapi, "Communication", ("patient", there))
    assert said["about"] == [{"reference": f"DocumentReference/{document['id']}"}]


def test_a_task_is_found_by_polling_over_pages_and_answered_in_place(hapi: str) -> None:
    code = {"coding": [{"system": "urn:example:kind", "code": "community-resource"}]}
    for number in range(8):
        task = {"resourceType": "Task", "id": f"ht{number}", "status": "requested", "intent": "order", "code": code}
        assert sent(hapi, message(task), kind="fhir_server", exchange="each").accepted
    with closing(FhirPolling(PartnerSettings("hapi", "epic", hapi, seconds=10))) as poller:
        found = {one.id: one for one in poller.changes("Task", since=None, until=datetime.now(UTC))}
    assert set(found) == {f"ht{number}" for number in range(8)}
    ours = {**found["ht3"].resource, "id": "t3", "status": "accepted"}
    ours["identifier"] = [{"system": hapi, "value": "Task/ht3"}]
    assert sent(hapi, message(ours), kind="epic").accepted
    changed = {one["id"]: one for one in listed(hapi, "Task")}
    assert (changed["ht3"]["status"], changed["ht2"]["status"]) == ("accepted", "requested")
    assert changed["ht3"]["meta"]["versionId"] == "2"


def test_closed_and_open_ranges_of_times_are_understood(hapi: str) -> None:
    assert sent(hapi, message({**PATIENT, "id": "range"}), kind="fhir_server", exchange="each").accepted
    request = {"resourceType": "ServiceRequest", "id": "rs1", "status": "active", "intent": "order"}
    request["subject"] = {"reference": "Patient/range"}  # type: ignore[assignment]
    assert sent(hapi, message(request), kind="fhir_server", exchange="each").accepted
    now = datetime.now(UTC)
    for kind, polled in (("oracle", ()), ("fhir_server", ("ServiceRequest",))):
        with closing(FhirPolling(PartnerSettings("hapi", kind, hapi, seconds=10, poll=polled))) as poller:
            for since, until, wanted in ((-60, 60, True), (-7200, -3600, kind == "fhir_server"), (3600, 7200, False)):
                window = {"since": now + timedelta(seconds=since), "until": now + timedelta(seconds=until)}
                found = [one.id for one in poller.changes("ServiceRequest", members=["Patient/range"], **window)]
                assert ("rs1" in found) == wanted, (kind, since)
