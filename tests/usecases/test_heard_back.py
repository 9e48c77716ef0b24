"""What a partner says of its copy of our Task is news: skipped steps, what was done, what is older, whose it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.member import Organization
from gateway.errors import PartnerRefused
from gateway.fhir import codec
from gateway.partners.polling import FhirPolling
from gateway.partners.settings import PartnerSettings
from gateway.ports import Caller
from gateway.simulators.kinds import memory
from gateway.simulators.server import Simulator
from gateway.usecases.apply_inbox import Applying, apply_inbox
from gateway.usecases.forward_referral import forward_referral
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import Recent, poll_partner
from gateway.usecases.receive_referral import receive_referral
from gateway.usecases.services import Hook, Services, Subscriber
from tests.web.conftest import a_referral

Json = dict[str, Any]
BASE = "http://127.0.0.1:8080/fhir"
THEIRS = "https://target.example/r4"
CALLER = Caller("tester")
DONE = [{"type": {"text": "done"}, "valueReference": {"reference": "Procedure/x1"}}]


class Target:
    """The partner's server, as far as it is read."""

    def __init__(self) -> None:
        self.kept: dict[str, Json] = {}

    def base(self, partner: str) -> str | None:
        return THEIRS

    def read(self, partner: str, reference: str) -> Json:
        if reference not in self.kept:
            raise PartnerRefused
        return self.kept[reference]


class Source:
    """A gateway with one referral, to which the partner `target` sends webhooks."""

    def __init__(self, services: Services) -> None:
        hooks = {"target": Hook("target", accepts=frozenset(["Task", "Procedure"]))}
        subscribers = (Subscriber("target", frozenset(["Task", "ServiceRequest"]), everyone=True),)
        self.services = replace(services, hooks=hooks, subscribers=subscribers)
        self.target = Target()
        self.ended: list[tuple[str, str]] = []
        referral = a_referral()
        done = receive_referral(referral, CALLER, source=codec.write(referral), services=self.services, base=BASE)
        self.request = self.kept("ServiceRequest", done.main.id)
        (self.task,) = self.all("Task")
        self.count = 0

    def kept(self, type: str, id: str) -> Json:
        kept = self.services.store.read(CALLER, type, id)
        assert kept is not None
        found: Json = codec.read(kept.body)
        return found

    def all(self, type: str) -> list[Json]:
        query = self.services.search.parse(type, [("_count", "100")])
        return [codec.read(kept.body) for kept in self.services.store.search(CALLER, query).matches]

    @property
    def now_(self) -> Json:
        return self.kept("Task", self.task["id"])

    def told(self, status: str, *, after: int = 10, **said: Any) -> str:
        """The target's Task comes by webhook, `after` seconds from now at the target; how applying it ended."""
        self.count += 1
        at = datetime.now(UTC) + timedelta(seconds=after)
        meta = {"versionId": str(self.count), "lastUpdated": at.isoformat()}
        body = codec.write({**self.task, "status": status, "meta": meta, **said})
        applying = Applying(
            lambda: self.services, self.target, lambda: datetime.now(UTC), BASE,
            lambda message, ending, reason: self.ended.append((ending, reason)),
        )  # fmt: skip
        self.services.store.inbox.keep(
            CALLER, partner="target", key=str(self.count), content_type="application/json", body=body, now=at
        )
        inbox = self.services.store.inbox
        later = at + timedelta(minutes=1)
        assert apply_inbox(applying, inbox=lambda: inbox.claim(now=later, lease_seconds=60))
        return self.ended[-1][0]

    def owed(self) -> list[tuple[str, str, int]]:
        return [(o.owed.type, o.owed.id, o.owed.version) for o in self.services.store.outbox.list(CALLER, limit=1000)]


@pytest.fixture
def source(services: Services) -> Source:
    return Source(services)


def test_steps_in_between_may_have_been_missed_and_the_request_follows(source: Source) -> None:
    assert source.told("completed") == "applied", source.ended
    assert source.now_["status"] == "completed"
    assert source.now_["businessStatus"]["coding"][0]["code"] == "loop-closed"
    assert source.kept("ServiceRequest", source.request["id"])["status"] == "completed"


def test_its_own_news_is_not_told_back_but_what_followed_is(source: Source) -> None:
    before = set(source.owed())
    source.told("completed")
    new = set(source.owed()) - before
    assert {type for type, _, _ in new} == {"ServiceRequest"}


def test_what_was_done_comes_along_and_is_fetched(source: Source) -> None:
    source.target.kept["Procedure/x1"] = {
        "resourceType": "Procedure",
        "id": "x1",
        "status": "completed",
        "subject": source.task["for"],
        "code": {"text": "Deposit paid"},
        "performer": [{"actor": {"reference": "Organization/secret"}}],
    }
    assert source.told("completed", output=DONE) == "applied", source.ended
    assert source.now_["output"] == DONE
    kept = source.kept("Procedure", "x1")
    assert kept["performer"][0]["actor"]["reference"] == f"{THEIRS}/Organization/secret", "it still leads there"


