"""Several senders refer one member for one service: one loop, each sender told, each may withdraw alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import a_referral
from tests.web.test_referral_changes import at, hear

Json = dict[str, Any]
SHELTER = {"source": "shelter", "id": "S-1"}
HOSPITAL = {"source": "hospital", "id": "H-1"}


def refer(client: FlaskClient, key: Json | None = None, **changes: Any) -> list[str]:
    """Send a referral; the rules of what was remarked on it."""
    referral = a_referral() | ({"key": key} if key else {}) | changes
    answer = client.post("/referrals", json=referral)
    assert answer.status_code == 201, answer.data
    told = answer.get_json()["entry"][0]["response"].get("outcome", {"issue": []})
    return [one["details"]["coding"][0]["code"] for one in told["issue"]]


def task(client: FlaskClient, id: str) -> Json:
    found: Json = client.get(f"/fhir/Task?identifier={id}").get_json()["entry"][0]["resource"]
    return found


def request(client: FlaskClient, id: str) -> Json:
    found: Json = client.get(f"/fhir/ServiceRequest?identifier={id}").get_json()["entry"][0]["resource"]
    return found


@pytest.fixture
def three(client: FlaskClient) -> FlaskClient:
    assert "loop-joined" not in refer(client)
    assert "loop-joined" in refer(client, SHELTER)
    hear(client, 1, at=at(9), status="accepted")
    assert "loop-joined" in refer(client, HOSPITAL)
    return client


def test_a_further_referral_begins_where_the_loop_stands(three: FlaskClient) -> None:
    first = task(three, "R-2026-0001")
    for id in ("S-1", "H-1"):
        other = task(three, id)
        assert other["groupIdentifier"]["value"] == first["id"]
        assert (other["status"], other["lastModified"]) == ("accepted", at(9))
    (one,) = three.get("/loops").get_json()["loops"]
    assert (one["task"], len(one["also"])) == (f"Task/{first['id']}", 2)


@pytest.mark.parametrize("named", [{"source": "harbor-clinic", "id": "R-2026-0001"}, SHELTER, HOSPITAL])
def test_the_target_moves_all_of_them_at_once(three: FlaskClient, named: Json) -> None:
    assert hear(three, 2, referral=named, at=at(10), status="completed").status_code == 200
    for id in ("R-2026-0001", "S-1", "H-1"):
        assert (task(three, id)["status"], request(three, id)["status"]) == ("completed", "completed")
    assert three.get("/loops").get_json()["loops"] == []


@pytest.mark.parametrize("named", [{"source": "harbor-clinic", "id": "R-2026-0001"}, SHELTER])
def test_a_sender_withdraws_alone(three: FlaskClient, named: Json) -> None:
    withdrawn = hear(three, 2, referral=named, party="requester", at=at(10), status="cancelled", reason="in error")
    assert withdrawn.status_code == 200
    others = [id for id in ("R-2026-0001", "S-1", "H-1") if id != named["id"]]
    assert (task(three, named["id"])["status"], request(three, named["id"])["status"]) == ("cancelled", "revoked")
    assert [task(three, id)["status"] for id in others] == ["accepted", "accepted"]
    assert hear(three, 3, referral=HOSPITAL, at=at(11), status="in-progress").status_code == 200
    assert [task(three, id)["status"] for id in others] == ["in-progress", "in-progress"]
    assert task(three, named["id"])["status"] == "cancelled"
    assert "loop-joined" in refer(three, {"source": "school", "id": "L-1"})
    assert len(three.get("/loops").get_json()["loops"]) == 1


def test_another_member_or_plan_or_a_closed_loop_is_another_loop(client: FlaskClient) -> None:
    refer(client)
    other = a_referral()["member"] | {"cin": "90000124B"}
    assert "loop-joined" not in refer(client, SHELTER, member=other)
    assert "loop-joined" not in refer(client, HOSPITAL, coverage={"plan": "health-net"})
    hear(client, 1, at=at(9), status="rejected", reason="no room")
    assert "loop-joined" not in refer(client, {"source": "school", "id": "L-1"})


def test_one_that_replaces_the_open_one_does_not_join_it(client: FlaskClient) -> None:
    refer(client)
    assert "loop-joined" not in refer(client, SHELTER, replaces={"source": "harbor-clinic", "id": "R-2026-0001"})


def test_the_same_referral_again_is_no_further_one(three: FlaskClient) -> None:
    again = three.post("/referrals", json=a_referral() | {"key": SHELTER})
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"1"')
    assert task(three, "S-1")["meta"]["versionId"] == "2"


@pytest.mark.parametrize(
    "system", ["http://ehr.example/order-groups", None, "https://ecm-gateway.example/fhir/sid/loop"]
)
def test_a_group_that_is_not_this_members_loop_moves_nobody_else(client: FlaskClient, system: str | None) -> None:
    refer(client)
    refer(client, SHELTER, member=a_referral()["member"] | {"cin": "90000124B"})
    first, other = task(client, "R-2026-0001"), task(client, "S-1")
    group = {"value": first["id"]} | ({"system": system} if system else {})
    assert client.put(f"/fhir/Task/{other['id']}", json=other | {"groupIdentifier": group}).status_code == 200
    assert hear(client, 1, referral=SHELTER, at=at(9), status="accepted").status_code == 200
    assert (task(client, "S-1")["status"], task(client, "R-2026-0001")["status"]) == ("accepted", "requested")
