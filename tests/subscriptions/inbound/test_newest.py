"""Whatever the order and however often, what was sent ends in the newest by its source."""

from __future__ import annotations

import itertools

import pytest

from tests.subscriptions.inbound.conftest import Desk, task


def test_a_reference_to_our_own_address_is_kept_as_ours(desk: Desk) -> None:
    desk.send(task(1, **{"for": {"reference": "http://127.0.0.1:8080/fhir/Patient/p1"}}))
    desk.apply()
    assert desk.rig.get("Task/k1")["for"] == {"reference": "Patient/p1"}


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_every_order_ends_in_the_newest(desk: Desk, order: tuple[int, ...]) -> None:
    status = {1: "requested", 2: "received", 3: "accepted"}
    for number in order:
        desk.send(task(number, status=status[number]), id=f"m{number}")
    desk.apply()
    kept = desk.rig.get("Task/k1")
    assert (kept["description"], kept["status"]) == ("version 3", "accepted")
    assert set(desk.states()) == {"applied"}


def test_what_is_sent_again_does_not_undo_what_was_written_here_meanwhile(desk: Desk) -> None:
    desk.send(task(2), id="m2")
    desk.apply()
    here = {name: value for name, value in task(2).items() if name != "meta"} | {"description": "ours"}
    desk.rig.put(here)
    for id, number in (("again", 2), ("late", 1)):
        desk.send(task(number), id=id)
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "ours"
    desk.send(task(3), id="m3")
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "version 3"


def test_a_source_that_a_client_made_up_is_none(desk: Desk) -> None:
    made_up = {"source": "urn:ecm-gateway:source:clinic:Task/k1:x#y"}
    desk.rig.put({**task(1), "meta": made_up})
    desk.send(task(2))
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "version 2"


def test_versions_of_one_moment_are_told_by_number(desk: Desk) -> None:
    same = {"lastUpdated": "2026-03-01T09:00:00Z"}
    for number in (2, 10, 9):
        desk.send({**task(1), "description": str(number), "meta": {**same, "versionId": str(number)}})
    desk.apply()
    assert desk.rig.get("Task/k1")["description"] == "10"


def test_a_worker_that_was_overtaken_settles_nothing(desk: Desk) -> None:
    desk.send(task(1))
    inbox = desk.rig.store.inbox
    first = inbox.claim(now=desk.rig.now(), lease_seconds=1)
    assert first is not None
    assert inbox.claim(now=desk.rig.now(), lease_seconds=1) is None
    desk.rig.later(2)
    second = inbox.claim(now=desk.rig.now(), lease_seconds=60)
    assert second is not None
    assert not inbox.settle(first, state="parked", now=desk.rig.now(), reason="late")
    assert inbox.settle(second, state="applied", now=desk.rig.now())