def test_what_may_not_be_fetched_is_named_by_its_whole_address(source: Source) -> None:
    assert source.told("completed", output=DONE) == "applied", source.ended
    assert source.now_["output"][0]["valueReference"]["reference"] == f"{THEIRS}/Procedure/x1"


def test_all_else_in_our_task_is_ours(source: Source) -> None:
    source.told("accepted", description="theirs", priority="stat", requester={"display": "them"})
    assert "description" not in source.now_
    assert source.now_["requester"] == source.task["requester"]


def test_older_news_and_a_closed_loop_change_nothing(source: Source) -> None:
    source.told("in-progress", after=20)
    assert source.told("accepted", after=10) == "applied"
    assert source.now_["status"] == "in-progress"
    source.told("completed", after=30)
    assert source.told("in-progress", after=40) == "parked", "a closed loop never reopens"
    assert source.now_["status"] == "completed"


@pytest.mark.parametrize("status", ["accepted", "cancelled", "completed"])
def test_the_referral_as_it_was_sent_is_never_news(source: Source, status: str) -> None:
    """It may reach the partner, and be told back, after the loop has moved here."""
    source.told(status, after=10, statusReason={"text": "no staff"})
    assert source.told("requested", after=40) == "applied", source.ended
    assert source.now_["status"] == status


@pytest.mark.parametrize("status", ["ready", "received"])
def test_a_status_that_no_referral_has_is_for_a_person(source: Source, status: str) -> None:
    assert source.told(status) == "parked"
    assert source.ended[-1][1] == "business-rule (loop-status)"


def test_saying_the_same_again_makes_no_version(source: Source) -> None:
    source.told("accepted", after=10)
    version = source.now_["meta"]["versionId"]
    assert source.told("accepted", after=11) == "applied"
    assert source.now_["meta"]["versionId"] == version


def test_a_target_that_ends_it_leaves_the_order_to_the_requester(source: Source) -> None:
    source.told("accepted", after=10)
    source.told("cancelled", after=11, statusReason={"text": "no staff"})
    assert source.now_["statusReason"]["text"] == "no staff"
    assert source.kept("ServiceRequest", source.request["id"])["status"] == "active"


def test_a_partner_moves_only_what_names_its_organizations(source: Source) -> None:
    other = Subscriber("target", frozenset(["Task"]), frozenset(["http://hl7.org/fhir/sid/us-npi|1245319599"]))
    source.services = replace(source.services, subscribers=(other,))
    assert source.told("completed") == "applied"
    assert source.now_["status"] == "requested"
    to = Organization(name="Roof Trust", npi="1245319599")
    done = forward_referral(source.request["id"], CALLER, to=to, services=source.services, base=BASE)
    source.task = codec.read(done.part.body)
    assert source.told("in-progress") == "applied", source.ended
    assert source.now_["status"] == "in-progress"


@pytest.fixture
def polled(source: Source) -> Iterator[tuple[Source, Simulator, FhirPolling]]:
    with Simulator(memory=memory("ehr")) as server:
        settings = PartnerSettings("target", "fhir_server", server.url, send=("Task",), poll=("Task",), seconds=5)
        partner = FhirPolling(settings)
        yield source, server, partner
        partner.close()


def test_polling_a_partner_with_our_ids_moves_our_task_and_makes_no_second_one(
    polled: tuple[Source, Simulator, FhirPolling],
) -> None:
    source, server, partner = polled
    procedure = {"resourceType": "Procedure", "id": "x1", "status": "completed", "subject": source.task["for"]}
    for one in (*source.all("Patient"), source.request, procedure):
        server.memory.put(one)
    server.memory.put({**source.task, "status": "completed", "output": DONE})
    health = Health(alert=lambda *_: None)
    poll_partner(partner, "Task", CALLER, services=source.services, health=health, recent=Recent())
    applying = Applying(
        lambda: source.services, source.target, lambda: datetime.now(UTC), BASE,
        lambda message, ending, reason: source.ended.append((ending, reason)),
    )  # fmt: skip
    inbox = source.services.store.inbox
    while apply_inbox(applying, inbox=lambda: inbox.claim(now=datetime.now(UTC), lease_seconds=60)):
        pass
    assert [ending for ending, _ in source.ended] == ["applied"], source.ended
    assert [one["id"] for one in source.all("Task")] == [source.task["id"]]
    assert len(source.all("Patient")) == len(source.all("ServiceRequest")) == 1
    (done,) = source.all("Procedure")
    assert source.now_["status"] == "completed"
    assert source.now_["output"][0]["valueReference"]["reference"] == f"Procedure/{done['id']}"
