"""What a partner sends of its orders and Tasks by webhook moves the member's loop here, as the same by poll does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway import wiring
from gateway.settings import Settings
from tests.subscriptions.conftest import WEBHOOKS, Rig
from tests.subscriptions.inbound.conftest import CALLER, Desk

Json = dict[str, Any]
ORDERS = '[hooks.orders]\nsecrets = ["whsec_' + "A" * 32 + '"]\naccepts = ["ServiceRequest"]\n'
BOTH = 'accepts = ["Task", "ServiceRequest"]\n'
PARTNERS = """
[clinic]
kind = "console"
send = ["Task", "ServiceRequest"]
{speaks}

[plan]
kind = "console"
send = ["Task"]
everyone = true
"""


def a_desk(settings: Settings, stack: ExitStack, speaks: str = "everyone = true") -> Desk:
    settings.webhooks.write_text(WEBHOOKS + BOTH + ORDERS)
    settings.partners.write_text(PARTNERS.format(speaks=speaks))
    rig = Rig(settings, stack.enter_context(wiring.running(settings)).test_client(), stack)
    rig.put({"resourceType": "Patient", "id": "p1", "name": [{"family": "Zanzibarovna"}], "gender": "female"})
    return Desk(rig)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield a_desk(settings, stack)


NOW = datetime.now(UTC)
"""One moment for the whole run: the same Task sent twice says the same times."""


def minutes(number: float) -> str:
    return (NOW + timedelta(minutes=number)).isoformat(timespec="seconds")


def order(id: str = "r1", version: int = 1, **changes: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": minutes(version - 60)},
        "status": "active",
        "intent": "order",
        "code": {"text": "Enhanced Care Management"},
        "subject": {"reference": "Patient/p1"},
        "requester": {"display": "Harbor Clinic"},
        **changes,
    }


def work(id: str = "k1", request: str = "r1", version: int = 1, **changes: Any) -> Json:
    return {
        "resourceType": "Task",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": minutes(version - 60)},
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": f"ServiceRequest/{request}"},
        "for": {"reference": "Patient/p1"},
        "authoredOn": minutes(-120),
        **changes,
    }


def sent(desk: Desk, *messages: Json, partner: str = "clinic") -> None:
    """The partner sends each, and each is applied."""
    for message in messages:
        assert desk.send(message, partner=partner).status_code == 200
    desk.apply()
    assert {ending for ending, _ in desk.ended} == {"applied"}, desk.ended


def tasks(desk: Desk) -> list[Json]:
    return [entry["resource"] for entry in desk.rig.get("Task?_sort=_id").get("entry", ())]


def test_an_order_without_a_task_starts_a_loop_and_its_withdrawal_ends_it(desk: Desk) -> None:
    sent(desk, order(), partner="orders")
    (begun,) = tasks(desk)
    assert (begun["status"], begun["focus"]["reference"]) == ("requested", "ServiceRequest/r1")
    sent(desk, order(version=2, note=[{"text": "again"}]), partner="orders")
    assert len(tasks(desk)) == 1
    sent(desk, order(version=3, status="revoked"), partner="orders")
    assert [one["status"] for one in tasks(desk)] == ["cancelled"]
    sent(desk, order(version=4), partner="orders")
    assert desk.rig.get("ServiceRequest/r1")["status"] == "revoked", "a closed loop is not opened again"


def test_an_order_of_a_partner_that_sends_tasks_waits_for_its_task(desk: Desk) -> None:
    sent(desk, order())
    assert tasks(desk) == []


@pytest.mark.parametrize(
    ("status", "then"), [("revoked", "cancelled"), ("completed", "requested"), ("on-hold", "requested")]
)
def test_what_becomes_of_an_order_becomes_of_our_task(desk: Desk, status: str, then: str) -> None:
    """The Task came over the API: it is not the partner's copy."""
    desk.rig.put(order())
    desk.rig.put(work())
    sent(desk, order(version=2, status=status))
    assert desk.rig.get("ServiceRequest/r1")["status"] == status
    assert [one["status"] for one in tasks(desk)] == [then]
    owed = {(one.owed.partner, one.owed.type) for one in desk.rig.store.outbox.list(CALLER)}
    assert {("plan", "Task"), ("clinic", "Task")} <= owed


def test_a_withdrawal_ends_its_own_sender_s_part_of_the_loop_alone(desk: Desk) -> None:
    sent(desk, order(), order("r2"), partner="orders")
    first, second = sorted(tasks(desk), key=lambda one: one["focus"]["reference"])
    assert second["groupIdentifier"]["value"] == first["id"]
    sent(desk, order(version=2, status="revoked"), partner="orders")
    assert {one["focus"]["reference"]: one["status"] for one in tasks(desk)} == {
        "ServiceRequest/r1": "cancelled",
        "ServiceRequest/r2": "requested",
    }


