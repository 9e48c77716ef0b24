"""Subscriptions with a FHIR server that we did not write, HAPI FHIR: what it notifies is heard, and it takes ours.

ECM_TEST_HAPI=yes runs it (Java 17 and Maven; 250 MB of jars are fetched once); without, it is skipped loudly.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.gateways import BACKPORT, TASKS, Gateway, all_running, until
from tests.interop.hapi_server import started

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]
START = Path(__file__).parent / "hapi_subscriptions" / "start"
TOKEN = "a-token-that-hapi-shows-" + "0" * 16
HOOKS = ("json", "xml", "named", "whole", "empty", "nothing")
"""A webhook, and so a partner, for each way in which HAPI notifies."""
POLLED = ("empty", "nothing")
"""Those that say that something changed and not what."""
NUMBERS = count(1)
Json = dict[str, Any]


class Hapi:
    """The server, spoken to as by any client of its own."""

    def __init__(self, base: str) -> None:
        self.base = base

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """AssertionError with what it says for what it refuses."""
        headers = {"Content-Type": "application/fhir+json", "Cache-Control": "no-cache"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}", method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                found: Json = json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                raise AssertionError(f"{method} {path}: {refused.code} {refused.read().decode()}") from None
        return found

    def put(self, resource: Json) -> Json:
        return self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource)

    def subscribe(self, endpoint: str, *, payload: str = "", content: str = "") -> str:
        """To Tasks: by criteria, or with `content` by topic; active when this returns. Its id."""
        criteria, profile = "Task?status=requested,accepted,rejected", BACKPORT + "subscription"
        channel: Json = {"type": "rest-hook", "endpoint": endpoint, "header": [f"Authorization: Bearer {TOKEN}"]}
        asked: Json = {"resourceType": "Subscription", "status": "requested", "reason": "ECM", "criteria": criteria}
        if payload:
            channel["payload"] = payload
        if content:
            filters = {"url": BACKPORT + "filter-criteria", "valueString": criteria}
            asked |= {"meta": {"profile": [profile]}, "criteria": TASKS, "_criteria": {"extension": [filters]}}
            channel["_payload"] = {"extension": [{"url": BACKPORT + "payload-content", "valueCode": content}]}
        id = str(self.ask("POST", "Subscription", asked | {"channel": channel})["id"])
        until(lambda: self.ask("GET", f"Subscription/{id}")["status"] == "active", "HAPI to begin notifying")
        return id


@pytest.fixture(scope="module")
def hapi() -> Iterator[Hapi]:
    with started(START) as address:
        yield Hapi(address)


@pytest.fixture(scope="module")
def gateway(hapi: Hapi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that HAPI notifies in every way that it can."""
    made = Gateway("gateway", tmp_path_factory.mktemp("hapi") / "gateway")
    rule = f'tokens = ["{TOKEN}"]\naccepts = ["Task", "ServiceRequest", "Patient"]\n'
    made.webhooks = "".join(f"[hooks.{name}]\n{rule}" for name in HOOKS)
    server = f'kind = "fhir_server"\nbase_url = "{hapi.base}"\n'
    often = 'poll = ["Task"]\npoll_minutes = 1440\n'  # hurried to half an hour
    made.partners = "".join(f"[{name}]\n{server}{often if name in POLLED else ''}" for name in HOOKS)
    with all_running(made):
        yield made


def referred(hapi: Hapi) -> str:
    """A referral of HAPI's own; the id of its Task."""
    number = next(NUMBERS)
    id, about = f"t{number}", {"reference": f"Patient/p{number}"}
    hapi.put({"resourceType": "Patient", "id": f"p{number}", "name": [{"family": "Zanzibarovna"}], "gender": "female"})
    order = {"resourceType": "ServiceRequest", "id": f"s{number}", "status": "active", "intent": "order"}
    hapi.put(order | {"code": {"text": "A home"}, "subject": about})
    task = {"resourceType": "Task", "id": id, "status": "requested", "intent": "order", "for": about}
    hapi.put(task | {"focus": {"reference": f"ServiceRequest/s{number}"}})
    return id


def moved(hapi: Hapi, id: str, status: str) -> None:
    hapi.put({**hapi.ask("GET", f"Task/{id}"), "status": status})


