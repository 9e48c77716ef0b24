"""What partners have is found by asking, kept once for each version, and applied newest first whatever the order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from gateway.fhir import codec
from gateway.partners.polling import FhirPolling
from gateway.ports import Inbound
from gateway.simulators.server import Simulator
from gateway.usecases.apply_inbox import apply_inbox
from gateway.usecases.poll_partner import CONTENT_TYPE, Polling, Recent
from gateway.usecases.services import Services
from tests.usecases.polling.conftest import (
    BASE,
    CALLER,
    PATIENT,
    REQUEST,
    Clock,
    Gateway,
    task,
)


def test_a_referral_is_found_kept_and_told_to_everyone_but_the_partner_it_came_from(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling]
) -> None:
    server, partner = epic
    assert gateway.poll(partner) == Polling(1, 1)
    assert gateway.apply() == [("applied", "3 of 3 resources were news")]
    (kept,) = gateway.all("Task")
    (request,), (member,) = gateway.all("ServiceRequest"), gateway.all("Patient")
    assert kept["focus"] == {"reference": f"ServiceRequest/{request['id']}"}
    assert kept["for"] == request["subject"] == {"reference": f"Patient/{member['id']}"}
    assert kept["requester"] == {"identifier": {"system": server.url, "value": "PractitionerRole/secret"}}
    assert kept["identifier"] == [{"system": server.url, "value": "Task/et1"}]
    assert [one["code"] for one in kept["code"]["coding"]] == ["community-resource", "fulfill"]
    owed = gateway.services.store.outbox.list(CALLER)
    assert {(one.owed.partner, one.owed.type) for one in owed} == {("plan", "Task")}


def test_asking_again_finds_the_same_once_and_never_before_it_is_due(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    gateway.poll(partner)
    asked = len(server.recorded)
    clock.pass_(minutes=14)
    assert gateway.poll(partner) is None
    assert len(server.recorded) == asked
    clock.pass_(minutes=1)
    assert gateway.poll(partner) == Polling(1, 0)
    gateway.recent = Recent()  # another process
    clock.pass_(minutes=15)
    assert gateway.poll(partner) == Polling(1, 0), "the inbox knows every version"
    server.memory.put(task("accepted"))
    clock.pass_(minutes=15)
    assert gateway.poll(partner) == Polling(1, 1)
    gateway.apply()
    assert [one["status"] for one in gateway.all("Task")] == ["accepted"]


def test_all_orders_of_a_partners_versions_end_in_the_newest(
    services: Services, clock: Clock, epic: tuple[Simulator, FhirPolling]
) -> None:
    gateway, (server, partner) = Gateway(replace(services, clock=clock), clock), epic
    gateway.poll(partner)
    states = ["accepted", "in-progress", "on-hold", "completed"]
    for status in states:
        server.memory.put(task(status, statusReason={"text": "as asked"}))
        clock.pass_(minutes=15)
        gateway.poll(partner)
    messages = gateway.services.store.inbox.list(CALLER)
    assert len(messages) == 5
    first, *rest = messages
    for number, order in enumerate(permutations(rest)):
        moved = [replaced(one, first, f"et1-{number}") for one in (first, *order, *order)]
        waiting = iter(moved)
        while apply_inbox(gateway.applying, inbox=lambda waiting=waiting: next(waiting, None)):
            pass
    assert {one["status"] for one in gateway.all("Task")} == {"completed"}
    assert len(gateway.all("Task")) == 24


def replaced(message: Inbound, first: Inbound, id: str) -> Inbound:
    """The message about another Task."""
    return replace(message, body=message.body.replace(b"et1", id.encode()))


@pytest.mark.parametrize("status", ["done-ish", "ready"])
def test_a_status_that_a_referral_does_not_have_is_parked_and_never_guessed(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock, status: str
) -> None:
    server, partner = epic
    gateway.poll(partner)
    gateway.apply()
    server.memory.put(task(status))
    clock.pass_(minutes=15)
    gateway.poll(partner)
    ((ending, reason),) = gateway.apply()
    assert ending == "parked", reason
    assert [one["status"] for one in gateway.all("Task")] == ["requested"]


def test_a_member_who_is_here_is_linked_and_not_overwritten(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling]
) -> None:
    mine = {**PATIENT, "id": "mine", "name": [{"family": "Zanzibarovna", "given": ["Ludmila"]}]}
    with gateway.services.store.begin(CALLER) as tx:
        tx.put(mine)
    server, partner = epic
    gateway.poll(partner)
    assert gateway.apply()[0][0] == "applied"
    (member,) = gateway.all("Patient")
    assert (member["id"], member["name"]) == ("mine", mine["name"])
    assert member["identifier"][-1] == {"system": server.url, "value": "Patient/ep1"}


def test_of_a_task_of_ours_the_partner_moves_status_and_reason_only(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling]
) -> None:
    server, partner = epic
    ours = {**task(), "id": "t9", "description": "ours", "requester": {"display": "us"}}
    ours = {name: value for name, value in ours.items() if name not in ("focus", "for")}
    with gateway.services.store.begin(CALLER) as tx:
        tx.put(ours)
    theirs = task("accepted", description="theirs", identifier=[{"system": BASE, "value": "Task/t9"}])
    server.memory.put(theirs)
    gateway.poll(partner)
    gateway.apply()
    (kept,) = gateway.all("Task")
    assert (kept["id"], kept["status"], kept["description"]) == ("t9", "accepted", "ours")


def test_an_id_that_is_a_search_of_its_own_finds_nobody(gateway: Gateway) -> None:
    """A comma in an id would ask for another member as well, whose record the partner would then overwrite."""
    with gateway.services.store.begin(CALLER) as tx:
        tx.put({**PATIENT, "id": "mine"})
    crooked = "x,urn:example:cin|91234567A"
    base = "https://epic.example/fhir"
    taken = {"resourceType": "Patient", "id": crooked, "name": [{"family": "Zanzibarovna", "given": ["Eve"]}]}
    request = {**REQUEST, "subject": {"reference": f"Patient/{crooked}"}}
    for resources in ([taken, request], [taken], [request]):
        entries = [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
        body = codec.write({"resourceType": "Bundle", "type": "collection", "entry": entries})
        gateway.services.store.inbox.keep(
            CALLER, partner="epic", key=f"poll:{len(body)}", content_type=CONTENT_TYPE, body=body, now=gateway.clock()
        )
    assert [ending for ending, _ in gateway.apply()] == ["parked", "parked", "applied"]
    assert [one["name"] for one in gateway.all("Patient")] == [PATIENT["name"]]
    assert ["reference" in one["subject"] for one in gateway.all("ServiceRequest")] == [False]


def test_the_echo_of_what_we_wrote_there_takes_nothing_away_and_tells_nobody(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    gateway.poll(partner)
    gateway.apply()
    (ours,) = gateway.all("Task")
    accepted = {"status": "accepted", "lastModified": "2026-03-02T09:00:00-08:00"}
    with gateway.services.store.begin(CALLER) as tx:
        tx.put(ours | accepted)
    owed = len(gateway.services.store.outbox.list(CALLER))
    clock.pass_(hours=1)
    server.memory.put(task("accepted"), at=clock())  # it keeps the status, and not since when
    clock.pass_(hours=1)
    gateway.poll(partner)
    assert [ending for ending, _ in gateway.apply()] == ["applied"]
    (after,) = gateway.all("Task")
    assert {name: after[name] for name in accepted} == accepted
    assert after["meta"]["source"] != ours["meta"]["source"], "of which version it is is known"
    assert len(gateway.services.store.outbox.list(CALLER)) == owed
