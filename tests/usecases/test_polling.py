"""What partners have is found by asking, kept once for each version, and applied newest first whatever the order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.partners.capabilities import PollRule
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller, Inbound
from gateway.simulators.faults import DRAGS, FAULTS, REFUSALS, Script
from gateway.simulators.kinds import TENANT, memory
from gateway.simulators.server import Simulator
from gateway.usecases.apply_inbox import Applying, apply_inbox
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import CONTENT_TYPE, Polling, Recent, poll_partner
from gateway.usecases.poll_round import Rounds
from gateway.usecases.services import Services, Subscriber

BASE = "https://gateway.example/fhir"
COMMUNITY = {"coding": [{"system": "urn:example:epic-task", "code": "community-resource"}]}
CALLER = Caller("system:poll")


def task(status: str = "requested", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": "et1",
        "status": status,
        "intent": "order",
        "code": COMMUNITY,
        "authoredOn": "2026-03-01T10:00:00-08:00",
        "focus": {"reference": "ServiceRequest/es1"},
        "for": {"reference": "Patient/ep1"},
        "requester": {"reference": "PractitionerRole/secret"},
        **more,
    }


REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "es1",
    "status": "active",
    "intent": "order",
    "code": {"text": "Enhanced Care Management"},
    "subject": {"reference": "Patient/ep1"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "ep1",
    "name": [{"family": "Zanzibarovna", "given": ["Mila"]}],
    "identifier": [{"system": "urn:example:cin", "value": "91234567A"}],
}


class Clock:
    """The time, as the test moves it."""

    def __init__(self) -> None:
        self.at = datetime.fromisoformat("2026-03-02T09:30:00-08:00")

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


class Gateway:
    """Polling and applying over one store."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self.services, self.clock = services, clock
        self.alerts: list[tuple[str, str]] = []
        self.health = Health(alert=lambda name, state, reason: self.alerts.append((name, state)))
        self.recent = Recent()
        self.endings: list[tuple[str, str]] = []
        self.applying = Applying(
            services=lambda: services, source=None, clock=clock, base=BASE,  # type: ignore[arg-type]
            tell=lambda message, ending, reason: self.endings.append((ending, reason)),
        )  # fmt: skip

    def poll(self, partner: FhirPolling, type: str = "Task", **how: Any) -> Polling | None:
        return poll_partner(
            partner, type, CALLER, services=self.services, health=self.health, recent=self.recent, **how
        )

    def apply(self) -> list[tuple[str, str]]:
        self.endings.clear()
        inbox = self.services.store.inbox
        while apply_inbox(self.applying, inbox=lambda: inbox.claim(now=self.clock(), lease_seconds=60)):
            pass
        return list(self.endings)

    def all(self, type: str) -> list[dict[str, Any]]:
        query = self.services.search.parse(type, [("_count", "50")])
        return [codec.read(kept.body) for kept in self.services.store.search(CALLER, query).matches]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(services: Services, clock: Clock) -> Gateway:
    subscribers = tuple(Subscriber(name, frozenset(["Task"]), everyone=True) for name in ("epic", "plan"))
    return Gateway(replace(services, clock=clock, subscribers=subscribers), clock)


@pytest.fixture
def epic() -> Iterator[tuple[Simulator, FhirPolling]]:
    with Simulator(memory=memory("epic")) as server:
        for one in (PATIENT, REQUEST, task()):
            server.memory.put(one)
        partner = FhirPolling(PartnerSettings("epic", "epic", server.url, seconds=60))
        yield server, partner
        partner.close()


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


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"not-all-entries"}))
def test_no_fault_moves_the_cursor_or_keeps_anything(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock, fault: str
) -> None:
    server = epic[0]
    partner = FhirPolling(PartnerSettings("epic", "epic", server.url, seconds=0.5 if fault in DRAGS else 60))
    server.faults = Script([fault])
    done = gateway.poll(partner)
    partner.close()
    assert done is not None
    assert done.error is not None
    assert done.error.code == ("processing" if fault in REFUSALS else "transient")
    assert gateway.services.store.inbox.list(CALLER) == []
    clock.pass_(minutes=15)
    server.faults = Script()
    assert gateway.poll(epic[1]) == Polling(1, 1), "what passes heals"


