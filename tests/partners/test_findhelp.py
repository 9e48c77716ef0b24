"""A community platform by our own contract: referred once, its directory asked and never kept, its events read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway import shipped
from gateway.domain.loop import TaskStatus
from gateway.doors import findhelp as door
from gateway.doors.readers import Readers
from gateway.errors import BadRequest, Malformed, PartnerRefused, PartnerUnavailable, Unmappable
from gateway.fhir import codec
from gateway.mapping.closed_loop import load_vocabulary
from gateway.partners.findhelp import Directory, Findhelp
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message
from gateway.simulators.faults import Script
from gateway.simulators.findhelp import FindhelpMemory, signed
from gateway.simulators.server import Simulator
from gateway.trust.webhook_signature import verify
from tests.contracts.test_partner import message

TODAY = date(2026, 3, 2)


@pytest.fixture
def platform() -> Iterator[Simulator]:
    with Simulator(memory=FindhelpMemory()) as server:
        yield server


@pytest.fixture
def sender(platform: Simulator) -> Iterator[Findhelp]:
    made = Findhelp(PartnerSettings("findhelp", "findhelp", platform.url, tenant="la-care", seconds=60))
    yield made
    made.close()


def referral(version: int = 1, status: str = "requested") -> Message:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"family": "Zanzibarovna", "given": ["Mila"]}],
        "telecom": [{"system": "phone", "value": "555-0100"}],
        "address": [{"postalCode": "90012"}],
    }
    request = {"resourceType": "ServiceRequest", "id": "s1", "priority": "urgent", "code": {"text": "Housing"}}
    task = {
        "resourceType": "Task",
        "id": "t1",
        "meta": {"versionId": str(version)},
        "status": status,
        "focus": {"reference": "ServiceRequest/s1"},
        "for": {"reference": "Patient/p1"},
    }
    return message(patient, request, task, delivery_id=f"d{version}")


def test_a_referral_says_who_and_what_and_nothing_of_fhir(platform: Simulator, sender: Findhelp) -> None:
    receipt = sender.send(referral())
    assert receipt.accepted, receipt
    (recorded,) = platform.recorded
    assert recorded.path == "/fhir/v1/la-care/referrals"
    assert codec.read(recorded.body) == {
        "contract": "ecm-findhelp/1",
        "tenant": "la-care",
        "referral": {
            "reference": "Task/t1",
            "version": 1,
            "status": "requested",
            "urgent": True,
            "service": "Housing",
        },
        "person": {"name": "Mila Zanzibarovna", "phones": ["555-0100"], "zip": "90012"},
    }


def test_a_lost_reply_makes_no_second_referral_and_older_news_changes_nothing(
    platform: Simulator, sender: Findhelp
) -> None:
    platform.faults = Script(["lost-reply"])
    sender.send(referral())
    for told in (referral(), referral(3, "cancelled"), referral(2)):
        assert sender.send(told).accepted
    assert platform.memory.effects == [("la-care", "Task/t1", 1), ("la-care", "Task/t1", 3)]


def test_each_tenant_has_referrals_of_its_own_and_an_unknown_one_none(platform: Simulator, sender: Findhelp) -> None:
    other = Findhelp(PartnerSettings("other", "findhelp", platform.url, tenant="health-net", seconds=60))
    stranger = Findhelp(PartnerSettings("x", "findhelp", platform.url, tenant="nobody", seconds=60))
    assert sender.send(referral()).accepted
    assert other.send(referral()).accepted
    receipt = stranger.send(referral())
    assert (receipt.accepted, receipt.retry, receipt.reason) == (False, False, "http 403")
    assert {effect.tenant for effect in platform.memory.effects} == {"la-care", "health-net"}
    other.close()
    stranger.close()


def test_what_is_no_task_is_refused_before_it_leaves(platform: Simulator, sender: Findhelp) -> None:
    receipt = sender.send(message({"resourceType": "CarePlan", "id": "c1"}))
    assert (receipt.accepted, receipt.retry) == (False, False)
    assert platform.recorded == []


def test_tags_are_kept_for_a_day_and_programmes_never(platform: Simulator, sender: Findhelp) -> None:
    now = [0.0]
    directory = Directory(sender, seconds=lambda: now[0])
    assert "food delivery" in directory.service_tags("90012")
    assert directory.service_tags("90012") == directory.service_tags("90012")
    assert platform.memory.lookups == 1
    now[0] = 24 * 3600.0
    directory.service_tags("90012")
    assert platform.memory.lookups == 2
    for _ in range(2):
        (found,) = directory.programmes("90012", service_tag="food delivery")
    assert (found.service_tags, found.accepts_referrals) == (("food delivery",), False)
    assert platform.memory.lookups == 4


@pytest.mark.parametrize(
    ("fault", "raised"), [("500", PartnerUnavailable), ("wrong-tenant", PartnerRefused), ("html", PartnerUnavailable)]
)
def test_a_directory_that_fails_says_so(
    platform: Simulator, sender: Findhelp, fault: str, raised: type[Exception]
) -> None:
    platform.faults = Script([fault])
    with pytest.raises(raised):
        Directory(sender).programmes("90012", service_tag="transit")
    with pytest.raises(BadRequest):
        Directory(sender).service_tags("9001")


def event(**changed: Any) -> bytes:
    said = {"contract": "ecm-findhelp/1", "id": "evt-1", "tenant": "la-care", "reference": "Task/t1"}
    said |= {"status": "Got help", "at": "2026-03-01T10:00:00-08:00", **changed}
    return codec.write({name: value for name, value in said.items() if value is not None})


def test_every_word_of_the_platform_has_a_meaning_and_others_are_refused() -> None:
    folder = shipped.folder("mappings")
    reader, words = Readers.load(folder).json("referral-change"), load_vocabulary(folder)

    def meant(status: str) -> TaskStatus | None:
        body = event(status=status)
        change = reader.read_value(door.referral_change(body, partner="findhelp"), source=body, today=TODAY).require()
        assert change.task == "t1"
        return words.meaning(change, present=TaskStatus.ACCEPTED, on=TODAY).status

    assert meant("Got help") is TaskStatus.COMPLETED
    assert meant("declined") is TaskStatus.REJECTED
    assert meant("could not reach") is TaskStatus.FAILED
    with pytest.raises(Unmappable):
        meant("kind of done")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        event(contract="ecm-findhelp/2"),
        event(id=None),
        event(status=7),
        event(at=""),
        event(reference="Patient/p1"),
        event(reason=["Zanzibarovna"]),
    ],
)
def test_what_is_no_event_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises((Malformed, Unmappable)) as caught:
        door.referral_change(body, partner="findhelp")
    assert "Zanzibarovna" not in str(caught.value)


def test_the_simulator_signs_events_as_standard_webhooks_do() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = FindhelpMemory().event("la-care", "Task/t1", "accepted")
    now = datetime(2026, 3, 2, tzinfo=UTC)
    verify(body, signed("evt-1", str(int(now.timestamp())), body, secret), secrets=(secret,), now=now)
