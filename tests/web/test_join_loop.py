"""Several senders refer one member for one service: one loop, each sender told, each may withdraw alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import shipped, wiring
from gateway.mapping.loop import LOOP
from gateway.mapping.systems import COMMUNITY_SUPPORT, SERVICE
from gateway.settings import Settings
from gateway.usecases.loop_tables import LoopTables
from tests.web.conftest import a_referral
from tests.web.news import at, hear

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


def test_one_that_replaces_any_senders_referral_does_not_join_that_loop(three: FlaskClient) -> None:
    assert "loop-joined" not in refer(three, {"source": "shelter", "id": "S-2"}, replaces=SHELTER)
    assert task(three, "S-2")["status"] == "requested"


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


@pytest.mark.parametrize(
    "different",
    [
        {"member": a_referral()["member"] | {"cin": "90000124B"}},
        {"coverage": {"plan": "health-net"}},
        {"service": "asthma-remediation"},
    ],
    ids=["member", "plan", "service"],
)
def test_a_loop_is_of_one_member_plan_and_service_whatever_group_a_task_names(
    client: FlaskClient, different: Json
) -> None:
    refer(client)
    refer(client, SHELTER, **different)
    first, other = task(client, "R-2026-0001"), task(client, "S-1")
    group = {"system": LOOP, "value": first["id"]}
    assert client.put(f"/fhir/Task/{other['id']}", json=other | {"groupIdentifier": group}).status_code == 200
    loops = client.get("/loops").get_json()["loops"]
    assert {one["task"] for one in loops} == {f"Task/{first['id']}", f"Task/{other['id']}"}
    assert [one["also"] for one in loops] == [[], []]
    assert hear(client, 1, referral=SHELTER, at=at(9), status="accepted").status_code == 200
    assert (task(client, "S-1")["status"], task(client, "R-2026-0001")["status"]) == ("accepted", "requested")


def test_a_loop_may_have_more_senders_than_a_page(client: FlaskClient) -> None:
    refer(client)
    for number in range(54):
        assert "loop-joined" in refer(client, {"source": "shelter", "id": f"S-{number}"})
    (one,) = client.get("/loops").get_json()["loops"]
    assert len(one["also"]) == 54
    assert hear(client, 1, at=at(9), status="rejected", reason="no room").status_code == 200
    statuses = client.get("/fhir/Task?_count=200").get_json()["entry"]
    assert {entry["resource"]["status"] for entry in statuses} == {"rejected"}
    assert "loop-joined" not in refer(client, {"source": "shelter", "id": "S-60"})
    assert "loop-joined" in refer(client, {"source": "shelter", "id": "S-61"}), "the open one is behind fifty closed"


def posted(client: FlaskClient, **changes: Any) -> Json:
    """A request for ECM of the member of the open loop, and its Task, by one transaction."""
    patient = client.get("/fhir/Patient").get_json()["entry"][0]["resource"]
    subject = {"reference": f"Patient/{patient['id']}"}
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Enhanced Care Management"},
        "subject": subject,
        "identifier": [{"system": "http://ehr.example/orders", "value": "E-1"}],
    } | changes.pop("order", {})
    work = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a01"},
        "for": subject,
        "authoredOn": "2026-03-03T08:00:00-08:00",
        "identifier": [{"system": "http://ehr.example/tasks", "value": "E-1"}],
    } | changes
    entries = [
        {"resource": work, "request": {"method": "POST", "url": "Task"}},
        {"fullUrl": "urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0a01", "resource": order,
         "request": {"method": "POST", "url": "ServiceRequest"}},
    ]  # fmt: skip
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.data
    found: Json = client.get("/fhir/Task?identifier=http://ehr.example/tasks|E-1").get_json()
    made: Json = found["entry"][0]["resource"]
    return made


def test_a_referral_in_fhir_joins_the_loop_like_one_by_the_doors(client: FlaskClient) -> None:
    refer(client)
    hear(client, 1, at=at(9), status="accepted")
    made = posted(client)
    assert made["groupIdentifier"]["value"] == task(client, "R-2026-0001")["id"]
    assert made["status"] == "accepted", "it begins where the loop stands"
    assert len(client.get("/loops").get_json()["loops"]) == 1
    hear(client, 2, at=at(10), status="completed")
    ended = client.get(f"/fhir/Task/{made['id']}").get_json()
    assert ended["status"] == "completed"
    assert client.get(f"/fhir/{made['focus']['reference']}").get_json()["status"] == "completed"


def test_a_door_joins_a_loop_that_began_in_fhir(client: FlaskClient) -> None:
    refer(client)
    hear(client, 1, at=at(9), status="rejected", reason="no room")
    first = posted(client, order={"code": {"coding": [{"system": SERVICE, "code": "ecm-enrollment"}]}})
    assert "groupIdentifier" not in first
    assert "loop-joined" in refer(client, SHELTER)


def test_a_single_task_joins_too(client: FlaskClient) -> None:
    refer(client)
    made = posted(client, status="draft")
    assert "groupIdentifier" not in made, "a draft is nobody's referral yet"
    single = {k: v for k, v in made.items() if k not in ("id", "meta", "identifier")} | {"status": "requested"}
    assert "groupIdentifier" in client.post("/fhir/Task", json=single).get_json()
    assert "groupIdentifier" in client.put("/fhir/Task/of-ours", json=single | {"id": "of-ours"}).get_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"order": {"code": {"text": "Food pantry"}}},
        {"order": {"code": {"coding": [{"system": COMMUNITY_SUPPORT, "code": "asthma-remediation"}]}}},
        {"owner": {"display": "a provider that was asked directly"}},
        {"groupIdentifier": {"system": "http://ehr.example/groups", "value": "G"}},
        {"status": "accepted"},
        {"order": {"replaces": [{"identifier": {"value": "R-2026-0001"}}]}},
    ],
)
def test_what_is_another_conversation_in_fhir_joins_none(client: FlaskClient, changes: Json) -> None:
    refer(client)
    made = posted(client, **changes)
    group = made.get("groupIdentifier", {})
    assert group.get("system") != LOOP


def test_a_plans_own_window_comes_before_that_for_all(settings: Settings, tmp_path: Path) -> None:
    tables = shipped.folder("mappings")
    folder = tmp_path / "mappings"
    shutil.copytree(tables, folder)
    table = folder / "closed-loop" / "overlap.csv"
    table.write_text(table.read_text() + "*,0,2024-01-01,,la-care,ours\n")
    loops = LoopTables.load(folder)
    on = date(2026, 3, 2)
    assert loops.window("ecm", on=on) == loops.window("ecm", on=on, plan="health-net") == 365
    assert loops.window("ecm", on=on, plan="la-care") == 0
    assert loops.window("asthma-remediation", on=on) == 180
    with wiring.running(replace(settings, mappings=folder)) as app:
        client = app.test_client()
        refer(client)
        assert "loop-joined" not in refer(client, SHELTER), "this plan wants each referral by itself"
        other = a_referral()["member"] | {"cin": "90000124B"}
        refer(client, HOSPITAL, member=other, coverage={"plan": "health-net"})
        key = {"source": "school", "id": "L-1"}
        assert "loop-joined" in refer(client, key, member=other, coverage={"plan": "health-net"})