def test_five_failures_are_told_once_and_the_way_back_once(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    server.faults = Script(["500"] * 7)
    for _ in range(9):
        clock.pass_(minutes=15)
        gateway.poll(partner)
    assert gateway.alerts == [("epic", "down"), ("epic", "up")]


def test_retry_after_is_obeyed_beyond_the_interval(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    partner.every_seconds = 0.5
    server.faults = Script(["429"])
    assert gateway.poll(partner) is not None
    clock.pass_(seconds=0.9)
    assert gateway.poll(partner) is None
    clock.pass_(seconds=0.2)
    assert gateway.poll(partner) == Polling(1, 1)


def test_oracle_is_asked_for_each_member_in_closed_ranges_with_an_overlap(gateway: Gateway, clock: Clock) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        for number in (1, 2):
            known = [{"system": base, "value": f"Patient/op{number}"}]
            with gateway.services.store.begin(CALLER) as tx:
                tx.put({**PATIENT, "id": f"p{number}", "identifier": known})
        for number in range(45):
            subject = {"reference": f"Patient/op{1 + number % 2}"}
            server.memory.put({**REQUEST, "id": f"os{number}", "subject": subject}, at=clock() - timedelta(minutes=5))
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        assert gateway.poll(partner, "ServiceRequest") == Polling(45, 45), "pages that repeat ids make nothing twice"
        assert all(ending == "applied" for ending, _ in gateway.apply())
        assert len(gateway.all("ServiceRequest")) == 45
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest") == Polling(45, 0), "ten minutes before the last time"
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest") == Polling(0, 0)
        assert gateway.poll(partner, "ServiceRequest", sweep=True) is None, "not due, even for a sweep"
        clock.pass_(minutes=15)
        assert gateway.poll(partner, "ServiceRequest", sweep=True) == Polling(45, 0)
        partner.close()
        searches = [one.path for one in server.recorded if "_lastUpdated" in one.path]
        assert all("_lastUpdated=ge" in path and "_lastUpdated=le" in path for path in searches)


def test_another_members_record_is_refused(gateway: Gateway) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        with gateway.services.store.begin(CALLER) as tx:
            tx.put({**PATIENT, "id": "p1", "identifier": [{"system": base, "value": "Patient/op1"}]})
        server.memory.put({**REQUEST, "subject": {"reference": "Patient/x-op1"}}, at=gateway.clock())
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        done = gateway.poll(partner, "ServiceRequest")
        partner.close()
        assert done is not None
        assert done.error is not None
        assert gateway.services.store.inbox.list(CALLER) == []


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


def test_one_member_who_cannot_be_asked_for_holds_up_no_other(gateway: Gateway) -> None:
    with Simulator(memory=memory("oracle")) as server:
        base = f"{server.url}/{TENANT}"
        for number in (1, 2, 3):
            known = [{"system": base, "value": f"Patient/op{number}"}]
            with gateway.services.store.begin(CALLER) as tx:
                tx.put({**PATIENT, "id": f"p{number}", "identifier": known})
            subject = {"reference": f"Patient/{'x-' * (number == 1)}op{number}"}
            server.memory.put({**REQUEST, "id": f"os{number}", "subject": subject}, at=gateway.clock())
        partner = FhirPolling(PartnerSettings("oracle", "oracle", base, seconds=60))
        done = gateway.poll(partner, "ServiceRequest")
        partner.close()
        assert done is not None
        assert (done.found, done.new, done.error and done.error.code) == (2, 2, "processing")


def test_many_pages_have_more_time_than_one(gateway: Gateway) -> None:
    """Else a partner with much to tell would be asked for its first pages for ever, and its last ones never."""
    with Simulator(memory=memory("plan"), heard=lambda recorded: time.sleep(0.15)) as server:
        for number in range(45):
            server.memory.put({**REQUEST, "id": f"os{number}"}, at=gateway.clock())
        settings = PartnerSettings("plan", "fhir_server", server.url, seconds=0.4, poll=("ServiceRequest",))
        partner = FhirPolling(settings)
        partner._rules = {"ServiceRequest": PollRule("ServiceRequest", count=5)}
        found = list(partner.changes("ServiceRequest", since=None, until=gateway.clock()))
        partner.close()
    assert len(found) == 45


class Heard:
    """Rounds over one partner, as the worker makes them."""

    def __init__(self, gateway: Gateway, partner: FhirPolling, stop: Callable[[], bool] = lambda: False) -> None:
        self.polls: list[Polling] = []
        tell = lambda name, type, done: self.polls.append(done)  # noqa: E731
        self.rounds = Rounds(
            [partner], CALLER, lambda: gateway.services, gateway.health, tell, gateway.clock, stopping=stop
        )


def test_a_worker_asks_on_the_interval(gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock) -> None:
    heard = Heard(gateway, epic[1])
    assert heard.rounds.step() == 1
    for _ in range(10):
        assert heard.rounds.step() == 0, "no look before its time"
        clock.pass_(minutes=1)
    assert len(heard.polls) == 1
    clock.pass_(minutes=5)
    heard.rounds.step()
    assert len(heard.polls) == 2
    assert gateway.apply() == [("applied", "3 of 3 resources were news")]


def test_once_a_week_a_worker_asks_for_everything(services: Services, clock: Clock) -> None:
    gateway = Gateway(replace(services, clock=clock), clock)
    with Simulator(memory=memory("ehr")) as server:
        partner = FhirPolling(
            PartnerSettings("ehr", "fhir_server", server.url, poll=("Task",), poll_minutes=360, seconds=60)
        )
        heard = Heard(gateway, partner)
        for _ in range(4 * 8):
            heard.rounds.step()
            clock.pass_(hours=6)
        asked = [one.path for one in server.recorded]
        partner.close()
    whole = [path for path in asked if "_lastUpdated" not in path]
    assert len(whole) == 2
    assert len(asked) == 32


def test_a_sweep_that_fails_is_due_again_after_the_interval(
    gateway: Gateway, epic: tuple[Simulator, FhirPolling], clock: Clock
) -> None:
    server, partner = epic
    server.faults = Script(["500"])
    heard = Heard(gateway, partner)
    assert heard.rounds.step() == 0
    assert heard.polls[0].error is not None
    clock.pass_(minutes=1)
    heard.rounds.step()
    assert len(heard.polls) == 1, "not hammered"
    clock.pass_(minutes=15)
    assert heard.rounds.step() == 1


def test_what_a_stop_breaks_off_is_due_at_once(gateway: Gateway, epic: tuple[Simulator, FhirPolling]) -> None:
    stops = iter([False, True])
    broken = Heard(gateway, epic[1], lambda: next(stops, True))
    assert (broken.rounds.step(), broken.polls) == (0, [])
    assert gateway.poll(epic[1]) == Polling(1, 1)