@pytest.mark.parametrize("first", list(permutations(range(2))))
def test_a_request_that_followed_its_task_does_not_end_it_otherwise(desk: Desk, first: tuple[int, ...]) -> None:
    """A target tells of both, in any order: the Task failed, so that its request is revoked."""
    desk.rig.put(order())
    desk.rig.put(work(status="accepted", lastModified=minutes(-50)))
    news = [
        order(version=58, status="revoked"),
        work(version=58, status="failed", statusReason={"text": "could not be reached"}, lastModified=minutes(-5)),
    ]
    sent(desk, *(news[at] for at in first))
    (ended,) = tasks(desk)
    assert (ended["status"], ended["statusReason"]["text"]) == ("failed", "could not be reached")
    assert desk.rig.get("ServiceRequest/r1")["status"] == "revoked"


def test_a_partner_that_is_no_party_moves_no_order_of_ours(settings: Settings) -> None:
    with ExitStack() as stack:
        desk = a_desk(settings, stack, 'organizations = ["npi|1234567893"]')
        desk.rig.put(order())
        desk.rig.put(work())
        sent(desk, order(version=2, status="revoked"))
        assert desk.rig.get("ServiceRequest/r1")["status"] == "active"
        assert [one["status"] for one in tasks(desk)] == ["requested"]


def test_a_partner_s_own_task_joins_the_open_loop_and_moves_with_it(desk: Desk) -> None:
    desk.rig.put(order("ours"))
    desk.rig.put(work("our-task", "ours", status="accepted", lastModified=minutes(-30)))
    sent(desk, order(), work())
    copy = desk.rig.get("Task/k1")
    assert (copy["groupIdentifier"]["value"], copy["status"]) == ("our-task", "accepted")
    owed = {(one.owed.partner, one.owed.id) for one in desk.rig.store.outbox.list(CALLER)}
    assert ("clinic", "k1") in owed, "its sender is told that it stands elsewhere than it said"
    assert len(desk.rig.client.get("/loops").get_json()["loops"]) == 1
    present = desk.rig.get("Task/our-task")
    desk.rig.put(present | {"status": "in-progress", "lastModified": minutes(-1)})
    assert desk.rig.get("Task/k1")["status"] == "in-progress"


def test_a_newer_version_of_a_copy_does_not_set_back_what_became_of_it_here(desk: Desk) -> None:
    sent(desk, order(), work())
    news = {"key": {"source": "x", "id": "n"}, "party": "target", "task": "k1", "status": "accepted"}
    assert desk.rig.client.post("/referral-changes", json=news | {"at": minutes(-3)}).status_code == 200
    sent(desk, work(version=9, note=[{"text": "she prefers mornings"}]))
    copy = desk.rig.get("Task/k1")
    assert (copy["status"], copy["note"]) == ("accepted", [{"text": "she prefers mornings"}])
    sent(desk, work(version=10, status="cancelled", statusReason={"text": "moved away"}))
    assert desk.rig.get("Task/k1")["status"] == "cancelled", "the order is its requester's"


def test_the_echo_of_what_we_told_a_partner_says_nothing_less(desk: Desk) -> None:
    """It keeps the status, and not since when or how the state is told of it."""
    sent(desk, order(), work())
    news = {"key": {"source": "x", "id": "n"}, "party": "target", "task": "k1", "status": "accepted"}
    assert desk.rig.client.post("/referral-changes", json=news | {"at": minutes(-3)}).status_code == 200
    before, owed = desk.rig.get("Task/k1"), len(desk.rig.store.outbox.list(CALLER))
    sent(desk, work(version=59, status="accepted"))
    after = desk.rig.get("Task/k1")
    assert len(desk.rig.store.outbox.list(CALLER)) == owed, "nobody is told what everybody knows"
    assert {name: after.get(name) for name in before if name != "meta"} == {
        k: v for k, v in before.items() if k != "meta"
    }


def test_a_copy_stays_in_its_loop_and_a_withdrawn_one_leaves_the_others_open(desk: Desk) -> None:
    desk.rig.put(order("ours"))
    desk.rig.put(work("our-task", "ours"))
    sent(desk, order(), work(), work(version=2, note=[{"text": "again"}]))
    assert desk.rig.get("Task/k1")["groupIdentifier"]["value"] == "our-task"
    sent(desk, work(version=3, status="cancelled", statusReason={"text": "moved away"}, lastModified=minutes(-2)))
    assert [one["status"] for one in tasks(desk)] == ["cancelled", "requested"]
