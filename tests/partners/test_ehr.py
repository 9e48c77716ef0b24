"""EHRs that take little: what is theirs is updated and never created, the rest is a document and a message, once."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.partners import Ehr, adapter
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message
from gateway.simulators.faults import Answer, Script
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from tests.partners.messages import message

PLAN = {
    "resourceType": "CarePlan",
    "id": "c1",
    "meta": {"versionId": "4", "lastUpdated": "2026-03-02T17:30:00Z"},
    "status": "active",
    "title": "Housing and health",
    "subject": {"reference": "Patient/p1"},
    "goal": [{"reference": "Goal/g1"}],
}
GOAL = {"resourceType": "Goal", "id": "g1", "description": {"text": "A home of her own"}}
TASK = {
    "resourceType": "Task",
    "id": "t1",
    "meta": {"versionId": "2"},
    "status": "rejected",
    "statusReason": {"text": "no capacity"},
    "for": {"reference": "Patient/p1"},
    "note": [{"text": "ours alone"}],
}


def patient(address: str) -> dict[str, Any]:
    known = [{"system": address, "value": "Patient/their-p1"}]
    return {"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}], "identifier": known}


@pytest.fixture(params=["epic", "oracle"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str) -> Iterator[Simulator]:
    with Simulator(memory=memory(kind)) as running:
        yield running


def address(server: Simulator, kind: str) -> str:
    return f"{server.url}/{TENANT}" if kind == "oracle" else server.url


SENDERS: list[Ehr] = []


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    yield
    while SENDERS:
        SENDERS.pop().close()


def sender(server: Simulator, kind: str, **changed: Any) -> Ehr:
    made = adapter(PartnerSettings("p", kind, **{"base_url": address(server, kind), "seconds": 60, **changed}))
    assert isinstance(made, Ehr)
    SENDERS.append(made)
    return made


def written(server: Simulator) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in server.memory.resources.values():
        found.setdefault(one["resourceType"], []).append(one)
    return found


def test_a_care_plan_arrives_as_a_document_and_a_message(server: Simulator, kind: str) -> None:
    receipt = sender(server, kind).send(message(patient(address(server, kind)), GOAL, PLAN))
    assert receipt.accepted, receipt
    found = written(server)
    assert set(found) == {"DocumentReference", "Communication"}
    (document,), (said,) = found["DocumentReference"], found["Communication"]
    assert document["subject"] == {"reference": "Patient/their-p1"}
    text, whole = (base64.b64decode(one["attachment"]["data"]) for one in document["content"])
    assert "Goal: A home of her own" in text.decode()
    bundle = codec.read(whole)
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    assert [one["resource"]["resourceType"] for one in bundle["entry"][1:]] == ["Patient", "Goal", "CarePlan"]
    assert said["about"] == [{"reference": next(p for p in server.memory.resources if p.startswith("Doc"))}]


@pytest.mark.parametrize("lost", ["lost-reply", "cut-headers", "cut-chunk", "slow"])
def test_a_reply_lost_after_a_create_makes_no_second_one(server: Simulator, kind: str, lost: str) -> None:
    told = message(patient(address(server, kind)), GOAL, PLAN)
    partner = sender(server, kind, seconds=0.5)
    for number in range(4):
        server.faults = Script([*["ok"] * number, lost])
        partner.send(told)
    server.faults = Script()
    assert sender(server, kind).send(told).accepted
    assert {type: len(found) for type, found in written(server).items()} == {"DocumentReference": 1, "Communication": 1}


def test_a_new_version_replaces_the_document_or_adds_one_where_none_can_be_replaced(
    server: Simulator, kind: str
) -> None:
    to, known = sender(server, kind), patient(address(server, kind))
    newer = {**PLAN, "meta": {"versionId": "5"}, "status": "completed"}
    for plan in (PLAN, newer, newer):
        assert to.send(message(known, GOAL, plan)).accepted
    counts = {type: len(found) for type, found in written(server).items()}
    assert counts == {"DocumentReference": 1 if kind == "oracle" else 2, "Communication": 2}


def test_a_member_that_the_partner_does_not_know_is_a_matter_for_a_person(server: Simulator, kind: str) -> None:
    stranger = {**patient(address(server, kind)), "identifier": []}
    receipt = sender(server, kind).send(message(stranger, GOAL, PLAN))
    assert (receipt.accepted, receipt.retry) == (False, False)
    assert "link the Patient" in receipt.reason
    assert server.recorded == []


@pytest.fixture
def epic() -> Iterator[Simulator]:
    with Simulator(memory=memory("epic")) as running:
        running.memory.put({"resourceType": "Task", "id": "et1", "status": "requested", "priority": "routine"})
        yield running


def their_task(server: Simulator, **more: Any) -> Message:
    known = [{"system": server.url, "value": "Task/et1"}]
    return message(patient(server.url), {**TASK, **more, "identifier": known})


def test_of_the_partners_own_task_status_and_reason_are_changed_and_nothing_else(epic: Simulator) -> None:
    assert sender(epic, "epic").send(their_task(epic)).accepted
    assert written(epic) == {
        "Task": [
            {
                "resourceType": "Task",
                "id": "et1",
                "status": "rejected",
                "priority": "routine",
                "statusReason": {"text": "no capacity"},
                "meta": epic.memory.resources["Task/et1"]["meta"],
            }
        ]
    }
    assert [one.method for one in epic.recorded] == ["GET", "PUT"]
    assert epic.recorded[1].headers["if-match"] == 'W/"1"'
    assert sender(epic, "epic").send(their_task(epic)).accepted
    assert [one.method for one in epic.recorded][2:] == ["GET"], "what the partner says already is not written again"


def test_somebody_faster_is_read_again_before_writing(epic: Simulator) -> None:
    answer = epic.memory.answer
    raced = []

    def raced_once(method: str, path: str, body: bytes, headers: Any = None) -> Answer:
        if method == "PUT" and not raced:
            raced.append(path)
            epic.memory.put({"resourceType": "Task", "id": "et1", "status": "requested", "priority": "urgent"})
        found: Answer = answer(method, path, body, headers)
        return found

    epic.memory.answer = raced_once
    assert sender(epic, "epic").send(their_task(epic)).accepted
    (task,) = written(epic)["Task"]
    assert (task["status"], task["priority"]) == ("rejected", "urgent")


def test_a_task_that_the_partner_closed_is_not_reopened(epic: Simulator) -> None:
    epic.memory.put({"resourceType": "Task", "id": "et1", "status": "cancelled"})
    receipt = sender(epic, "epic").send(their_task(epic, status="accepted"))
    assert (receipt.accepted, receipt.retry) == (False, False)
    assert written(epic)["Task"][0]["status"] == "cancelled"


def test_a_task_of_ours_is_never_created_there(epic: Simulator) -> None:
    assert sender(epic, "epic").send(message(patient(epic.url), TASK)).accepted
    assert set(written(epic)) == {"Task", "DocumentReference", "Communication"}
    assert len(written(epic)["Task"]) == 1


def test_another_tenant_and_a_page_elsewhere_are_refused() -> None:
    with Simulator(memory=memory("oracle")) as oracle:
        known = patient(f"{oracle.url}/{TENANT[::-1]}")
        wrong = sender(oracle, "oracle", base_url=f"{oracle.url}/{TENANT[::-1]}")
        receipt = wrong.send(message(known, GOAL, PLAN))
        assert (receipt.accepted, receipt.retry, receipt.reason) == (False, False, "http 403")
    with Simulator(memory=memory("epic")) as epic:
        links = [{"relation": "next", "url": "http://169.254.169.254/latest"}]
        page = {"resourceType": "Bundle", "type": "searchset", "link": links}
        epic.memory.answer = lambda *_: Answer(200, page)
        receipt = sender(epic, "epic").send(message(patient(epic.url), GOAL, PLAN))
        assert (receipt.accepted, receipt.retry) == (False, False)
        assert len(epic.recorded) == 1


def test_where_ids_are_the_servers_what_was_created_is_found_and_updated() -> None:
    with Simulator(memory=memory("plan")) as server:
        accepts = {"*": ["create", "update"]}
        to = sender(server, "ehr", accepts=accepts)
        stranger = {**patient("x"), "identifier": []}
        assert to.send(message(stranger, GOAL, PLAN)).accepted
        assert to.send(message(stranger, GOAL, {**PLAN, "title": "New"})).accepted
        found = written(server)
        assert {type: len(ones) for type, ones in found.items()} == {"Patient": 1, "Goal": 1, "CarePlan": 1}
        (plan,) = found["CarePlan"]
        assert plan["title"] == "New"
        places = {one.reference for one in server.memory.effects}
        assert {plan["subject"]["reference"], plan["goal"][0]["reference"]} <= places
