"""What is not honoured is refused when it is asked for, each reason by its rule; everyone sees their own only."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.subscriptions.endpoint import Endpoints, mail_address
from tests.subscriptions.conftest import BACKPORT, GRAVITY, OWN, Rig, extension, subscription
from tests.web.sent import send

PUBLIC = "https://hooks.example.org/fhir"


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def rules(rig: Rig, body: dict[str, Any]) -> set[str]:
    answer = send(rig.client, "POST", "/fhir/Subscription", body)
    assert answer.status_code == 422, answer.data
    issues = answer.get_json()["issue"]
    return {issue["details"]["coding"][0]["code"].removeprefix("subscription-") for issue in issues}


def asked(**changed: Any) -> dict[str, Any]:
    return subscription(changed.pop("endpoint", PUBLIC), **changed)


CROSS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Subscription.filterBy"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (asked(topic="http://example.org/SubscriptionTopic/any"), "unknown-topic"),
        (asked(topic=GRAVITY + "Task|9.9.9"), "unknown-topic"),
        (asked(topic="Task?status=requested"), "unknown-topic"),
        (asked(filters=("Task?priority=urgent",)), "filter"),
        (asked(filters=("Patient?_id=1",)), "filter"),
        (asked(filters=("owner.name=X",)), "filter"),
        (asked(filters=("Task?status",)), "filter"),
        (asked(filters=("owner:missing=maybe",)), "filter"),
        (asked(topic=GRAVITY + "Servicerequest", filters=("status=active",)), "filter"),
        ({**asked(), "extension": [{"url": CROSS, "valueString": "x"}]}, "cross-version"),
        (asked(extension=[{"url": CROSS, "valueString": "x"}]), "cross-version"),
        (asked(type="websocket"), "channel-type"),
        (asked(type="sms", endpoint="tel:+12135550100"), "channel-type"),
        (asked(_type={"extension": [extension("channel-type", valueCoding={"code": "zulip"})]}), "channel-type"),
        (asked(endpoint="http://hooks.example.org/fhir"), "endpoint"),
        (asked(endpoint="https://10.0.0.7/fhir"), "endpoint"),
        (asked(type="email", endpoint="mailto:a@b.example,c@d.example", payload="text/plain"), "endpoint"),
        (asked(payload="text/turtle"), "payload-type"),
        (asked(payload="text/plain"), "payload-type"),
        (asked(type="email", endpoint="mailto:a@b.example.org", content="full-resource"), "payload-combination"),
        (asked(header=["Content-Length: 4"]), "header"),
        (asked(header=["X-A: 1\r\nX-B: 2"]), "header"),
        (asked(heartbeat=1), "heartbeat"),
        (asked(timeout=0), "timeout"),
        ({**asked(), "end": "2020-01-01T00:00:00Z"}, "end"),
    ],
)
def test_the_reason_is_named(rig: Rig, body: dict[str, Any], rule: str) -> None:
    assert rules(rig, body) == {rule}


def test_whole_resources_only_to_those_cleared(rig: Rig) -> None:
    offer = rig.services().offer
    assert offer is not None
    body = asked(content="full-resource")
    assert offer.issues(body, principal="local") == []
    assert [issue.rule for issue in offer.issues(body, principal="other")] == ["subscription-payload-combination"]


def test_everything_wrong_is_said_at_once(rig: Rig) -> None:
    body = asked(topic="http://example.org/none", endpoint="ftp://10.0.0.1", payload="text/html", type="message")
    assert rules(rig, body) == {"unknown-topic", "channel-type", "payload-type"}


def test_the_profile_is_asked_of_it_whether_it_says_so_or_not(rig: Rig) -> None:
    body = asked()
    del body["meta"], body["channel"]["_payload"]
    answer = send(rig.client, "POST", "/fhir/Subscription", body)
    assert answer.status_code == 422
    assert "Subscription.channel.payload" in answer.get_data(as_text=True)


@pytest.mark.parametrize("status", ["requested", "active"])
def test_only_a_handshake_makes_it_active(rig: Rig, status: str) -> None:
    answer = send(rig.client, "POST", "/fhir/Subscription", {**asked(), "status": status, "error": "mine"})
    assert answer.status_code == 201
    assert answer.get_json()["status"] == "requested"
    assert "error" not in answer.get_json()


def test_one_sees_ones_own_only(rig: Rig) -> None:
    from gateway.ports import Caller

    id = rig.subscribe(asked(), handshake=False)
    with rig.store.begin(Caller("somebody-else")) as tx:
        tx.put({**asked(), "id": "theirs", "status": "off"})
    for path in ("Subscription/theirs", "Subscription/theirs/$status", "Subscription/theirs/$events"):
        assert rig.client.get(f"/fhir/{path}").status_code == 404
    assert send(rig.client, "PUT", "/fhir/Subscription/theirs", {**asked(), "id": "theirs"}).status_code == 404
    found = rig.get("Subscription?_count=50")
    assert [entry["resource"]["id"] for entry in found["entry"]] == [id]
    assert rig.get("Subscription/$status?id=theirs")["total"] == 0
    assert rig.get(f"Subscription/$status?id={id},theirs&status=requested")["total"] == 1


def test_a_subscription_is_no_entry_of_a_bundle(rig: Rig) -> None:
    entry = {"resource": asked(), "request": {"method": "POST", "url": "Subscription"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert send(rig.client, "POST", "/fhir", bundle).status_code in (400, 404)


def test_an_old_version_is_not_replaced(rig: Rig) -> None:
    id = rig.subscribe(asked(), handshake=False)
    body = {**asked(header=["X-A: 1"]), "id": id}
    assert send(rig.client, "PUT", f"/fhir/Subscription/{id}", body, If_Match='W/"9"').status_code == 412
    new = {**asked(), "id": "mine"}
    assert send(rig.client, "PUT", "/fhir/Subscription/mine", new, If_Match='W/"1"').status_code == 412
    assert send(rig.client, "PUT", "/fhir/Subscription/mine", new).status_code == 201


def test_topics_are_advertised(rig: Rig) -> None:
    listed = rig.get("metadata")["rest"][0]["resource"]
    found = next(one for one in listed if one["type"] == "Subscription")
    topics = {one["valueCanonical"].partition("|")[0] for one in found["extension"]}
    assert {GRAVITY + "Task", GRAVITY + "Servicerequest", OWN + "care-plan"} <= topics
    assert found["extension"][0]["url"] == BACKPORT.replace(
        "backport-", "capabilitystatement-subscriptiontopic-canonical"
    )


REFUSED = """
http://hooks.example.org/ https://localhost/ https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f000001/
https://0177.0.0.1/ https://10.1.2.3/ https://172.16.0.1/ https://192.168.1.1/ https://169.254.169.254/latest/meta-data/
https://100.64.0.1/ https://0.0.0.0/ https://255.255.255.255/ https://224.0.0.1/ https://[::1]/ https://[::]/
https://[::ffff:127.0.0.1]/ https://[::ffff:10.0.0.1]/ https://[fe80::1]/ https://[fd00::1]/ https://[fec0::1]/ https://[fe80::1%25eth0]/
https://hooks.example.org/é
https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/ https://[ff02::1]/ https://user:pw@hooks.example.org/ https:///x
https://intranet/ https://db.internal/ https://printer.local/ https://hooks.example.org:22/ https://hooks.example.org:25/
https://hooks.example.org:99999/ file:///etc/passwd ftp://hooks.example.org/ gopher://hooks.example.org/
javascript:alert(1)
https://hooks.example.org\\@127.0.0.1/ https://hooks.example.org/#frag https://exa_mple.org/ https://-a.example.org/
""".split()


@pytest.mark.parametrize("address", [*REFUSED, "", "https://hooks.example.org/a b", "https://ex\nample.org/"])
def test_addresses_that_lead_elsewhere_are_refused(address: str) -> None:
    assert list(Endpoints().wrong(address))


@pytest.mark.parametrize(
    "address", ["https://hooks.example.org/x?y=z", "https://hooks.example.org:8443/", "https://93.184.216.34/"]
)
def test_public_addresses_are_taken(address: str) -> None:
    assert list(Endpoints().wrong(address)) == []


def test_what_the_operator_allows() -> None:
    allowed = Endpoints(loopback=True, private=frozenset(["ehr.internal"]))
    for address in ("http://127.0.0.1:9/x", "http://localhost/x", "https://ehr.internal/x"):
        assert list(allowed.wrong(address)) == []
    assert list(allowed.wrong("http://ehr.internal/x"))
    assert allowed.reachable("ehr.internal", "10.0.0.5")
    assert not allowed.reachable("hooks.example.org", "10.0.0.5")


def test_a_name_that_moves_after_the_check_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from gateway.partners.webhook import Webhooks

    connected: list[object] = []
    mixed = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: mixed)
    monkeypatch.setattr(socket, "create_connection", lambda *where: connected.append(where))
    receipt = Webhooks(Endpoints()).post(PUBLIC, body=b"{}", headers={}, seconds=1)
    assert (receipt.accepted, receipt.retry, connected) == (False, True, [])


@pytest.mark.parametrize(
    "endpoint", ["mailto:a@b", "mailto:a@b.org?bcc=c@d.org", "a@b.org", "mailto:a b@c.org", "mailto:"]
)
def test_mail_goes_to_one_plain_address(endpoint: str) -> None:
    assert mail_address(endpoint) is None
    assert mail_address("mailto:team@b.example.org") == "team@b.example.org"
