"""Indirect referral with this gateway as the platform: its own order, its own Task, one state for the source."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from gateway.domain.member import Organization
from gateway.errors import IllegalMove
from gateway.fhir import codec
from gateway.ports import Caller
from gateway.trust.disclosure import content
from gateway.usecases.change_referral import change_referral
from gateway.usecases.forward_referral import forward_referral
from gateway.usecases.receive_referral import receive_referral
from gateway.usecases.services import Services
from gateway.usecases.update import update
from tests.web.conftest import a_referral

Json = dict[str, Any]
BASE = "http://127.0.0.1:8080/fhir"
NUMBERS = count(1)


@pytest.fixture
def request_id(services: Services, caller: Caller) -> str:
    source = codec.write(a_referral())
    return receive_referral(codec.read(source), caller, source=source, services=services, base=BASE).main.id


def forward(services: Services, caller: Caller, request: str, name: str) -> Json:
    to = Organization(name=name)
    done = forward_referral(request, caller, to=to, services=services, base=BASE)
    return content(done.part)


def task(services: Services, caller: Caller, id: str) -> Json:
    kept = services.store.read(caller, "Task", id)
    assert kept is not None
    return content(kept)


def hear(services: Services, caller: Caller, id: str, **said: Any) -> None:
    at = (services.clock() + timedelta(seconds=next(NUMBERS))).isoformat()
    news = {"key": {"source": "t", "id": str(next(NUMBERS))}, "party": "target", "task": id, "at": at, **said}
    source = codec.write(news)
    change_referral(codec.read(source), caller, source=source, services=services, base=BASE)


def whole_of(part: Json) -> str:
    reference: str = part["partOf"][0]["reference"]
    return reference.partition("/")[2]


def test_the_platform_has_its_own_order_and_task(services: Services, caller: Caller, request_id: str) -> None:
    part = forward(services, caller, request_id, "Roof Trust")
    order = services.store.read(caller, "ServiceRequest", part["focus"]["reference"].partition("/")[2])
    assert order is not None
    said = content(order)
    assert (said["intent"], said["basedOn"]) == ("filler-order", [{"reference": f"ServiceRequest/{request_id}"}])
    assert said["requester"] == part["requester"]
    assert part["status"] == "requested"
    assert task(services, caller, whole_of(part))["status"] == "accepted"
    again = forward(services, caller, request_id, "Roof Trust")
    assert (again["id"], again["meta"]["versionId"]) == (part["id"], "1")


def test_the_state_of_the_part_is_mirrored_with_what_was_done(
    services: Services, caller: Caller, request_id: str
) -> None:
    part = forward(services, caller, request_id, "Roof Trust")
    whole = whole_of(part)
    hear(services, caller, part["id"], status="in-progress")
    assert task(services, caller, whole)["status"] == "in-progress"
    present = task(services, caller, part["id"])
    later = (services.clock() + timedelta(minutes=9)).isoformat(timespec="seconds")
    done = {"type": {"text": "done"}, "valueCodeableConcept": {"text": "Deposit paid"}}
    ended = {**present, "status": "completed", "output": [done], "lastModified": later}
    update(ended, caller, type="Task", id=part["id"], services=services)
    mirrored = task(services, caller, whole)
    assert (mirrored["status"], mirrored["output"]) == ("completed", [done])
    for id in (request_id, part["focus"]["reference"].partition("/")[2]):
        kept = services.store.read(caller, "ServiceRequest", id)
        assert kept is not None
        assert content(kept)["status"] == "completed"


def test_one_of_two_parts_declined_leaves_the_whole_at_work(
    services: Services, caller: Caller, request_id: str
) -> None:
    first, second = (forward(services, caller, request_id, name) for name in ("Roof Trust", "Key Trust"))
    whole = whole_of(first)
    hear(services, caller, first["id"], status="rejected", reason="no room")
    assert task(services, caller, whole)["status"] == "accepted"
    hear(services, caller, second["id"], status="in-progress")
    hear(services, caller, second["id"], status="failed", reason="moved away")
    assert task(services, caller, whole)["status"] == "failed"


def test_withdrawing_the_whole_withdraws_its_open_parts(services: Services, caller: Caller, request_id: str) -> None:
    first, second = (forward(services, caller, request_id, name) for name in ("Roof Trust", "Key Trust"))
    hear(services, caller, first["id"], status="completed")
    whole = whole_of(first)
    hear(services, caller, whole, party="requester", status="cancelled", reason="moved away")
    assert [task(services, caller, part["id"])["status"] for part in (first, second)] == ["completed", "cancelled"]
    with pytest.raises(IllegalMove):
        forward(services, caller, request_id, "Third Trust")


def test_withdrawing_the_whole_withdraws_more_parts_than_a_page(
    services: Services, caller: Caller, request_id: str
) -> None:
    parts = [forward(services, caller, request_id, f"Trust {number}") for number in range(52)]
    hear(services, caller, whole_of(parts[0]), party="requester", status="cancelled", reason="moved away")
    assert {task(services, caller, part["id"])["status"] for part in parts} == {"cancelled"}


def test_each_party_is_owed_the_change(services: Services, caller: Caller, request_id: str) -> None:
    part = forward(services, caller, request_id, "Roof Trust")
    hear(services, caller, part["id"], status="in-progress")
    owed = {(one.owed.type, one.owed.id, one.owed.version) for one in services.store.outbox.list(caller)}
    whole = whole_of(part)
    assert {("Task", part["id"], 1), ("Task", part["id"], 2), ("Task", whole, 2), ("Task", whole, 3)} <= owed
