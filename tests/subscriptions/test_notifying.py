"""From outside: subscribe, shake hands, hear of changes in order with gapless numbers, and heal what was missed."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from gateway import wiring
from gateway.trust import webhook_signature
from gateway.usecases.prune import Days, prune
from tests.subscriptions.conftest import BACKPORT, OLD_SECRET, OWN, SECRET, Rig, care_team, subscription
from tests.subscriptions.receiver import Receiver, numbers, parameter
from tests.web.sent import send

TEAM = OWN + "care-team"


def valid(bundle: dict[str, Any], rig: Rig, *, profile: str = "subscription-notification-r4") -> None:
    """A bundle by its profile."""
    found = wiring.knowledge_of(rig.settings).checker.check(bundle, profiles=(BACKPORT + profile,))
    assert [issue for issue in found if issue.is_error] == []


def test_handshake_then_events(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM, header=["Authorization: Bearer abc"]))
    assert [one.type for one in receiver.got] == ["handshake"]
    assert parameter(receiver.got[0].bundle, "events-since-subscription-start") == "0"
    assert rig.get(f"Subscription/{id}")["status"] == "active"
    rig.put(care_team("t1"))
    rig.put(care_team("t1", note="new"))
    rig.work()
    first, second = receiver.got[1:]
    assert (first.type, first.numbers, second.numbers) == ("event-notification", [1], [2])
    assert first.headers["authorization"] == "Bearer abc"
    assert first.headers["content-type"] == "application/fhir+json"
    bundle = second.bundle
    assert bundle["entry"][1]["request"] == {"method": "PUT", "url": "CareTeam/t1"}
    assert "resource" not in bundle["entry"][1]
    assert "anzibarovna" not in second.body.decode()
    for one in receiver.got:
        assert all("request" in entry and "response" in entry for entry in one.bundle["entry"])
        valid(one.bundle, rig)


@pytest.mark.parametrize(("content", "entries"), [("empty", 1), ("id-only", 2), ("full-resource", 2)])
def test_how_much_is_told(rig: Rig, receiver: Receiver, content: str, entries: int) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM, content=content))
    rig.put(care_team("t1"))
    rig.work()
    bundle = receiver.got[-1].bundle
    valid(bundle, rig)
    assert len(bundle["entry"]) == entries
    event = next(one for one in bundle["entry"][0]["resource"]["parameter"] if one["name"] == "notification-event")
    named = [part["name"] for part in event["part"]]
    assert ("focus" in named) == (content != "empty")
    assert ("resource" in bundle["entry"][-1] and entries == 2) == (content == "full-resource")
    assert ("anzibarovna" in receiver.got[-1].body.decode()) == (content == "full-resource")


@pytest.mark.parametrize("payload", ["application/fhir+xml", "application/xml"])
def test_who_asked_for_xml_is_sent_xml_signed_as_it_is(rig: Rig, receiver: Receiver, payload: str) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM, content="full-resource", payload=payload))
    rig.put(care_team("t1"))
    rig.work()
    handshake, event = receiver.got
    validator = wiring.knowledge_of(rig.settings).validator
    profile = BACKPORT + "subscription-notification-r4"
    for one in (handshake, event):
        assert one.headers["content-type"] == payload
        assert [issue for issue in validator.check(one.body, (profile,)) if issue.is_error] == []
        webhook_signature.verify(one.body, one.headers, secrets=[SECRET], now=rig.now())
    names = [etree.QName(one).localname for one in etree.fromstring(event.body).iter()]
    assert names.count("CareTeam") == 1


def test_filters_are_all_met(rig: Rig, receiver: Receiver) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM, filters=("CareTeam?status=active", "patient=Patient/p1")))
    rig.put(care_team("t1", status="proposed"))
    rig.put(care_team("t1", status="active"))
    rig.work()
    assert receiver.events == [1]
    assert receiver.got[-1].bundle["entry"][1]["fullUrl"].endswith("/CareTeam/t1")


def test_a_dead_subscriber_is_retried_then_in_error_and_heals_itself(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    receiver.statuses = [500, 500]
    rig.put(care_team("t1"))
    rig.work()
    rig.later(60)
    rig.work()
    rig.later(60)
    rig.work()
    assert receiver.events == [1]
    assert rig.get(f"Subscription/{id}")["status"] == "active"
    assert len({one.headers["webhook-id"] for one in receiver.got[1:]}) == 1  # the same on every attempt
    receiver.statuses = [410]
    rig.put(care_team("t1", note="2"))
    rig.work()
    failed = rig.get(f"Subscription/{id}")
    assert (failed["status"], failed["error"]) == ("error", "http 410")
    assert rig.alerts == [(id, "http 410")]
    rig.put(care_team("t1", note="3"))
    rig.put(care_team("t1", note="4"))
    rig.later(100_000)
    rig.work()
    assert receiver.events == [1]  # nothing is sent while in error
    assert parameter(rig.get(f"Subscription/{id}/$status"), "events-since-subscription-start") == "4"
    missed = rig.get(f"Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=3")
    assert numbers(missed) == [2, 3]
    assert parameter(missed, "type") == "query-event"
    valid(missed, rig)
    body = {**subscription(receiver.url, topic=TEAM), "id": id, "status": "active"}
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body).get_json()["status"] == "requested"
    rig.put(care_team("t1", note="5"))
    rig.work()
    rig.work()
    assert rig.get(f"Subscription/{id}")["status"] == "active"
    assert receiver.events == [1, 2, 3, 4, 5]
    assert receiver.got[-5].type == "handshake"
    assert len(rig.alerts) == 1


def test_a_lost_reply_repeats_the_same_delivery(rig: Rig, receiver: Receiver) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM))
    receiver.statuses = [0]
    rig.put(care_team("t1"))
    rig.work()
    rig.later(60)
    rig.work()
    lost, again = receiver.got[-2:]
    assert lost.headers["webhook-id"] == again.headers["webhook-id"]
    assert lost.numbers == again.numbers == [1]


def test_a_redirect_is_not_followed(rig: Rig, receiver: Receiver) -> None:
    receiver.statuses = [307]
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    assert [one.path for one in receiver.got] == ["/hook"]
    assert rig.get(f"Subscription/{id}")["status"] == "requested"


def test_a_handshake_that_fails_is_an_error(rig: Rig, receiver: Receiver) -> None:
    receiver.statuses = [500, 500, 500]
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    for _ in range(2):
        rig.later(120)
        rig.work()
    assert rig.get(f"Subscription/{id}")["status"] == "error"
    assert [one.status for one in receiver.got] == [500, 500, 500]


def test_what_happens_before_the_handshake_is_told_after_it(rig: Rig, receiver: Receiver) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM), handshake=False)
    rig.put(care_team("t1"))
    rig.work()
    rig.work()
    assert [one.type for one in receiver.got] == ["handshake", "event-notification"]
    assert receiver.events == [1]


def test_events_that_wait_go_together_up_to_max_count(rig: Rig, receiver: Receiver) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM, max_count=3))
    for number in range(5):
        rig.put(care_team("t1", note=str(number)))
    rig.work()
    assert [one.numbers for one in receiver.got[1:]] == [[1, 2, 3], [4, 5]]
    for one in receiver.got:
        valid(one.bundle, rig)


def test_bodies_are_signed_with_every_secret(rig: Rig, receiver: Receiver) -> None:
    rig.subscribe(subscription(receiver.url, topic=TEAM))
    got = receiver.got[0]
    for secret in (SECRET, OLD_SECRET):
        webhook_signature.verify(got.body, got.headers, secrets=[secret], now=wiring.now())
    with pytest.raises(webhook_signature.Unauthenticated):
        webhook_signature.verify(got.body + b" ", got.headers, secrets=[SECRET], now=wiring.now())


def test_heartbeats_after_silence(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM, heartbeat=30))
    assert rig.tend() == 0
    rig.later(31)
    assert rig.tend() == 1
    assert rig.tend() == 0
    assert [one.type for one in receiver.got] == ["handshake", "heartbeat"]
    assert parameter(receiver.got[1].bundle, "events-since-subscription-start") == "0"
    valid(receiver.got[1].bundle, rig)
    rig.later(20)
    rig.put(care_team("t1"))
    rig.work()
    rig.later(20)
    assert rig.tend() == 0  # an event breaks the silence
    assert rig.get(f"Subscription/{id}")["status"] == "active"


def test_an_end_turns_it_off(rig: Rig, receiver: Receiver) -> None:
    end = rig.now().replace(microsecond=0).isoformat()
    late = send(rig.client, "POST", "/fhir/Subscription", {**subscription(receiver.url, topic=TEAM), "end": end})
    assert late.status_code == 422
    rig.later(3600)
    end, rig.ahead = rig.now().replace(microsecond=0).isoformat(), rig.ahead * 0
    id = rig.subscribe({**subscription(receiver.url, topic=TEAM), "end": end})
    rig.later(3700)
    rig.tend()
    assert rig.get(f"Subscription/{id}")["status"] == "off"
    rig.put(care_team("t1"))
    rig.work()
    assert receiver.events == []


def test_off_drops_what_is_owed(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    rig.put(care_team("t1"))
    body = {**subscription(receiver.url, topic=TEAM), "id": id, "status": "off"}
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body).status_code == 200
    rig.work()
    assert receiver.events == []
    assert rig.store.outbox.counts()[(f"subscription:{id}", "dropped")] == 1


def test_saying_the_same_again_changes_nothing(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    body = rig.get(f"Subscription/{id}")
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body).get_json()["meta"] == body["meta"]
    rig.work()
    assert len(receiver.got) == 1


def test_events_that_are_no_longer_kept_are_refused_not_left_out(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=OWN + "care-team"))
    for n in range(1, 5):
        rig.put(care_team("c1", note=str(n)))
    rig.work()
    rig.later(100 * 86_400)
    for _ in prune(Days(0, 90, 0, 0), store=rig.store, now=rig.now()):
        pass
    rig.put(care_team("c1", note="5"))
    for asked in ("eventsSinceNumber=2", "eventsSinceNumber=0", "eventsSinceNumber=1&eventsUntilNumber=3"):
        answer = rig.client.get(f"/fhir/Subscription/{id}/$events?{asked}")
        assert answer.status_code == 410
        assert "before number 5" in answer.get_json()["issue"][0]["diagnostics"]
    for asked in ("?eventsSinceNumber=5", ""):
        told = rig.get(f"Subscription/{id}/$events{asked}")["entry"][0]["resource"]
        parts = [one["part"] for one in told["parameter"] if one["name"] == "notification-event"]
        assert [part[0]["valueString"] for part in parts] == ["5"]
    assert rig.client.get(f"/fhir/Subscription/{id}/$events?eventsSinceNumber=6").status_code == 200


def test_what_failed_before_is_told_as_soon_as_it_is_active_again(rig: Rig, receiver: Receiver) -> None:
    """However far apart the attempts had become: the handshake shows that the subscriber is there."""
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    receiver.statuses = [503] * 7
    rig.put(care_team("t1"))
    for _ in range(7):
        rig.work()
        rig.later(6 * 3600)
    receiver.statuses = [503]
    rig.work()
    assert receiver.events == []  # the next attempt is an hour away
    body = {**subscription(receiver.url, topic=TEAM), "id": id}
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body).get_json()["status"] == "requested"
    rig.work()
    rig.work()
    assert receiver.events == [1]


def test_waiting_for_a_handshake_is_no_failed_attempt(rig: Rig, receiver: Receiver) -> None:
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    rig.put(care_team("t1"))
    body = {**subscription(receiver.url, topic=TEAM, max_count=2), "id": id}
    receiver.statuses = [500, 500, 200, 500]
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body).status_code == 200
    for _ in range(9):
        rig.work()
        rig.later(5.1)
    rig.later(30)
    rig.work()
    assert [one.status for one in receiver.got if one.type == "event-notification"] == [500, 200]
    assert receiver.events == [1]


def test_an_event_that_is_not_kept_puts_the_subscription_in_error_and_is_not_tried_for_ever(
    rig: Rig, receiver: Receiver
) -> None:
    """A table restored without its newest rows: a person is told once, and the worker does not turn on the spot."""
    id = rig.subscribe(subscription(receiver.url, topic=TEAM))
    rig.put(care_team("t1"))
    with rig.store.engine.writing() as session:  # type: ignore[attr-defined]
        session.run("DELETE FROM subscription_event")
    for _ in range(5):
        rig.work()
        rig.tend()
        rig.later(0.5)
    assert [one.ending for one in rig.attempts if one.delivery.owed.kind != "handshake"] == ["parked"]
    assert rig.alerts == [(id, "the event is not kept here")]
    assert rig.get(f"Subscription/{id}")["status"] == "error"