def heard(gateway: Gateway, hapi: Hapi, id: str) -> list[Json]:
    """What is kept here of a Task of HAPI's: under its id, or known by its address."""
    return gateway.find("Task", f"_id={id}") + gateway.find("Task", f"identifier={hapi.base}|Task/{id}")


def calls(gateway: Gateway, since: int) -> list[Json]:
    """The webhooks that came after so many."""
    return [one for one in gateway.log("serve") if str(one.get("route", "")).startswith("/hooks")][since:]


@pytest.mark.parametrize(
    ("hook", "asked"),
    [
        ("json", {"payload": "application/fhir+json"}),
        ("xml", {"payload": "application/fhir+xml"}),
        ("named", {"payload": "application/fhir+json", "content": "id-only"}),
        ("whole", {"payload": "application/fhir+json", "content": "full-resource"}),
        ("empty", {"payload": "application/fhir+json", "content": "empty"}),
        ("nothing", {}),
    ],
)
def test_what_it_notifies_is_kept_and_applied(hapi: Hapi, gateway: Gateway, hook: str, asked: dict[str, str]) -> None:
    before = len(calls(gateway, 0))
    subscription = hapi.subscribe(f"http://127.0.0.1:{gateway.port}/hooks/{hook}", **asked)
    id = referred(hapi)
    until(lambda: heard(gateway, hapi, id), f"the Task by {hook}")
    (task,) = heard(gateway, hapi, id)
    assert task["status"] == "requested"
    assert gateway.read(task["for"]["reference"])["name"] == [{"family": "Zanzibarovna"}], "read along"
    assert gateway.read(task["focus"]["reference"])["code"] == {"text": "A home"}
    moved(hapi, id, "accepted")
    until(lambda: heard(gateway, hapi, id)[0]["status"] == "accepted", f"the Task's next status by {hook}")
    assert len(heard(gateway, hapi, id)) == 1
    hapi.put({**hapi.ask("GET", f"Subscription/{subscription}"), "status": "off"})
    assert [one for one in gateway.troubles() if one["event"] == "inbound.parked"] == []
    answered = [one["status"] for one in calls(gateway, before)]
    assert answered == [204, 204], "each once: what HAPI cannot read as an answer it sends again"


def test_it_takes_our_notifications_as_they_are(hapi: Hapi, gateway: Gateway) -> None:
    """It has no receiver of its own: they are kept as Bundles, after its parser has read them strictly."""
    subscribed = gateway.ask("POST", "/fhir/Subscription", ours(f"{hapi.base}/Bundle"))
    until(lambda: gateway.read(f"Subscription/{subscribed['id']}")["status"] == "active", "the handshake to be taken")
    task = {"resourceType": "Task", "id": "ours", "status": "requested", "intent": "order", "description": "told"}
    gateway.ask("PUT", "/fhir/Task/ours", task)
    told = until(lambda: notifications(hapi, "event-notification"), "the event to arrive")
    (event,) = told[0]["parameter"][-1:]
    assert {"name": "focus", "valueReference": {"reference": f"{gateway.base}/Task/ours"}} in event["part"]
    assert len(notifications(hapi, "handshake")) == 1


def test_where_it_takes_none_the_subscription_is_in_error_and_says_why(hapi: Hapi, gateway: Gateway) -> None:
    subscribed = gateway.ask("POST", "/fhir/Subscription", ours(hapi.base))
    found = until(lambda: error(gateway, str(subscribed["id"])), "the refusal to be seen")
    assert found == "http 400"


def ours(endpoint: str) -> Json:
    content = {"url": BACKPORT + "payload-content", "valueCode": "id-only"}
    channel = {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"}
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [BACKPORT + "subscription"]},
        "status": "requested",
        "reason": "To know how referrals go on",
        "criteria": TASKS,
        "channel": channel | {"_payload": {"extension": [content]}},
    }


def notifications(hapi: Hapi, kind: str) -> list[Json]:
    """The status of each notification of a kind that HAPI has kept."""
    bundles = [one["resource"] for one in hapi.ask("GET", "Bundle?_count=50").get("entry", [])]
    told: list[Json] = [one["entry"][0]["resource"] for one in bundles if one["type"] == "history"]
    return [one for one in told if {"name": "type", "valueCode": kind} in one["parameter"]]


def error(gateway: Gateway, id: str) -> str:
    kept = gateway.read(f"Subscription/{id}")
    return str(kept.get("error", "")) if kept["status"] == "error" else ""
